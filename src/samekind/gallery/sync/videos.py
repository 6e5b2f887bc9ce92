"""Reading the frames of new and changed videos, one video after the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from samekind.embedding.new_image import read_new_image
from samekind.errors import DatasetError, GalleryError, ImageError
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.store import Store
from samekind.gallery.sync.changes import FoundFile
from samekind.gallery.sync.examine import Examined, reason, sure_time
from samekind.images import MAX_PIXELS, Square
from samekind.images.videos import frame_name, frame_of, read_frames
from samekind.system.hashing import content_hash

# Which frames a gallery takes; or the seconds between two, as text.
SCENES, NO_FRAMES = "scenes", "none"


def checked_frames(frames: str | float) -> str:
    """How frames are to be taken, as a gallery remembers it.

    Raises:
        GalleryError: It is none of ``scenes``, ``none`` and a number of seconds.

    Example:
        >>> checked_frames("scenes"), checked_frames(10), checked_frames("2.5")
        ('scenes', '10', '2.5')
    """
    if frames in {SCENES, NO_FRAMES}:
        return str(frames)
    try:
        seconds = float(frames)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds < 1e6:
        raise GalleryError(f"no frames {frames!r}; there are {SCENES}, {NO_FRAMES}, and a number of seconds such as 10")
    return f"{seconds:g}"


def examine_videos(
    store: Store, files: Iterator[FoundFile], how: str, square: Callable[[], Square], *, again: bool
) -> Iterator[Examined]:
    """The frames of each video, and after them the video itself, with its error if it cannot be read.

    A video that the gallery has met, here or elsewhere, is not decoded: its frames are known by its hash.

    Args:
        store: The gallery's file.
        files: The videos.
        how: ``scenes``, or the seconds between two frames.
        square: Gives what the network gets.
        again: Whether frames are taken otherwise than before, so that all videos are to be decoded.
    """
    for file in files:
        yield from _examine(store, file, None if how == SCENES else float(how), square, again=again)


def _examine(
    store: Store, file: FoundFile, every: float | None, square: Callable[[], Square], *, again: bool
) -> Iterator[Examined]:
    path, mtime_ns = store.folder / file.path, sure_time(file)
    try:
        sha256 = bytes.fromhex(content_hash(path))
    except DatasetError as error:
        yield Examined(file, None, None, reason(error, path), mtime_ns)
        return
    video = Examined(file, sha256, None, None, mtime_ns, video=True)
    with store.reading() as db:
        known = [] if again else _frames_of_content(db, sha256)
        rows = _rows_of(db, file.path)
    for seconds, frame_sha256 in known:
        yield _frame(file, rows, seconds, frame_sha256, mtime_ns)
    if known:
        yield video
        return
    count = 0
    try:
        for seconds, image in read_frames(path, every, MAX_PIXELS):
            frame_sha256 = _frame_content(sha256, seconds)
            frame = _frame(file, rows, seconds, frame_sha256, mtime_ns)
            with store.reading() as db:
                met = db.execute("SELECT 1 FROM images WHERE sha256 = ? LIMIT 1", (frame_sha256,)).fetchone()
            yield frame if met else replace(frame, image=read_new_image(image, square()))
            count += 1
    except (ImageError, OSError) as error:
        if not count:
            yield replace(video, video=False, error=reason(error, path))
            return
        video = replace(video, damage=f"damaged: only the first {count:,} frames could be read")
    yield video


def _frame(file: FoundFile, rows: dict[str, int], seconds: float, sha256: bytes, mtime_ns: int) -> Examined:
    path = frame_name(file.path, seconds)
    return Examined(FoundFile(path, file.size, file.mtime_ns, rows.get(path)), sha256, None, None, mtime_ns)


def _frame_content(video: bytes, seconds: float) -> bytes:
    """What stands for the content of a frame: a hash of its video's and of its time."""
    return hashlib.sha256(video + frame_name("", seconds).encode()).digest()


def _frames_of_content(db: Connection, sha256: bytes) -> list[tuple[float, bytes]]:
    """The frames that were taken of a video of this content, their seconds and hashes."""
    query = "SELECT path FROM images WHERE sha256 = ? AND error IS NULL AND embedding IS NULL LIMIT 1"
    row = db.execute(query, (sha256,)).fetchone()
    if row is None:
        return []
    found = [(frame_of(path), bytes(content)) for path, content in _frames(db, row[0], "path, sha256")]
    known = sorted((frame[1], content) for frame, content in found if frame is not None)
    # Those of another video may have been written over them, if a sync was ended in between.
    whole = all(content == _frame_content(sha256, seconds) for seconds, content in known)
    return known if whole else []


def _rows_of(db: Connection, path: str) -> dict[str, int]:
    return dict(_frames(db, path, "path, id"))


def _frames(db: Connection, path: str, columns: str) -> list[tuple[str, Any]]:
    begin, end = os.fsencode(f"{path}#t="), os.fsencode(f"{path}#t>")
    query = f"SELECT {columns} FROM images WHERE path > CAST(? AS TEXT) AND path < CAST(? AS TEXT)"
    return db.execute(query, (begin, end)).fetchall()


def is_frame(path: str | Path) -> bool:
    """Whether a gallery's path is that of a frame."""
    return frame_of(path) is not None
