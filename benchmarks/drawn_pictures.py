"""Pictures drawn by program: narrow kinds of many classes, unlike any photograph, as stand-ins for such collections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sklearn.datasets import load_digits

DRAWN = {
    "coins": "coins",
    "digits": "written digits",
    "leaves": "silhouettes",
    "letters": "letters",
    "products": "clothes on a plain ground",
    "textures": "textures",
}
_SIDE = 224
_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_VALUES = ("1", "2", "5", "10", "20", "50", "100", "200")
_COPPER, _BRASS, _SILVER, _TWO_METALS = (190, 110, 70), (205, 170, 80), (185, 185, 190), (200, 190, 150)
_METALS = (_COPPER, _COPPER, _COPPER, _BRASS, _BRASS, _BRASS, _SILVER, _TWO_METALS)
# The outlines of articles of clothing, in a square from -1 to 1.
_OUTLINES = {
    "bag": "-.8 -.2 -.4 -.25 -.3 -.8 .3 -.8 .4 -.25 .8 -.2 .75 .8 -.75 .8",
    "boot": "-.4 -.9 .15 -.9 .15 .2 .8 .5 .8 .8 -.45 .8",
    "cap": "-.6 .2 -.55 -.3 -.2 -.55 .2 -.55 .5 -.3 .55 .1 .95 .3 .9 .4 .4 .3",
    "coat": "-.25 -.9 .25 -.9 .6 -.7 .85 .5 .65 .55 .5 0 .5 .95 .03 .95 0 -.6 -.03 .95 -.5 .95 -.5 0 -.65 .55 -.85 .5 "
    "-.6 -.7",
    "dress": "-.2 -.9 .2 -.9 .3 -.2 .6 .9 -.6 .9 -.3 -.2",
    "pullover": "-.3 -.8 .3 -.8 .65 -.6 .9 .6 .68 .65 .45 -.1 .45 .85 -.45 .85 -.45 -.1 -.68 .65 -.9 .6 -.65 -.6",
    "shirt": "-.3 -.8 .3 -.8 .9 -.4 .7 -.05 .45 -.25 .45 .85 -.45 .85 -.45 -.25 -.7 -.05 -.9 -.4",
    "shoe": "-.9 .0 -.5 -.15 -.3 .1 .2 .0 .9 .35 .9 .55 -.9 .55",
    "skirt": "-.3 -.6 .3 -.6 .65 .7 -.65 .7",
    "trousers": "-.45 -.9 .45 -.9 .55 .9 .12 .9 0 -.3 -.12 .9 -.55 .9",
}


def draw(name: str) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """The pictures of one of ``DRAWN``, uint8 (H, W, 3) each, and their classes."""
    drawers: dict[str, Callable[[], Iterator[tuple[int, Image.Image]]]] = {
        "coins": _coins, "digits": _digits, "leaves": _leaves, "letters": _letters, "products": _products,
        "textures": _textures,
    }  # fmt: skip
    labels, pictures = zip(*drawers[name](), strict=True)
    return [np.asarray(picture.convert("RGB")) for picture in pictures], np.array(labels, np.int64)


def _coins() -> Iterator[tuple[int, Image.Image]]:
    for label, (value, metal) in enumerate(zip(_VALUES, _METALS, strict=True)):
        for picture in range(30):
            rng = np.random.default_rng([3, label, picture])
            yield label, _coin(value, metal, 4 + label, rng)


def _coin(value: str, metal: tuple[int, int, int], points: int, rng: np.random.Generator) -> Image.Image:
    ground = rng.uniform(40, 220) + rng.normal(0, 6, (_SIDE, _SIDE))
    image = _picture(ground).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    radius, (x, y) = rng.uniform(0.36, 0.48) * _SIDE, _SIDE / 2 + rng.normal(0, 4, 2)
    colour = np.clip(np.array(metal) * rng.uniform(0.6, 1.15), 0, 255)
    plain, dark, light = (tuple(np.clip(colour * by, 0, 255).astype(int).tolist()) for by in (1, 0.7, 1.25))
    pen = ImageDraw.Draw(image)
    pen.circle((x, y), radius, fill=plain, outline=dark, width=4)
    pen.circle((x, y), 0.88 * radius, outline=light, width=2)
    relief = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen, centre = ImageDraw.Draw(relief), _SIDE / 2
    if rng.random() < 0.5:  # one side has the value, the other a head among stars
        size = int(radius * (1.0 if len(value) < 3 else 0.7))
        font = ImageFont.truetype(str(_FONTS / "DejaVuSerif-Bold.ttf"), size)
        pen.text((centre, centre), value, font=font, fill=(*dark, 255), anchor="mm")
    else:
        pen.ellipse(
            (centre - 0.3 * radius, centre - 0.55 * radius, centre + 0.3 * radius, centre + 0.1 * radius),
            fill=(*dark, 255),
        )
        pen.pieslice(
            (centre - 0.55 * radius, centre, centre + 0.55 * radius, centre + 1.2 * radius), 180, 360, fill=(*dark, 255)
        )
        for angle in np.linspace(0, 2 * np.pi, points, endpoint=False):
            at = centre + 0.72 * radius * np.cos(angle), centre + 0.72 * radius * np.sin(angle)
            pen.circle(at, 4, fill=(*light, 255))
    relief = relief.rotate(rng.uniform(0, 360))
    image.paste(relief, (0, 0), relief)
    slope = np.linspace(-1, 1, _SIDE)
    shade = slope[None, :] * rng.normal(0, 25) + slope[:, None] * rng.normal(0, 25)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.3))), np.float64)
    return _picture(pixels + shade[..., None] + rng.normal(0, rng.uniform(2, 14), (_SIDE, _SIDE, 1)))


def _digits() -> Iterator[tuple[int, Image.Image]]:
    digits = load_digits()
    for label in range(10):
        for pixels in digits.images[digits.target == label][:50]:
            yield label, _picture(pixels / 16 * 255).resize((64, 64))


def _leaves() -> Iterator[tuple[int, Image.Image]]:
    angle = np.linspace(0, 2 * np.pi, 900)
    for label in range(50):
        species = np.random.default_rng([1, label])
        width, lobes, teeth = species.uniform(0.25, 1.1), species.integers(0, 8), species.integers(15, 50)
        depth = species.uniform(0.05, 0.5) * (lobes > 1)
        bite = species.uniform(0, 0.06) * (species.random() < 0.6)
        tip, skew, stalk = species.uniform(0.6, 2.2), species.uniform(-0.3, 0.3), species.uniform(0, 0.35)
        for picture in range(12):
            rng = np.random.default_rng([2, label, picture])
            radius = 1 + depth * rng.normal(1, 0.12) * np.cos(lobes * angle + rng.normal(0, 0.08))
            radius += bite * rng.normal(1, 0.2) * np.abs((teeth * angle / np.pi) % 2 - 1)
            radius *= 1 + sum(rng.normal(0, 0.015) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 6))
            y = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (1 / tip) * radius
            x = np.sin(angle) * radius * width * rng.normal(1, 0.08) * (1 + skew * np.cos(angle))
            turn = rng.normal(0, 0.12)
            outline = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)
            outline *= rng.uniform(0.75, 0.95) * _SIDE / np.abs(outline).max()
            image = Image.new("L", (2 * _SIDE, 2 * _SIDE), 0)
            pen = ImageDraw.Draw(image)
            pen.polygon([tuple(point) for point in (outline + _SIDE).tolist()], fill=255)
            if stalk > 0.05:
                end = _SIDE + rng.normal(0, 8), _SIDE + (1 + stalk) * 0.8 * _SIDE
                pen.line([(_SIDE, _SIDE), end], fill=255, width=7)
            yield label, image.resize((_SIDE, _SIDE))


def _letters() -> Iterator[tuple[int, Image.Image]]:
    fonts = [path for path in sorted(_FONTS.glob("DejaVu*.ttf")) if "Display" not in path.name]
    for label, letter in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ"):
        for picture in range(15):
            rng = np.random.default_rng([7, label, picture])
            font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), int(rng.uniform(80, 170)))
            ground, ink = (255, 0) if rng.random() < 0.5 else (0, 255)
            image = Image.new("L", (_SIDE, _SIDE), ground)
            at = _SIDE / 2 + rng.normal(0, 10), _SIDE / 2 + rng.normal(0, 10)
            ImageDraw.Draw(image).text(at, letter, font=font, fill=ink, anchor="mm")
            pixels = np.asarray(image.rotate(rng.normal(0, 8), fillcolor=ground), np.float64)
            yield label, _picture(pixels + rng.normal(0, rng.uniform(0, 20), pixels.shape))


def _products() -> Iterator[tuple[int, Image.Image]]:
    y, x = np.mgrid[0:28, 0:28]
    for label, outline in enumerate(_OUTLINES.values()):
        points = np.array(outline.split(), np.float64).reshape(-1, 2)
        for picture in range(40):
            rng = np.random.default_rng([6, label, picture])
            own = points * rng.uniform(0.75, 1.05, 2) + rng.normal(0, 0.035, points.shape)
            image = Image.new("L", (112, 112), 0)
            ImageDraw.Draw(image).polygon([tuple(point) for point in (own * 52 + 56).tolist()], fill=255)
            cover = np.asarray(image.resize((28, 28), Image.Resampling.BOX), np.float64) / 255
            cloth = rng.uniform(60, 255) + rng.normal(0, 45) * np.sin(x * rng.uniform(0.2, 2) + y * rng.uniform(0, 2))
            cloth += rng.normal(0, rng.uniform(2, 25), cloth.shape)
            if rng.random() < 0.3:  # striped
                cloth = np.where((y // rng.integers(2, 6)) % 2, cloth, cloth * rng.uniform(0.3, 0.8))
            yield label, _picture(cover * cloth)


def _textures() -> Iterator[tuple[int, Image.Image]]:
    frequency = np.fft.fftfreq(_SIDE)
    fx, fy = np.meshgrid(frequency, frequency)
    length, direction = np.hypot(fx, fy), np.arctan2(fy, fx)
    for label in range(20):
        kind = np.random.default_rng([4, label])
        centre, width, angle = 2 ** kind.uniform(-6.5, -2), kind.uniform(0.2, 1.2), kind.uniform(0, np.pi)
        even, narrow, shape = kind.random() < 0.4, kind.uniform(0.15, 0.6), kind.integers(0, 4)
        first, second = kind.uniform(0, 255, 3), kind.uniform(0, 255, 3)
        for picture in range(20):
            rng = np.random.default_rng([5, label, picture])
            turn, scale = rng.normal(0, 0.25), 2 ** rng.normal(0, 0.2)
            band = np.exp(-0.5 * (np.log((length + 1e-6) / (centre * scale)) / width) ** 2)
            if not even:
                band *= np.exp(-0.5 * (np.sin(direction - angle - turn) / narrow) ** 2)
            field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(_SIDE, _SIDE))) * band).real
            field /= field.std() + 1e-9
            mix = ((np.tanh(field), np.abs(field) - 1, 2.0 * (field > 0.3) - 1, np.sin(3 * field))[shape] + 1)[
                ..., None
            ] / 2
            pixels = ((first * (1 - mix) + second * mix) + rng.normal(0, 18, 3)) * rng.uniform(0.7, 1.2)
            yield label, _picture(pixels + rng.normal(0, 5, (_SIDE, _SIDE, 1)))


def _picture(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
