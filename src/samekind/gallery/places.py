"""Where copies are looked for: a gallery, or a folder that is in none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from samekind.errors import GalleryError
from samekind.gallery.duplicates.matches import Match, find_copies, match_pictures
from samekind.gallery.duplicates.pictures.folder_pictures import read_folder_pictures
from samekind.gallery.duplicates.pictures.picture_files import PictureFile, read_picture_files
from samekind.gallery.duplicates.query import query_picture
from samekind.gallery.store.store import open_store
from samekind.images import ImageSource
from samekind.progress import Progress
from samekind.system.paths import given_path, is_database

# Called with a folder, and its files that cannot be read, by name, and why.
Unreadable = Callable[[Path, Sequence[tuple[str, str]]], None]


def copies_in(
    place: str | os.PathLike[str],
    image: ImageSource,
    *,
    on_progress: Progress | None = None,
    on_unreadable: Unreadable | None = None,
) -> list[Match]:
    """The pictures of a gallery or a folder of which one is a copy, as ``Gallery.copies_of``; no model is needed.

    Raises:
        ImageError: The query cannot be read.
        GalleryError: There is no such gallery, or the folder cannot be listed.
    """
    query = query_picture(image)
    return find_copies(query, pictures_of(place, on_progress, on_unreadable))


def matches_between(
    place: str | os.PathLike[str],
    other: str | os.PathLike[str],
    *,
    on_progress: Progress | None = None,
    on_unreadable: Unreadable | None = None,
) -> tuple[list[Match], int]:
    """Which pictures of one gallery or folder have a copy in another, and how many pictures were asked for.

    Raises:
        GalleryError: There is no such gallery, or a folder cannot be listed.
    """
    mine, theirs = (pictures_of(one, on_progress, on_unreadable) for one in (place, other))
    compared = None if on_progress is None else lambda done, total: on_progress("compared", done, total)
    return match_pictures(mine, theirs, compared), len(mine)


def pictures_of(
    place: str | os.PathLike[str], on_progress: Progress | None = None, on_unreadable: Unreadable | None = None
) -> list[PictureFile]:
    """The pictures of a gallery, or of a folder, which are read for it."""
    if is_database(place) or not given_path(place, GalleryError).is_dir():
        store = open_store(place, read_only=True)
        try:
            return read_picture_files(store)
        finally:
            store.close()
    place = Path(place)
    read = None if on_progress is None else lambda done, total: on_progress(f"reading {place.name}", done, total)
    files, unreadable = read_folder_pictures(place, read)
    if unreadable and on_unreadable:
        on_unreadable(place, unreadable)
    return files
