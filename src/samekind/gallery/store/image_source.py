"""Where the pixels of a gallery's image are read from: its file, or what it lies within or behind."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from samekind.errors import ImageError
from samekind.gallery.store.rows import Row
from samekind.images.thumbnails import thumbnail


def source_of(row: Row) -> Path | bytes:
    """The file of an image; or its encoded bytes, which must be those that were embedded.

    Raises:
        ImageError: It is no file of its own, and cannot be had or has changed.
    """
    if row.is_file:
        return row.path
    from samekind.shards.named_image import read_named  # noqa: PLC0415 - most galleries have no such images

    content = read_named(str(row.place))
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise ImageError(f"{row.place}: has changed since it was embedded")
    return content


def thumbnail_of(row: Row) -> Image.Image:
    """An image in small, for a page.

    Raises:
        ImageError: It cannot be read.
    """
    return thumbnail(source_of(row))
