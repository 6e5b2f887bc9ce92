"""The samples of PNG and TIFF as they are stored, where Pillow alone would cut them to 8 bits or read them wrongly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.images.encoded.png import significant_bits
from samekind.images.encoded.tones import Samples
from samekind.images.sources import Pixels, head_of, opened

# TIFF 6.0
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339
_RANGES = ((280, 281), (340, 341))
_WHITE_IS_ZERO, _SIGNED = 0, 2
# What stands before the pixels of a PNG; a profile may be large.
_PNG_HEAD = 1 << 20

_LITTLE = sys.byteorder == "little"
# Pillow's name for the order of a sample's bytes, and the name under which it would give the other byte of the two.
_OTHER_BYTE = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if _LITTLE else "L"))
} | {"LA;16B": "RGBA"}
# libtiff gives samples in the machine's order, whatever the file's; Pillow names the file's, and swaps them again.
_NATIVE = {"F;32BF": "F;32F", "I;32BS": "I;32S", "I;16BS": "I;16S"} if _LITTLE else {}


def raw_mode(image: Image.Image) -> str:
    """How the samples of an image that is not loaded yet are stored, by Pillow's name; empty if that is not known."""
    tile = getattr(image, "tile", None)
    if not tile:
        return ""
    arguments = tile[0][3]
    first = arguments if isinstance(arguments, str) else (arguments or ("",))[0]
    return first if isinstance(first, str) else ""


def mend_byte_order(image: Image.Image) -> None:
    """Have Pillow read the samples of a compressed big-endian TIFF in the order in which libtiff gives them."""
    if raw_mode(image) in _NATIVE and image.tile[0][0] == "libtiff":  # type: ignore[attr-defined]  # of an ImageFile
        _rename(image, lambda mode: _NATIVE.get(mode, mode))


def stored_samples(image: Image.Image, stored: str, encoded: Path | bytes | None) -> Samples | None:
    """The samples of a loaded image, if they are others than its 8-bit pixels.

    Args:
        image: Loaded.
        stored: Its ``raw_mode`` from before.
        encoded: The file that it was read from; None if nobody knows.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey(image, encoded)
    if stored in _OTHER_BYTE and encoded is not None and not _for_display(image):
        return _colour(image, stored, encoded)
    if image.format == "TIFF" and image.mode == "L" and _tiff(image, _FORMAT, 1) == _SIGNED:
        return Samples(np.asarray(image).view(np.int8), 8, _told(image, encoded) or (-128.0, 127.0))
    return None


def _grey(image: Image.Image, encoded: Path | bytes | None) -> Samples:
    values = np.asarray(image)
    depth = 16
    if image.mode == "I":
        signed = image.format == "TIFF" and _tiff(image, _FORMAT, 1) == _SIGNED
        depth = 32 if image.format != "TIFF" or _tiff(image, _BITS, 32) == 32 else 16
        if image.format == "TIFF" and not signed:
            values = values.view(np.uint32)
    elif image.format == "TIFF":
        depth = min(16, _tiff(image, _BITS, 16))
    told = _told(image, encoded)
    if told is None and image.format in {"PPM", "JPEG2000"}:  # Pillow has stretched their own range to 16 bits
        told = (0.0, 65535.0) if image.mode != "F" else None
    inverted = image.format == "TIFF" and _tiff(image, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO
    return Samples(values, depth, told, _for_display(image), inverted)


def _colour(image: Image.Image, stored: str, encoded: Path | bytes) -> Samples | None:
    high = np.asarray(image)
    bands = high[..., :3]
    if bands.max() >= 128:  # all 16 bits are used, and the upper 8 are what Pillow has read
        return None
    with Image.open(opened(encoded)) as again:
        _rename(again, lambda _: _OTHER_BYTE[stored])
        low = np.asarray(again)
    if stored == "LA;16B":  # four bytes a pixel: grey and alpha, the upper byte first
        return Samples(_joined(low[..., 0], low[..., 1]), 16, _told(image, encoded), alpha=low[..., 2])
    alpha = high[..., 3] if high.shape[-1] == 4 else None
    return Samples(_joined(bands, low[..., :3]), 16, _told(image, encoded), alpha=alpha)


def _joined(high: Pixels, low: Pixels) -> NDArray[np.uint16]:
    return np.asarray((high.astype(np.uint16) << 8) | low, np.uint16)


def _rename(image: Image.Image, rename: Callable[[str], str]) -> None:
    """Give the decoder another name for the order of the bytes."""
    tiles = []
    for codec, extents, offset, arguments in image.tile:  # type: ignore[attr-defined]
        named: Any = rename(arguments) if isinstance(arguments, str) else (rename(arguments[0]), *arguments[1:])
        tiles.append((codec, extents, offset, named))
    image.tile = tiles  # type: ignore[attr-defined]


def _told(image: Image.Image, encoded: Path | bytes | None) -> tuple[float, float] | None:
    """The range that the file states."""
    if image.format == "PNG" and encoded is not None:
        bits = significant_bits(head_of(encoded, _PNG_HEAD))
        # By the letter such samples are widened to 16 bits; who has not done so leaves the upper bits empty.
        if bits is not None and 8 <= bits < 16 and int(np.asarray(image).max()) < 1 << bits:
            return 0.0, float((1 << bits) - 1)
        return (0.0, 65535.0) if bits is not None and bits >= 8 else None
    if image.format == "TIFF":
        for low, high in _RANGES:
            least, most = _tiff(image, low, 0.0), _tiff(image, high, None)
            if most is not None and most > (least or 0.0):
                return float(least or 0.0), float(most)
    return None


def _tiff(image: Image.Image, tag: int, default: Any) -> Any:
    """A tag of a TIFF; of one for each band, the first."""
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return (value[0] if value else default) if isinstance(value, tuple) else value


def _for_display(image: Image.Image) -> bool:
    return any(key in image.info for key in ("icc_profile", "srgb", "gamma"))
