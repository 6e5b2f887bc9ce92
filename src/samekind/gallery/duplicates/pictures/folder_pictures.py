"""The pictures of a folder that is in no gallery, read for one comparison."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from samekind.embedding.small_picture import keep_small_picture
from samekind.errors import DatasetError, GalleryError, ImageError
from samekind.gallery.duplicates.pictures.picture_files import PictureFile, single_files
from samekind.gallery.store.rows import Row
from samekind.images.folder_contents import FoundImage, walk
from samekind.system.hashing import content_hash
from samekind.system.read_ahead import read_ahead

_AHEAD = 32


def read_folder_pictures(
    folder: Path, on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[PictureFile], list[tuple[str, str]]]:
    """The pictures of a folder and its subfolders, each file once, and the files that cannot be read, with the reason.

    Args:
        folder: The folder.
        on_progress: Called with the number of files read and the number of all.

    Raises:
        GalleryError: The folder cannot be listed.
    """
    try:
        found = sorted(walk(folder), key=lambda image: image.name)
    except OSError as error:
        raise GalleryError(f"{folder}: cannot be listed ({error.strerror})") from error
    rows: dict[int, tuple[Row, tuple[bytes, bytes]]] = {}
    unreadable: list[tuple[str, str]] = []
    for number, (image, read) in enumerate(read_ahead(_read, found, ahead=_AHEAD, name="samekind-folder"), 1):
        if isinstance(read, str):
            unreadable.append((image.name, read))
        else:
            row = _row(number, image, folder, read)
            rows[number] = (row, read.kept)
        if on_progress:
            on_progress(number, len(found))
    single = single_files((row for row, _ in rows.values()), folder)
    return [PictureFile(row, rows[row.id][1], facts, link) for row, facts, link in single], unreadable


class _ReadFile:
    """What is read of one file."""

    def __init__(self, path: Path) -> None:
        self.sha256 = content_hash(path)
        decoded, self.kept = keep_small_picture(path)
        self.width, self.height, self.taken = decoded.width, decoded.height, decoded.taken


def _read(image: FoundImage) -> tuple[FoundImage, _ReadFile | str]:
    path = Path(image.path)
    try:
        return image, _ReadFile(path)
    except (ImageError, DatasetError) as error:
        return image, str(error).removeprefix(f"{path}: ")


def _row(number: int, image: FoundImage, folder: Path, read: _ReadFile) -> Row:
    path = folder / image.name
    return Row(
        number,
        image.name,
        path,
        image.size,
        image.mtime_ns,
        read.sha256,
        read.width,
        read.height,
        read.taken,
        None,
        None,
    )
