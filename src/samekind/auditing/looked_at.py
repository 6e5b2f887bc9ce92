"""One look at each file: whether it can be read, its bytes, its quality, and what its copies are told by."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from samekind.auditing.pictures.quality import hard_to_use
from samekind.datasets.checking.near_copies import SmallPicture, small_picture
from samekind.errors import DatasetError, ImageError
from samekind.images import read_image
from samekind.progress import Progress
from samekind.system.cores import available_cores
from samekind.system.hashing import content_hash
from samekind.system.read_ahead import read_ahead

_DECODED, _AHEAD, _MOST_THREADS = 512, 64, 4


@dataclass(frozen=True)
class LookedAt:
    """What one look at a file tells.

    Attributes:
        path: The file.
        sha256: Of its bytes.
        small: The small picture.
        hard: Why it is hard to use, and how sure that is; None if it is not.
    """

    path: Path
    sha256: str
    small: SmallPicture
    hard: tuple[str, float] | None


def look_at(paths: Sequence[Path], on_progress: Progress | None = None) -> list[LookedAt | str]:
    """Look at files, in their order; for one that cannot be read, why."""
    threads = min(_MOST_THREADS, available_cores())
    found: list[LookedAt | str] = []
    with closing(read_ahead(_look, paths, ahead=_AHEAD, threads=threads, name="samekind-audit")) as looked:
        for one in looked:
            found.append(one)
            if on_progress:
                on_progress("look", len(found), len(paths))
    return found


def _look(path: Path) -> LookedAt | str:
    try:
        decoded = read_image(path, _DECODED, squashed=False)
        small = small_picture(path, decoded.pixels, decoded.width, decoded.height)
        return LookedAt(path, content_hash(path), small, hard_to_use(decoded.pixels, decoded.width, decoded.height))
    except (ImageError, DatasetError) as error:
        return str(error)
