"""Pages from the templates of a package, which extend ``page.html`` of this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from samekind import images
from samekind.errors import ImageError, MissingExtraError
from samekind.images.thumbnails import SIDE
from samekind.system.atomic import replacing

if TYPE_CHECKING:
    from jinja2 import Template

Thumbnail = Callable[..., str | None]


def page_template(package: str, name: str, thumbnail: Thumbnail | None = None) -> Template:
    """A template from the folder ``templates`` of a package.

    Args:
        package: The package, as it is imported.
        name: The template's.
        thumbnail: The filter of that name, which gives the data URI of a path; ``thumbnail_uri`` by default.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    if find_spec("jinja2") is None:
        raise MissingExtraError("gallery", "jinja2")
    from jinja2 import ChoiceLoader, Environment, PackageLoader  # noqa: PLC0415 - extra gallery

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("samekind.pages")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thumbnail"] = thumbnail or thumbnail_uri
    return environment.get_template(name)


def write_page(path: str | os.PathLike[str], pieces: Iterable[str]) -> None:
    """Write a page piece by piece, whole or not at all.

    Args:
        path: The file.
        pieces: Of its text, such as a template's ``generate`` gives: pictures are then read while it is written, so
            that memory does not grow with their number.

    Raises:
        OSError: The file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace") as file:
        file.writelines(pieces)


def thumbnail_uri(
    path: Path, draw: Callable[[], Image.Image] | None = None, *, side: int = SIDE, quality: int = 78
) -> str | None:
    """The data URI of a picture, small, or of what is drawn in its place; None if it cannot be read.

    Args:
        path: The picture's file.
        draw: Gives what is shown; None for the picture itself.
        side: The longer side, in pixels.
        quality: The JPEG's, 1 to 95.
    """
    try:
        return images.data_uri(images.thumbnail(path, side) if draw is None else draw(), quality=quality)
    except ImageError:
        return None
