"""Small pictures of the gallery's files, made when they are shown and kept nowhere."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps

from samekind.images import MAX_PIXELS
from samekind.server.limits import FORMATS

_SIDE = 240


def thumbnail(path: Path) -> str | None:
    """A picture as a data URL of a JPEG whose longer side is at most 240 pixels; None if it cannot be read any more."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((_SIDE, _SIDE))
            encoded = io.BytesIO()
            upright.convert("RGB").save(encoded, "JPEG", quality=80)
    except Exception:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
