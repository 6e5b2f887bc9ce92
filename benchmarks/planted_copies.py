"""Copies of photographs as people make them: recompressed, resized, cropped, mirrored, grey, turned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

KINDS = ("q30", "half", "crop", "mirror", "grey", "turn")


def planted(image: Image.Image, rng: np.random.Generator) -> Iterator[tuple[str, Image.Image, int]]:
    """Each copy of an image: its kind, the copy, and the JPEG quality to save it with.

    The crop keeps 80 % of each side, at a random place, so 64 % of the picture. The turn is by 10° to either side, with
    black corners.
    """
    width, height = image.size
    yield "q30", image, 30
    yield "half", image.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.LANCZOS), 90
    kept = (round(0.8 * width), round(0.8 * height))
    left, top = (int(rng.integers(0, side - part + 1)) for side, part in zip(image.size, kept, strict=True))
    yield "crop", image.crop((left, top, left + kept[0], top + kept[1])), 90
    yield "mirror", ImageOps.mirror(image), 90
    yield "grey", ImageOps.grayscale(image), 90
    yield "turn", image.rotate(10 if rng.random() < 0.5 else -10, Image.Resampling.BICUBIC), 90


def plant(sources: Sequence[Path], with_copies: Sequence[bool], folder: Path, seed: int = 0) -> None:
    """Write each image as ``STEM__original.jpg``, and of some their copies as ``STEM__KIND.jpg``, into one folder."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for source, copied in zip(sources, with_copies, strict=True):
        with Image.open(source) as opened:
            image = opened.convert("RGB")
        image.save(folder / f"{source.stem}__original.jpg", quality=95)
        if copied:
            for kind, copy, quality in planted(image, rng):
                copy.save(folder / f"{source.stem}__{kind}.jpg", quality=quality)


def original_of(name: str) -> str:
    """Which image a planted file is a copy of."""
    return name.rpartition("__")[0]
