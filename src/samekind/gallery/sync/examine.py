"""Reading files in threads, ahead of the network: each one's hash and, where its content is new, the image itself."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from samekind.datasets.splits import content_hash
from samekind.errors import DatasetError, ImageError
from samekind.gallery.file.store import Store
from samekind.gallery.sync.changes import FoundFile
from samekind.gallery.sync.decoded_image import DecodedImage, decode_image

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
    """

    file: FoundFile
    sha256: bytes | None
    image: DecodedImage | None
    error: str | None
    mtime_ns: int


def examine_all(store: Store, files: Iterator[FoundFile], input_size: Callable[[], int]) -> Iterator[Examined]:
    """Read files in a few threads, in order, while the caller computes.

    Args:
        store: The gallery's file.
        files: The files; memory does not grow with their number.
        input_size: Gives S, the side of the network's input; called when the first new image turns up.
    """
    # Reading takes a tenth of the time of computing, so one core of eight keeps up.
    workers = max(1, (os.cpu_count() or 1) // 4)
    with ThreadPoolExecutor(workers, thread_name_prefix="samekind-examine") as pool:
        waiting: deque[Future[Examined]] = deque()

        def fill() -> None:
            room = _AHEAD - len(waiting)
            waiting.extend(pool.submit(_examine, store, file, input_size) for file in islice(files, room))

        try:
            fill()
            while waiting:
                examined = waiting.popleft().result()
                fill()
                yield examined
        finally:
            # A caller that stops early (Ctrl-C, an error) does not wait for files it will never use.
            pool.shutdown(wait=True, cancel_futures=True)


def _examine(store: Store, file: FoundFile, input_size: Callable[[], int]) -> Examined:
    path = store.folder / file.path
    mtime_ns = file.mtime_ns if time.time_ns() - file.mtime_ns > _GRAIN_NS else _UNSURE
    try:
        sha256 = bytes.fromhex(content_hash(path))
    except DatasetError as error:
        return Examined(file, None, None, _reason(error, path), mtime_ns)
    with store.reading() as db:
        if db.execute("SELECT 1 FROM images WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone():
            return Examined(file, sha256, None, None, mtime_ns)
    try:
        return Examined(file, sha256, decode_image(path, input_size()), None, mtime_ns)
    except ImageError as error:
        return Examined(file, sha256, None, _reason(error, path), mtime_ns)


def _reason(error: Exception, path: Path) -> str:
    """An error's message without the file's name; the surrogates of a name that is no UTF-8 are written out."""
    return str(error).removeprefix(f"{path}: ").encode("utf-8", "backslashreplace").decode()
