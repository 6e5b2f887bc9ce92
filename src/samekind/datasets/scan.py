"""Decoding every image once, to know beforehand which cannot be read and which are the same."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image

from samekind.datasets.splits import content_hash
from samekind.errors import DatasetError, ImageError
from samekind.images import load_image

# Each may hold a photograph of up to images.MAX_PIXELS, half a gigabyte decoded.
_MOST_THREADS = 4
_FILES_AHEAD = 64
# Of the decoded image, which is thrown away: a JPEG is decoded whole for any, and fastest for a small one.
_SIDE = 32


@dataclass(frozen=True)
class Scanned:
    """What there is to know of one file.

    Attributes:
        path: The file.
        sha256: Of its bytes, in hexadecimal; None if they cannot be read.
        size: (width, height) in pixels as stored; None if it is not readable as an image.
        error: Why it is not, in the words of ``images.load_image``; None if it is.
    """

    path: Path
    sha256: str | None
    size: tuple[int, int] | None
    error: ImageError | None


def scan(paths: Iterable[Path], on_progress: Callable[[int], None] | None = None) -> Iterator[Scanned]:
    """Decode each image once, in a few threads; nothing of it is kept.

    An image is readable if ``images.load_image``, which training and inference use, can read all of it.

    Args:
        paths: The files, any number of them; memory does not grow with it.
        on_progress: Called with the number of files done so far.

    Yields:
        One ``Scanned`` for each path, in order. A bad file does not stop the others.

    Example:
        >>> [found] = scan([Path("nowhere.jpg")])
        >>> str(found.error)
        'nowhere.jpg: no such file'
    """
    remaining = iter(paths)
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="samekind-scan") as pool:
        waiting: deque[Future[Scanned]] = deque()
        try:
            waiting.extend(pool.submit(_scan_one, path) for path in islice(remaining, _FILES_AHEAD))
            done = 0
            while waiting:
                found = waiting.popleft().result()
                waiting.extend(pool.submit(_scan_one, path) for path in islice(remaining, 1))
                done += 1
                if on_progress:
                    on_progress(done)
                yield found
        finally:
            # A reader that stops early (Ctrl-C, an error) does not wait for files it will never use.
            pool.shutdown(wait=False, cancel_futures=True)


def _scan_one(path: Path) -> Scanned:
    try:
        load_image(path, _SIDE)
        with Image.open(path) as image:  # its header only
            return Scanned(path, content_hash(path), image.size, None)
    except ImageError as error:
        return Scanned(path, _hash_if_there(path), None, error)
    except (DatasetError, OSError) as error:  # it went away just now
        return Scanned(path, None, None, ImageError(str(error)))


def _hash_if_there(path: Path) -> str | None:
    try:
        return content_hash(path)
    except DatasetError:
        return None
