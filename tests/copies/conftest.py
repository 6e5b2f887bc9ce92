"""Pictures that stand for photographs, and sides made of pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from samekind.copies.compare import Side
from samekind.copies.picture import describe_picture, packed, unpacked


def photo(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """A smooth random picture with forty things in it, and a little noise."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = (int(v) for v in (rng.integers(0, width), rng.integers(0, height), rng.integers(3, width // 12)))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x - r, y - r // 2, x + r, y + r // 2), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    values = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8))).astype(np.float32)
    return Image.fromarray((values + rng.normal(0, 2, values.shape)).clip(0, 255).astype(np.uint8))


def save_parts(folder: Path, **parts: Iterable[int]) -> None:
    """Pictures of two classes, jugs of odd seeds and mugs of even ones, in a folder for each part."""
    for split, seeds in parts.items():
        for seed in seeds:
            path = folder / split / ("jug" if seed % 2 else "mug") / f"{seed:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            photo(seed).save(path)


def side(image: Image.Image) -> Side:
    """A picture as a gallery has it: the small version went through WebP."""
    pixels = np.asarray(image.convert("RGB"))
    return Side(unpacked(*packed(describe_picture(pixels))), lambda: pixels, image.width, image.height)
