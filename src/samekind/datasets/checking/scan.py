"""Decoding every image once, to know beforehand which cannot be read and which are the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from samekind.errors import DatasetError, ImageError
from samekind.images import load_image
from samekind.images.remarks import reading
from samekind.progress import Progress, stage_counter
from samekind.system.cores import available_cores
from samekind.system.hashing import content_hash
from samekind.system.read_ahead import read_ahead

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
        sha256: The SHA-256 of its bytes, in hexadecimal; None if they cannot be read.
        size: (width, height) in pixels as stored; None if it is not readable as an image.
        error: Why it is not, in the words of ``images.load_image``; None if it is.
    """

    path: Path
    sha256: str | None
    size: tuple[int, int] | None
    error: ImageError | None


def scan(
    paths: Iterable[Path], on_progress: Progress | None = None, *, stage: str = "images", total: int = 0
) -> Iterator[Scanned]:
    """Decode each image once, in a few threads; nothing of it is kept.

    An image is readable if ``images.load_image``, which training and inference use, can read all of it.

    Args:
        paths: The files, any number of them; memory does not grow with it.
        on_progress: Called with (stage, files done so far, total).
        stage: The name of the stage.
        total: How many files there are; 0 where nobody knows.

    Yields:
        One ``Scanned`` for each path, in order. A bad file does not stop the others.

    Example:
        >>> [found] = scan([Path("nowhere.jpg")])
        >>> str(found.error)
        'nowhere.jpg: no such file'
    """
    count = stage_counter(on_progress, stage, total)
    threads = min(_MOST_THREADS, available_cores())
    with closing(read_ahead(_scan_one, paths, ahead=_FILES_AHEAD, threads=threads, name="samekind-scan")) as scanned:
        for done, found in enumerate(scanned, 1):
            count(done)
            yield found


def _scan_one(path: Path) -> Scanned:
    try:
        load_image(path, _SIDE)
        with reading(str(path)), Image.open(path) as image:  # its header only
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
