"""Copies of photographs as people make them: the six simple kinds, and eight that other programs make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIMPLE_KINDS = ("q30", "half", "crop", "mirror", "grey", "turn")
KINDS = (*SIMPLE_KINDS, "quarter", "border", "caption", "watermark", "screenshot", "strong_crop", "tone", "format")


def planted(image: Image.Image, rng: np.random.Generator) -> Iterator[tuple[str, Image.Image, int]]:
    """Each simple copy of an image: its kind, the copy, and the JPEG quality to save it with.

    The crop keeps 80 % of each side, at a random place, so 64 % of the picture. The turn is by 10° to either side, with
    black corners.
    """
    width, height = image.size
    yield "q30", image, 30
    yield "half", image.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.LANCZOS), 90
    yield "crop", _crop(image, (0.8, 0.8), rng), 90
    yield "mirror", ImageOps.mirror(image), 90
    yield "grey", ImageOps.grayscale(image), 90
    yield "turn", image.rotate(10 if rng.random() < 0.5 else -10, Image.Resampling.BICUBIC), 90


def planted_by_programs(image: Image.Image, rng: np.random.Generator) -> Iterator[tuple[str, Image.Image, int]]:
    """Each of the eight others, in the same way; quality 0 stands for PNG, -1 for WebP at 75.

    ``strong_crop`` keeps half of the picture's area, of one side or of both; ``screenshot`` lays the picture at 55 to
    80 % of its size into the window of a program; ``tone`` is a gamma with a change of contrast.
    """
    yield "quarter", image.rotate(int(rng.choice([90, 180, 270])), expand=True), 90
    frame = max(2, round(float(rng.uniform(0.03, 0.12)) * min(image.size)))
    colour = [(255, 255, 255), (0, 0, 0), (200, 40, 40)][int(rng.integers(3))]
    yield "border", ImageOps.expand(image, frame, colour), 90
    yield "caption", _captioned(image, rng), 90
    yield "watermark", _watermarked(image, rng), 90
    yield "screenshot", _screenshot(image, rng), 90
    kept = [(0.5, 1.0), (1.0, 0.5), (0.71, 0.71)][int(rng.integers(3))]
    yield "strong_crop", _crop(image, kept, rng), 90
    yield "tone", _toned(image, rng), 90
    yield "format", image, int(rng.choice([0, -1]))


def _crop(image: Image.Image, kept: tuple[float, float], rng: np.random.Generator) -> Image.Image:
    size = [max(1, round(part * side)) for part, side in zip(kept, image.size, strict=True)]
    left, top = (int(rng.integers(0, side - part + 1)) for side, part in zip(image.size, size, strict=True))
    return image.crop((left, top, left + size[0], top + size[1]))


def _captioned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A line of white text, outlined in black, laid on the upper or lower tenth."""
    copy = image.copy()
    width, height = image.size
    size = max(9, round(height / 11))
    y = 2 if rng.random() < 0.5 else height - size - 4
    text = str(rng.choice(["HOLIDAY 2019", "LOOK AT THIS", "when monday comes", "best of summer"]))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(copy).text((width / 2, y), text, "white", font, "ma", stroke_width=1, stroke_fill="black")
    return copy


def _watermarked(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Half-transparent text across the middle."""
    width, height = image.size
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    at = (width * float(rng.uniform(0.4, 0.6)), height * float(rng.uniform(0.35, 0.65)))
    font = ImageFont.load_default(max(10, width // 8))
    ImageDraw.Draw(layer).text(at, "© sample", (255, 255, 255, 120), font, "mm")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _screenshot(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture in the window of a program: a bar above with text, a row of buttons below, a plain ground."""
    part = float(rng.uniform(0.55, 0.8))
    width, height = image.size
    ground, bar, ink = [
        ((250, 250, 250), (225, 228, 232), (60, 60, 60)),
        ((24, 24, 27), (44, 44, 50), (220, 220, 220)),
    ][int(rng.integers(2))]
    screen = Image.new("RGB", (width, round(1.1 * height)), ground)
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, width, round(0.08 * height)), bar)
    draw.text(
        (6, 2), f"IMG_{int(rng.integers(1000, 9999))}", ink, ImageFont.load_default(max(8, round(0.055 * height)))
    )
    for i in range(4):
        x, y, r = width * (0.2 + 0.2 * i), 1.04 * height, 0.025 * height
        draw.ellipse((x - r, y - r, x + r, y + r), outline=ink)
    small = image.resize((max(1, round(part * width)), max(1, round(part * height))), Image.Resampling.LANCZOS)
    screen.paste(small, ((width - small.width) // 2, round(0.1 * height) + round((0.88 - part) * height / 2)))
    return screen


def _toned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    gamma = float(rng.choice([rng.uniform(0.6, 0.8), rng.uniform(1.25, 1.6)]))
    contrast, shift = float(rng.uniform(0.8, 1.1)), float(rng.uniform(-10, 10))
    levels = (np.linspace(0, 1, 256) ** gamma * 255 - 127.5) * contrast + 127.5 + shift
    return image.point(levels.clip(0, 255).round().astype(int).tolist() * len(image.getbands()))


def plant(sources: Sequence[Path], with_copies: Sequence[bool], folder: Path, seed: int = 0) -> None:
    """Write each image as ``STEM__original.jpg``, and of some their simple copies as ``STEM__KIND.jpg``."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for source, copied in zip(sources, with_copies, strict=True):
        with Image.open(source) as opened:
            image = opened.convert("RGB")
        image.save(folder / f"{source.stem}__original.jpg", quality=95)
        if copied:
            for kind, copy, quality in planted(image, rng):
                copy.save(folder / f"{source.stem}__{kind}.jpg", quality=quality)


def plant_all(image: Image.Image, stem: Path, rng: np.random.Generator, *, of_png: bool = False) -> None:
    """Write all fourteen copies of an image as ``STEM__KIND.SUFFIX``; of a PNG the other format is WebP, not PNG."""
    for makers in (planted, planted_by_programs):
        for kind, copy, quality in makers(image, rng):
            name = f"{stem}__{kind}"
            if quality > 0:
                copy.save(f"{name}.jpg", quality=quality)
            elif quality == 0 and not of_png:
                copy.save(f"{name}.png")
            else:
                copy.save(f"{name}.webp", quality=75)


def original_of(name: str) -> str:
    """Which image a planted file is a copy of."""
    return name.rpartition("__")[0]


def kind_of(name: str) -> str:
    """What kind of copy a planted file is; ``original`` for the image itself."""
    return name.rpartition("__")[2].partition(".")[0]
