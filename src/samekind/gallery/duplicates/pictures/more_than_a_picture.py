"""Files that hold more than the picture that is seen of them, and so are no copy of one that holds only that."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile

from samekind.gallery.duplicates.exact import EIGHT_BITS
from samekind.images.encoded.raw import is_raw, is_raw_tiff
from samekind.images.formats import HEAD, sniff
from samekind.images.remarks import reading
from samekind.images.sources import head_of

_RAW, _OPAQUE = "it is a camera's raw file", 255
_PLAIN = EIGHT_BITS | {"CMYK", "YCbCr", "LAB"}


def more_than_a_picture(path: Path, *, raw_only: bool = False) -> str:
    """What a file holds beside the picture by which it was compared, as a reason not to remove it; empty if nothing.

    Args:
        path: The file.
        raw_only: Whether only a camera's raw file counts.
    """
    try:
        if is_raw(sniff(head_of(path, HEAD)), path):
            return _RAW
        with reading(str(path)), Image.open(path) as image:
            if image.format == "TIFF" and is_raw_tiff(image):
                return _RAW
            return "" if raw_only else _beside(image)
    except Exception:  # Pillow's decoders raise almost anything; what cannot be opened stays
        return "" if raw_only else "it cannot be opened"


def _beside(image: ImageFile) -> str:
    if getattr(image, "n_frames", 1) > 1:
        return "it has more frames or pages"
    if image.mode not in _PLAIN or any(";16" in str(tile[3]) for tile in image.tile):
        return "it has more than eight bits a channel"
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] != _OPAQUE:
        return "it is transparent"
    return ""
