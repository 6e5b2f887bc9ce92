"""What a gallery keeps of an image beside its embedding: its size, when it was taken, how it looks in small."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ImageError
from samekind.images import Pixels, load_image

# The side of the grey thumbnail by which copies are found, in pixels; a perceptual hash looks at no more.
THUMBNAIL_SIDE = 32

_ORIENTATION, _EXIF_BLOCK, _TAKEN, _CHANGED = 0x0112, 0x8769, 0x9003, 0x0132
_TURNED_SIDEWAYS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Looks:
    """An image, looked at.

    Attributes:
        pixels: uint8 (S, S, 3), ready for the network.
        width: In pixels, upright.
        height: In pixels, upright.
        taken: ``YYYY-MM-DD HH:MM:SS`` from the EXIF block, in the camera's own time; None if it does not say.
        thumbnail: uint8 (32, 32), grey.
        phash: The perceptual hash, 8 bytes.
    """

    pixels: Pixels
    width: int
    height: int
    taken: str | None
    thumbnail: NDArray[np.uint8]
    phash: bytes


def look_at(path: Path, size: int) -> Looks:
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
    return Looks(pixels, width, height, taken, thumbnail, perceptual_hash(thumbnail))


def grey_thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """An image in grey, squashed to 32 × 32.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        uint8 (32, 32).

    Example:
        >>> grey_thumbnail(np.full((224, 224, 3), 7, np.uint8)).max()
        np.uint8(7)
    """
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS))


def perceptual_hash(thumbnail: NDArray[np.uint8]) -> bytes:
    """The signs of a thumbnail's 64 lowest frequencies about their median: ``imagehash.phash``.

    Args:
        thumbnail: uint8 (32, 32), which is the size that the hash itself would make an image.

    Returns:
        8 bytes; alike images differ in few bits.

    Example:
        >>> len(perceptual_hash(np.zeros((32, 32), np.uint8)))
        8
    """
    return np.packbits(imagehash.phash(Image.fromarray(thumbnail)).hash).tobytes()


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
