"""An explanation as one picture: the pictures of each pair with their maps, and lines between their places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from samekind.explain.explanation import ExplainedPair, Explanation, Map, upsampled
from samekind.images import Pixels
from samekind.inference.verdict import TrioVerdict

_Colour = tuple[int, int, int]
_Point = tuple[float, float]
_SIDE, _GAP, _MARGIN = 360, 150, 20
_TEXT, _SMALL = 20, 15
# Warm raises the similarity and cool lowers it; told apart also by those who do not see red or green.
_RAISES, _LOWERS = (230, 97, 1), (40, 90, 190)
_INK, _SOFT = (29, 29, 31), (99, 99, 107)
_LINES = ((0, 158, 115), (204, 61, 140), (86, 60, 180), (150, 110, 0), (0, 130, 200))
_STRONGEST = 0.78  # how much a colour covers where a map is strongest


def drawn(explanation: Explanation, *, words: bool = True) -> Image.Image:
    """As ``Explanation.image``."""
    rows = [_row(explanation, pair, words=words) for pair in explanation.pairs]
    head, foot = (2 * _TEXT + _MARGIN, 3 * _SMALL + _MARGIN) if words else (_MARGIN, 0)
    height = head + sum(row.height + _MARGIN for row in rows) + foot
    canvas = Image.new("RGB", (2 * (_SIDE + _MARGIN) + _GAP, height), "white")
    top = head
    for row in rows:
        canvas.paste(row, (_MARGIN, top))
        top += row.height + _MARGIN
    if words:
        draw = ImageDraw.Draw(canvas)
        _write(draw, (_MARGIN, _MARGIN), _verdict(explanation), _TEXT, _INK)
        _legend(draw, top, explanation)
    return canvas


def scale_of(found: Map, threshold: float) -> float:
    """What a place adds where its colour is full: the most of the map.

    It is no less than three times what each place would add to a pair just at the threshold, or two pictures that have
    nothing in common would be as colourful as two that have.
    """
    return max(float(np.abs(found).max()), 3 * abs(threshold) / found.size, 1e-6)


def overlaid(pixels: Pixels, found: Map, size: tuple[int, int], scale: float) -> Image.Image:
    """A picture in grey with a map laid over it.

    Args:
        pixels: uint8 (S, S, 3).
        found: float32 (H, W).
        size: Width and height of the result.
        scale: The value whose colour is full.
    """
    width, height = size
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    grey = np.asarray(picture.convert("L"), np.float32)[..., None]
    base = 0.6 * grey + 0.25 * np.asarray(picture, np.float32) + 0.15 * 255
    values = upsampled(found, height, width)[..., None] / scale
    colour = np.where(values > 0, np.array(_RAISES, np.float32), np.array(_LOWERS, np.float32))
    cover = _STRONGEST * np.clip(np.abs(values), 0, 1)
    mixed: NDArray[np.float32] = (1 - cover) * base + cover * colour
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def overlay(explanation: Explanation, pair: ExplainedPair, picture: int, side: int = _SIDE) -> Image.Image:
    """One of the two pictures of a pair with its map, in its own proportions, its longer side ``side`` pixels."""
    verdict = explanation.verdict
    threshold = (verdict.pairs[0] if isinstance(verdict, TrioVerdict) else verdict).threshold
    number, found = pair.pictures[picture], pair.maps[picture]
    scale = side / max(explanation.sizes[number])
    width, height = (max(1, round(scale * length)) for length in explanation.sizes[number])
    return overlaid(explanation.pixels[number], found, (width, height), scale_of(found, threshold))


def _row(explanation: Explanation, pair: ExplainedPair, *, words: bool) -> Image.Image:
    """A pair: its caption, and below it the two pictures with lines between them."""
    pictures = [overlay(explanation, pair, place) for place in (0, 1)]
    top = _SMALL + 10 if words else 0
    row = Image.new("RGB", (2 * _SIDE + _GAP, top + max(picture.height for picture in pictures)), "white")
    corners = [(place * (_SIDE + _GAP) + (_SIDE - shown.width) // 2, top) for place, shown in enumerate(pictures)]
    for picture, corner in zip(pictures, corners, strict=True):
        row.paste(picture, corner)
    draw = ImageDraw.Draw(row)
    if words:
        first, second = (explanation.names[i] for i in pair.pictures)
        _write(draw, (0, 0), first, _SMALL, _INK, width=_SIDE)
        _write(draw, (_SIDE + _GAP, 0), second, _SMALL, _INK, width=_SIDE)
        _write(draw, (_SIDE + 8, 0), f"similarity {pair.similarity:.2f}", _SMALL, _INK)
    for line, colour in zip(pair.correspondences, _LINES, strict=False):
        ends = [
            (corner[0] + x * shown.width, corner[1] + y * shown.height)
            for (x, y), corner, shown in zip((line.first, line.second), corners, pictures, strict=True)
        ]
        _line(draw, ends, colour, 1 + round(3 * line.contribution / pair.correspondences[0].contribution))
    return row


def _line(draw: ImageDraw.ImageDraw, ends: list[_Point], colour: _Colour, thick: int) -> None:
    draw.line(ends, fill="white", width=thick + 2)
    draw.line(ends, fill=colour, width=thick)
    for x, y in ends:
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=colour, outline="white", width=2)


def _verdict(explanation: Explanation) -> str:
    verdict = explanation.verdict
    among = f", among {explanation.among}" if explanation.among else ""
    return f"{verdict._word()}: probability {verdict.probability:.2f} ({verdict.model}{among})"


def _legend(draw: ImageDraw.ImageDraw, top: int, explanation: Explanation) -> None:
    left = _MARGIN
    for colour, words in ((_RAISES, "makes the two more alike"), (_LOWERS, "makes them less alike")):
        draw.rectangle((left, top + 2, left + 14, top + 14), fill=colour)
        left += 22 + _write(draw, (left + 22, top), words, _SMALL, _INK) + 24
    _write(draw, (_MARGIN, top + _SMALL + 10), explanation.how, _SMALL, _SOFT)


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    size: int,
    colour: _Colour,
    *,
    width: int | None = None,
) -> int:
    """Write a line, shortened to a width in pixels; how wide it became."""
    font = ImageFont.load_default(size)
    # Pillow's own font knows only Latin letters.
    text = text.encode("latin-1", "replace").decode("latin-1")
    if width is not None and draw.textlength(text, font) > width:
        while text and draw.textlength(text + "...", font) > width:
            text = text[:-1]
        text += "..."
    draw.text(corner, text, fill=colour, font=font)
    return round(draw.textlength(text, font))
