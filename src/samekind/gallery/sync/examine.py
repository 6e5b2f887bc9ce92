"""Reading files in threads, ahead of the network: each one's hash and, where its content is new, the image itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from samekind.embedding.new_image import NewImage, read_new_image
from samekind.errors import DatasetError, ImageError
from samekind.gallery.store.store import Store
from samekind.gallery.sync.changes import FoundFile
from samekind.images import Square
from samekind.system.hashing import content_hash
from samekind.system.read_ahead import read_ahead

# Files read ahead of the network.
_AHEAD = 96
# A file that was written within the clock's grain of being read may yet change without a trace (FAT: 2 s).
_GRAIN_NS = 2_000_000_000
_UNSURE = -1


@dataclass(frozen=True)
class Examined:
    """What was found in one file.

    Attributes:
        file: The file.
        sha256: The hash of its bytes; None if they cannot be read.
        image: The image; None where the gallery knows its content already, or it cannot be read.
        error: The reason why it cannot be read, without its name.
        mtime_ns: The time when it was last written; -1 if that was just now, so that the next sync looks again.
        video: True for a video itself, after its frames.
        damage: What is missing of a video, in words; None if it is whole.
    """

    file: FoundFile
    sha256: bytes | None
    image: NewImage | None
    error: str | None
    mtime_ns: int
    video: bool = False
    damage: str | None = None


def examine_all(store: Store, files: Iterator[FoundFile], square: Callable[[], Square]) -> Iterator[Examined]:
    """Read files in a few threads, in order, while the caller computes.

    Args:
        store: The gallery's file.
        files: The files; memory does not grow with their number.
        square: Gives what the network gets; called when the first new image turns up.
    """
    return read_ahead(lambda file: _examine(store, file, square), files, ahead=_AHEAD, name="samekind-examine")


def _examine(store: Store, file: FoundFile, square: Callable[[], Square]) -> Examined:
    path = store.folder / file.path
    mtime_ns = sure_time(file)
    try:
        sha256 = bytes.fromhex(content_hash(path))
    except DatasetError as error:
        return Examined(file, None, None, reason(error, path), mtime_ns)
    with store.reading() as db:
        if db.execute("SELECT 1 FROM images WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone():
            return Examined(file, sha256, None, None, mtime_ns)
    try:
        return Examined(file, sha256, read_new_image(path, square()), None, mtime_ns)
    except ImageError as error:
        return Examined(file, sha256, None, reason(error, path), mtime_ns)


def sure_time(file: FoundFile) -> int:
    """When a file was last written; -1 if that was just now, and it may yet change without a trace."""
    return file.mtime_ns if time.time_ns() - file.mtime_ns > _GRAIN_NS else _UNSURE


def reason(error: Exception, path: Path) -> str:
    """An error's message without the file's name; the surrogates of a name that is no UTF-8 are written out."""
    return str(error).removeprefix(f"{path}: ").encode("utf-8", "backslashreplace").decode()
