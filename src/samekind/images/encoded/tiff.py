"""TIFFs that Pillow does not read: many bands, half and double precision, 64 bits (extra ``tiff``)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ImageError
from samekind.images.encoded.tones import Samples
from samekind.images.formats import missing_extra
from samekind.images.remarks import remark
from samekind.images.sources import opened

_RGB, _WHITE_IS_ZERO, _SEPARATE = 2, 0, 2
_BITS, _PLANES = 258, 284
# Enough for what satellites and microscopes bring; each costs memory.
_MOST_BANDS = 64


def read_tiff(encoded: Path | bytes, name: str, max_pixels: int) -> Samples:
    """The samples of the first page. Of more than three bands without a meaning the first three are red, green, blue.

    Raises:
        ImageError: The extra is not installed, or the file is broken, too large, or needs a codec that is missing.
    """
    if find_spec("tifffile") is None:
        raise missing_extra("TIFF (of a kind that Pillow cannot read)", "tiff", "tifffile", name)
    import tifffile  # noqa: PLC0415 - extra tiff

    try:
        with tifffile.TiffFile(opened(encoded)) as file:
            page: Any = file.pages[0]
            _check_size(page, name, max_pixels)
            values = page.asarray()
            separate = page.planarconfig == _SEPARATE and page.samplesperpixel > 1
            inverted = page.photometric == _WHITE_IS_ZERO
            colours = page.photometric == _RGB
            depth = page.bitspersample
    except ImageError:
        raise
    except Exception as error:  # it raises almost anything on broken input, as Pillow does
        raise ImageError(f"{name}: broken or unknown TIFF ({error})") from error
    values = np.moveaxis(values, 0, -1) if separate else values
    return Samples(_visible(values, name, colours=colours), int(np.max(depth)), inverted=inverted)


def _check_size(page: Any, name: str, max_pixels: int) -> None:
    width, height, bands = page.imagewidth, page.imagelength, page.samplesperpixel
    if width * height > max_pixels or bands > _MOST_BANDS or page.imagedepth > 1:
        raise ImageError(
            f"{name}: too large ({width}×{height}, {bands} bands); at most {max_pixels:,} pixels of {_MOST_BANDS} "
            "bands are decoded. Make it smaller first"
        )


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow would take the bytes of one sample for samples: planes of more than 8 bits, each apart."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS, (8,))
    return tags.get(_PLANES) == _SEPARATE and len(bits) > 1 and max(bits) > 8


def _visible(values: NDArray[Any], name: str, *, colours: bool) -> NDArray[Any]:
    if values.ndim == 2:
        return values
    bands = values.shape[-1]
    if bands < 3:
        return values[..., 0]
    if bands > 3 and not colours:
        remark(name, f"{bands} bands; the first three are taken for red, green and blue", once=f"{bands} bands")
    return values[..., :3]
