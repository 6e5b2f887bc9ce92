"""Small pictures of images, to be embedded in a page and put on contact sheets."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from samekind import images
from samekind.errors import ImageError
from samekind.images import data_uri
from samekind.report.schema.contents import MistakeReport

__all__ = ["SIDE", "contact_sheet", "data_uri", "thumbnail"]

SIDE = 160
_COLUMNS = 4
_GAP, _CAPTION = 12, 18


def thumbnail(path: Path, side: int = SIDE) -> Image.Image:
    """An image in its own proportions, upright, at most ``side`` wide and high; grey if it can no longer be read."""
    try:
        return images.thumbnail(path, side)
    except ImageError:
        return Image.new("RGB", (side, side), "#888888")


def contact_sheet(mistakes: Sequence[MistakeReport]) -> bytes:
    """Mistakes side by side with their scores, as PNG."""
    width = len(mistakes[0].images) * SIDE + _GAP
    height = SIDE + _CAPTION + _GAP
    columns = min(_COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, mistake in enumerate(mistakes):
        row, column = divmod(number, columns)
        x, y = _GAP + column * width, _GAP + row * height
        for place, path in enumerate(mistake.images):
            small = thumbnail(Path(path))
            left = x + place * SIDE + (SIDE - small.width) // 2
            sheet.paste(small, (left, y + (SIDE - small.height) // 2))
        # Pillow's own font knows only Latin letters.
        caption = f"p = {mistake.probability:.2f}  " + " | ".join(mistake.classes)
        draw.text((x, y + SIDE + 3), caption.encode("latin-1", "replace").decode("latin-1")[: width // 6], fill="black")
    encoded = io.BytesIO()
    sheet.save(encoded, "PNG")
    return encoded.getvalue()
