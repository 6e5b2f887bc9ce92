"""Contact sheets: one HTML file with the pictures in it, for a browser of any size, light or dark."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from samekind.gallery.store.image_source import thumbnail_of
from samekind.gallery.store.rows import Row
from samekind.images.videos import frame_of
from samekind.pages import page_template, write_page


@dataclass(frozen=True)
class Picture:
    """A picture of a contact sheet.

    Attributes:
        path: The file.
        name: The name that stands below it.
        note: The line below the name.
        marked: True sets it off from the others.
        draw: Draws what is shown; None shows the picture itself.
    """

    path: Path
    name: str
    note: str = ""
    marked: bool = False
    draw: Callable[[], Image.Image] | None = None


@dataclass(frozen=True)
class Section:
    """Pictures under one heading.

    Attributes:
        title: The heading.
        pictures: The pictures that are shown.
        note: The line below the heading.
        more: The number of those that are not shown.
    """

    title: str
    pictures: Sequence[Picture]
    note: str = ""
    more: int = 0


def write_contact_sheet(path: str | os.PathLike[str], title: str, summary: str, sections: Sequence[Section]) -> None:
    """Write a contact sheet, whole or not at all. It refers to no other file.

    Pictures are read while the sheet is written, so memory does not grow with their number. One that has become
    unreadable is shown as such.

    Raises:
        OSError: The file cannot be written.
    """
    template = page_template("samekind.gallery.output", "contact_sheet.html")
    write_page(path, template.generate(title=title, summary=summary, groups=sections))


def picture_of(row: Row, note: str | None = None, *, marked: bool = False) -> Picture:
    """A gallery's image as a picture of a sheet; the note is its size if nothing else is to be said.

    Of a frame it also says where in the video it is.
    """
    said, frame = f"{row.width}×{row.height}" if note is None else note, frame_of(row.name)
    if frame:
        said = f"{said} · video, at {int(frame[1] // 60)}:{int(frame[1] % 60):02}"
    return Picture(row.path, row.name, said, marked, partial(thumbnail_of, row))
