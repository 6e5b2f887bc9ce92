"""One image file, decoded once: the network's input, and what a gallery keeps of an image beside its embedding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ImageError
from samekind.gallery.duplicates.features import grey_thumbnail, perceptual_hash
from samekind.images import Pixels, load_image

_ORIENTATION, _EXIF_BLOCK, _TAKEN, _CHANGED = 0x0112, 0x8769, 0x9003, 0x0132
_TURNED_SIDEWAYS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class DecodedImage:
    """An image and its features.

    Attributes:
        pixels: The network's input, uint8 (S, S, 3).
        width: The pixels of a line, upright.
        height: The number of lines, upright.
        taken: The EXIF date, ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; None if there is none.
        thumbnail: The image in grey, uint8 (32, 32).
        phash: The perceptual hash, 8 bytes.
    """

    pixels: Pixels
    width: int
    height: int
    taken: str | None
    thumbnail: NDArray[np.uint8]
    phash: bytes


def decode_image(path: Path, size: int) -> DecodedImage:
    """Decode an image once and note what a gallery keeps of it.

    Args:
        path: The file.
        size: S, the side of the network's input in pixels.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    pixels = load_image(path, size)
    width, height, taken = _read_header(path)
    thumbnail = grey_thumbnail(pixels)
    return DecodedImage(pixels, width, height, taken, thumbnail, perceptual_hash(thumbnail))


def _read_header(path: Path) -> tuple[int, int, str | None]:
    try:
        with Image.open(path) as image:
            width, height = image.size
            try:
                exif = image.getexif()
                taken = _date(exif.get_ifd(_EXIF_BLOCK).get(_TAKEN) or exif.get(_CHANGED))
                sideways = exif.get(_ORIENTATION) in _TURNED_SIDEWAYS
            except Exception:  # a broken EXIF block does not make the picture unreadable
                return width, height, None
    except Exception as error:  # it was readable a moment ago
        raise ImageError(f"{path}: changed while it was read ({error})") from error
    return (height, width, taken) if sideways else (width, height, taken)


def _date(value: object) -> str | None:
    """EXIF's ``2024:05:17 10:30:00`` with dashes, if it is that; cameras without a clock write zeros or blanks."""
    text = value.strip("\0 ") if isinstance(value, str) else ""
    date, _, time = text.partition(" ")
    parts = [*date.split(":"), *time.split(":")]
    if len(text) != 19 or len(parts) != 6 or not all(part.isdigit() for part in parts) or int(parts[0]) == 0:
        return None
    return f"{date.replace(':', '-')} {time}"
