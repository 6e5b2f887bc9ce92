"""A picture that is looked for: in no gallery, from wherever it comes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from samekind.embedding.small_picture import keep_small_picture, read_detail
from samekind.errors import ImageError
from samekind.gallery.duplicates.pictures.picture_files import PictureFile, facts_of
from samekind.gallery.store.rows import Row
from samekind.images import MAX_PIXELS, ImageSource, describe
from samekind.images.sources import encoded_file


def query_picture(
    source: ImageSource, *, max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> PictureFile:
    """A picture to look for. It is decoded here, and not again however many it is compared with.

    Args:
        source: A path, the encoded bytes, a binary file object, a PIL image or a uint8 array.
        max_pixels: As ``load_image``.
        formats: As ``load_image``.

    Raises:
        ImageError: It cannot be read; the message names it.

    Example:
        >>> import numpy as np
        >>> query_picture(np.zeros((30, 40, 3), np.uint8)).row.width
        40
    """
    name = describe(source)
    if isinstance(source, str | os.PathLike | bytes) or hasattr(source, "read"):
        source = encoded_file(source, name)
    decoded, kept = keep_small_picture(source, max_pixels=max_pixels, formats=formats)
    content = _content(source, name)
    path = source if isinstance(source, Path) else Path(name)
    row = Row(
        *(0, str(path) if isinstance(source, Path) else name, path, len(content), -1),
        *(hashlib.sha256(content).hexdigest() if content else None, decoded.width, decoded.height),
        *(decoded.taken, None, None),
    )
    detail = read_detail(source, max_pixels=max_pixels, formats=formats)
    return PictureFile(row, kept, facts_of(row, str(path.parent)), source=detail)


def _content(source: ImageSource, name: str) -> bytes:
    """The encoded bytes; none of a picture that is in memory."""
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes() if isinstance(source, Path) else b""
    except OSError as error:
        raise ImageError(f"{name}: cannot be read ({error.strerror})") from error
