"""What the EXIF block of an image says: which way is up, and when it was taken."""

from __future__ import annotations

from PIL import Image

_ORIENTATION, _BLOCK, _TAKEN, _CHANGED = 0x0112, 0x8769, 0x9003, 0x0132
# EXIF 2.32, 4.6.4.A: how to turn the stored image upright. Orientation 1 needs nothing.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})


def orientation(image: Image.Image) -> int:
    """How the stored image is turned, 1 to 8; 1 (upright) where nothing, or nonsense, is said.

    Of a loaded TIFF it is always 1, for Pillow turns it itself while it loads it.
    """
    try:
        said = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken EXIF block does not make the picture unreadable
        return 1
    return said if said in _UPRIGHT else 1


def turned_upright(image: Image.Image, turned: int) -> Image.Image:
    """The stored image as it is to be seen."""
    return image.transpose(_UPRIGHT[turned]) if turned in _UPRIGHT else image


def upright_size(stored: tuple[int, int], turned: int) -> tuple[int, int]:
    """(width, height) as the image is to be seen.

    Example:
        >>> upright_size((300, 200), 6)
        (200, 300)
    """
    return stored[::-1] if turned in _SIDEWAYS else stored


def taken(image: Image.Image) -> str | None:
    """When it was taken, ``YYYY-MM-DD HH:MM:SS`` in the camera's own time; None if it does not say."""
    try:
        exif = image.getexif()
        return _date(exif.get_ifd(_BLOCK).get(_TAKEN) or exif.get(_CHANGED))
    except Exception:  # as above
        return None


def _date(value: object) -> str | None:
    """EXIF's ``2024:05:17 10:30:00`` with dashes, if it is that; cameras without a clock write zeros or blanks."""
    text = value.strip("\0 ") if isinstance(value, str) else ""
    date, _, time = text.partition(" ")
    parts = [*date.split(":"), *time.split(":")]
    if len(text) != 19 or len(parts) != 6 or not all(part.isdigit() for part in parts) or int(parts[0]) == 0:
        return None
    return f"{date.replace(':', '-')} {time}"
