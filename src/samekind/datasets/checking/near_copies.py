"""Which images of a data set are one picture, changed: resized, cut, mirrored, compressed anew.

Local features of small versions vote for pairs, and only those are laid on each other (``samekind.copies``): a tenth of
the work that an index of the same pictures takes. Needs OpenCV.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ImageError
from samekind.images import Pixels, read_image
from samekind.system.cores import available_cores
from samekind.system.read_ahead import read_ahead

if TYPE_CHECKING:
    from samekind.copies.evidence import Evidence
    from samekind.copies.picture import Picture

# With more, votes take longer than a person waits for a check.
MOST_IMAGES = 30_000
# The longer side of the small versions, in pixels; decoded from twice that.
_SIDE, _DECODED = 128, 256
_DETAIL = 2048
# A copy has the most votes, or nearly.
_LEAST_VOTES, _MOST_PARTNERS = 5, 3
_AHEAD, _MOST_THREADS, _HELD = 64, 4, 8
# Digest to name, of the images that were asked for last: runs that differ in their seed ask for the same ones.
_last_names: deque[dict[str, str]] = deque([{}], maxlen=1)


@dataclass(frozen=True)
class SmallPicture:
    """What is kept of an image to find its copies by.

    Attributes:
        path: The file.
        width: In pixels, upright.
        height: In pixels, upright.
        kept: The small version and its local features, as ``copies.picture.packed`` gives them.
    """

    path: Path
    width: int
    height: int
    kept: tuple[bytes, bytes]


@dataclass(frozen=True)
class NearCopy:
    """Two images that are one picture.

    Attributes:
        first: The place of one.
        second: The place of the other, later one.
        evidence: What the second is to the first.
    """

    first: int
    second: int
    evidence: Evidence


def can_compare() -> bool:
    """Whether what compares is installed: OpenCV, FAISS and threadpoolctl."""
    return all(find_spec(name) is not None for name in ("cv2", "faiss", "threadpoolctl"))


def read_small_pictures(
    paths: Sequence[Path], on_progress: Callable[[int, int], None] | None = None
) -> list[SmallPicture | None]:
    """The small pictures of files, in their order; None for what cannot be read."""
    threads = min(_MOST_THREADS, available_cores())
    found: list[SmallPicture | None] = []
    with closing(read_ahead(_small_or_none, paths, ahead=_AHEAD, threads=threads, name="samekind-small")) as read:
        for small in read:
            found.append(small)
            if on_progress:
                on_progress(len(found), len(paths))
    return found


def small_picture(path: Path, pixels: Pixels, width: int, height: int) -> SmallPicture:
    """The small picture of pixels, uint8 (H, W, 3), of which 256 of the longer side are enough."""
    from samekind.copies.features import find_features  # noqa: PLC0415 - needs OpenCV
    from samekind.copies.picture import Picture, packed, shrunk  # noqa: PLC0415 - likewise

    small = shrunk(pixels, _SIDE)
    return SmallPicture(path, width, height, packed(Picture(small, find_features(small))))


def near_copies(
    pictures: Sequence[SmallPicture],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[NearCopy]:
    """The pairs of pictures that are copies of one, sure ones and those to look at.

    Args:
        pictures: The pictures. Of more than two copies not every pair need be named, but all hang together.
        on_progress: Called with the number of pairs compared and the number to compare.
    """
    from samekind.copies.candidates import alike_pairs, voted_pairs  # noqa: PLC0415 - needs OpenCV
    from samekind.copies.picture import unpacked_features  # noqa: PLC0415 - likewise
    from samekind.system.one_thread import one_thread  # noqa: PLC0415 - needs threadpoolctl

    if len(pictures) < 2:
        return []
    with one_thread():
        votes = voted_pairs([unpacked_features(small.kept[1]) for small in pictures])
        alike = alike_pairs(_Greys(pictures))
        candidates = dict.fromkeys([*_strongest(votes), *zip(alike[0].tolist(), alike[1].tolist(), strict=True)])
        return list(_copies(pictures, list(candidates), on_progress))


def _copies(
    pictures: Sequence[SmallPicture], pairs: Sequence[tuple[int, int]], on_progress: Callable[[int, int], None] | None
) -> Iterator[NearCopy]:
    """Those of some pairs, the later first, that are copies."""
    work = partial(_compared, pictures, _Held())
    threads = min(_MOST_THREADS, available_cores())
    with closing(read_ahead(work, pairs, ahead=_AHEAD, threads=threads, name="samekind-copies")) as compared:
        for done, evidence in enumerate(compared, 1):
            if evidence is not None and evidence.relation == "copy":
                later, earlier = pairs[done - 1]
                yield NearCopy(earlier, later, evidence)
            if on_progress:
                on_progress(done, len(pairs))


def identities_of(hashes: Mapping[Path, str], on_progress: Callable[[int, int], None] | None = None) -> dict[Path, str]:
    """A name for each image that all its copies share: the first of their hashes. Without copies it is its own hash.

    Args:
        hashes: SHA-256 of each image's file.
        on_progress: Called with the number of images read and the number of all.
    """
    different = dict(sorted({digest: path for path, digest in reversed(list(hashes.items()))}.items()))
    names = _last_names[0]
    if names.keys() != different.keys():
        names = _names(different, on_progress)
        _last_names.append(names)
    elif on_progress:
        on_progress(len(names), len(names))
    return {path: names[digest] for path, digest in hashes.items()}


def _names(different: Mapping[str, Path], on_progress: Callable[[int, int], None] | None) -> dict[str, str]:
    small = read_small_pictures(list(different.values()), on_progress)
    digests = [digest for digest, one in zip(different, small, strict=True) if one is not None]
    copies = near_copies([one for one in small if one is not None])
    groups = grouped(len(digests), [(copy.first, copy.second) for copy in copies])
    first_of_group = {digest: digests[group] for digest, group in zip(digests, groups, strict=True)}
    return {digest: first_of_group.get(digest, digest) for digest in different}


def copied_among(
    images: Sequence[Path], others: Sequence[Path], on_progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """Those of some images that have a copy, near or exact, among others.

    Args:
        images: Such as those to test on.
        others: Such as those that were trained on.
        on_progress: Called with the number of images read and the number of all.
    """
    small = read_small_pictures([*images, *others], on_progress)
    known = [(place, one) for place, one in enumerate(small) if one is not None]
    found = near_copies([one for _, one in known])
    groups = grouped(len(known), [(copy.first, copy.second) for copy in found])
    leaked = {group for (place, _), group in zip(known, groups, strict=True) if place >= len(images)}
    places = {place for (place, _), group in zip(known, groups, strict=True) if group in leaked}
    return [path for place, path in enumerate(images) if place in places]


def grouped(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """The first member of the group that each of so many items is in, where pairs belong together.

    Example:
        >>> grouped(4, [(1, 3), (0, 1)])
        [0, 0, 2, 0]
    """
    first = list(range(count))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = place = first[first[place]]
        return place

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(place) for place in range(count)]


class _Greys(Sequence[NDArray[np.uint8]]):
    """The small pictures in grey, uint8 (h, w), of which none is held."""

    def __init__(self, pictures: Sequence[SmallPicture]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, place: Any) -> Any:
        from samekind.copies.picture import unpacked  # noqa: PLC0415 - needs OpenCV

        return unpacked(*self._pictures[place].kept).grey


class _Held:
    """The pixels of the files that were compared last."""

    def __init__(self) -> None:
        self.pixels = lru_cache(_HELD)(_detail)


def _detail(path: Path) -> Pixels:
    return read_image(path, _DETAIL, damaged="read", squashed=False).pixels


def _small_or_none(path: Path) -> SmallPicture | None:
    try:
        decoded = read_image(path, _DECODED, damaged="read", squashed=False)
    except ImageError:
        return None
    return small_picture(path, decoded.pixels, decoded.width, decoded.height)


def _strongest(votes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]) -> Iterator[tuple[int, int]]:
    """Of each later picture the partners with the most votes."""
    taken: dict[int, int] = {}
    for later, earlier, count in zip(*(column.tolist() for column in votes), strict=True):
        if count >= _LEAST_VOTES and taken.get(later, 0) < _MOST_PARTNERS:
            taken[later] = taken.get(later, 0) + 1
            yield later, earlier


def _compared(pictures: Sequence[SmallPicture], held: _Held, pair: tuple[int, int]) -> Evidence | None:
    from samekind.copies.compare import Side, compare  # noqa: PLC0415 - needs OpenCV
    from samekind.copies.picture import unpacked  # noqa: PLC0415 - likewise

    def side(small: SmallPicture, *, blind: bool = False) -> Side:
        picture: Picture = unpacked(*small.kept)
        return Side(picture, None if blind else lambda: held.pixels(small.path), small.width, small.height)

    later, earlier = (pictures[place] for place in pair)
    try:
        return compare(side(earlier), side(later))
    except ImageError:  # it went away just now
        return compare(side(earlier, blind=True), side(later, blind=True))
