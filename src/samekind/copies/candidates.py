"""Pairs of pictures that are worth laying on each other, found without comparing each with each.

Local features vote: those of all pictures are put into cells about some of themselves, and within a cell those whose
bits agree vote for their two pictures; so a cut half, a quarter turn or a mirror image is found. Pictures with few
features are found by their lowest frequencies, in all eight ways to lay one on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.copies.features import BITS, Features, mirrored_bits, signs
from samekind.copies.picture import Picture

Places = NDArray[np.int64]

# The strongest features of each picture vote, fewer of each where pictures are many, in FAISS's cells of about so many.
_ALL_VOTERS, _LEAST_VOTERS, _CELL, _MOST_CELLS, _CELLS_SEARCHED = 200_000, 48, 250, 2048, 4
_BITS_APART = 26
_LEAST_VOTES = 3
_QUERIED = 64  # features of each picture among which one picture's are looked for
# One feature votes for those among so many that are most like it.
_NEAREST = 16
_MOST_PARTNERS, _MOST_ALIKE = 6, 5
_VOTING = 64  # pictures whose features vote at a time
_FREQUENCIES, _LEAST_ALIKE = 8, 0.95
_SQUARE = 1024  # pictures whose frequencies are compared with as many others at a time


def voted_pairs(features: Sequence[Features], seed: int = 0) -> tuple[Places, Places, Places]:
    """Pairs of pictures that share local features, and the number of votes.

    Args:
        features: Of the pictures, those that are likely to be kept first.
        seed: For the choice of cells.

    Returns:
        int64 (P,) thrice: the later of the two, the earlier, the votes; by the later, most votes first.
    """
    voters = _voters(features)
    if len(voters.owner) < 2:
        return _no_pairs()
    index = _index(voters.bits, seed)
    starts = np.searchsorted(voters.owner, np.arange(0, len(features) + _VOTING, _VOTING)).tolist()
    found = [_no_pairs()]
    for start, end in pairwise(starts):
        part = voters.part(start, end)
        found.append(_most_votes(np.concatenate([_votes(way, voters, index) for way in (part, part.mirrored())])))
    later, earlier, votes = (np.concatenate(column) for column in zip(*found, strict=True))
    return later, earlier, votes


def _most_votes(bins: Places) -> tuple[Places, Places, Places]:
    """The pairs of some votes that have enough of them in one bin, and that number."""
    bins, votes = np.unique(bins, return_counts=True)
    pairs, starts = np.unique(bins // _BINS, return_index=True)
    votes = np.maximum.reduceat(votes, starts) if len(starts) else votes
    later, earlier = np.divmod(pairs[votes >= _LEAST_VOTES], _MOST_PICTURES)
    return _best_partners(later, earlier, votes[votes >= _LEAST_VOTES])


def alike_pairs(greys: Sequence[NDArray[np.uint8]]) -> tuple[Places, Places, Places]:
    """Pairs of whole pictures that are alike in one of the eight ways to lay a rectangle on another.

    Args:
        greys: uint8 (h, w) each, the small pictures.

    Returns:
        As ``voted_pairs``; for votes how far apart their levels are, below zero: the nearest come first, for a hundred
        gradients have one shape.
    """
    if len(greys) < 2:
        return _no_pairs()
    waves, sizes = _many_waves(greys)
    rows = [way.reshape(len(waves), -1) for way in _ways(waves)]
    found: list[tuple[Places, Places, Places]] = []
    for start in range(0, len(waves), _SQUARE):
        own = slice(start, start + _SQUARE)
        nearest = _no_pairs()
        for other in range(0, start + 1, _SQUARE):
            box = slice(other, other + _SQUARE)
            alike = np.max([rows[0][own] @ row[box].T for row in rows], axis=0)
            i, j = np.nonzero(alike >= _LEAST_ALIKE)
            before = j + other < i + start
            i, j = i[before], j[before]
            apart = _apart(sizes[own][i], sizes[box][j], alike[i, j])
            more = i + start, j + other, -apart.astype(np.int64)
            joined = [np.concatenate(both) for both in zip(nearest, more, strict=True)]
            nearest = _best_partners(joined[0], joined[1], joined[2], _MOST_ALIKE)
        found.append(nearest)
    later, earlier, votes = (np.concatenate(column) for column in zip(*found, strict=True))
    return later, earlier, votes


def _no_pairs() -> tuple[Places, Places, Places]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)


@dataclass(frozen=True)
class _Voters:
    """Features of many pictures, one after the other."""

    bits: NDArray[np.uint8]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    owner: Places

    def part(self, start: int, end: int) -> _Voters:
        box = slice(start, end)
        return _Voters(self.bits[box], self.scales[box], self.angles[box], self.owner[box])

    def mirrored(self) -> _Voters:
        return _Voters(mirrored_bits(self.bits), self.scales, 180 - self.angles, self.owner)


def _voters(features: Sequence[Features]) -> _Voters:
    each = max(_LEAST_VOTERS, _ALL_VOTERS // max(1, len(features)))
    if not features:
        none = np.empty(0, np.float32)
        return _Voters(np.empty((0, BITS // 8), np.uint8), none, none, np.empty(0, np.int64))
    parts = [(one.bits[:each], one.scales[:each], one.angles[:each]) for one in features]
    bits, scales, angles = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Voters(bits, scales, angles, np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts]))


def _index(bits: NDArray[np.uint8], seed: int) -> Any:
    """FAISS's index of features, in cells about some of them."""
    cells = int(np.clip(len(bits) // _CELL, 1, _MOST_CELLS))
    centres = faiss.IndexBinaryFlat(BITS)
    centres.add(bits[np.sort(np.random.default_rng(seed).choice(len(bits), cells, replace=False))])
    index: Any = faiss.IndexBinaryIVF(centres, BITS, cells)
    index.own_fields, index.is_trained, index.nprobe = False, True, _CELLS_SEARCHED
    index.add(bits)
    index.centres = centres  # kept as long as the index is
    return index


def _votes(part: _Voters, voters: _Voters, index: Any) -> Places:
    """Votes of some features for all earlier pictures: the later, the earlier, and the bin of turn and zoom, in one.

    A feature votes once for a picture; a pair's features vote together only if they turn and zoom alike (Jégou, Douze
    and Schmid, "Hamming embedding and weak geometric consistency", 2008). Bins overlap, so each vote is in four.
    """
    apart, nearest = index.search(part.bits, _NEAREST)
    row, column = np.nonzero((nearest >= 0) & (apart <= _BITS_APART))
    found = nearest[row, column]
    earlier = voters.owner[found] < part.owner[row]
    row, found = row[earlier], found[earlier]
    order = np.lexsort((voters.owner[found], row))  # stable, and the nearest came first
    row, found = row[order], found[order]
    again = (np.diff(row, prepend=-1) == 0) & (np.diff(voters.owner[found], prepend=-1) == 0)
    row, found = row[~again], found[~again]
    turn = np.floor((voters.angles[found] - part.angles[row]) * (_TURNS / 360)).astype(np.int64)
    zoom = np.floor(np.log2(voters.scales[found] / part.scales[row])).astype(np.int64).clip(-_ZOOMS, _ZOOMS - 2)
    pair = part.owner[row] * _MOST_PICTURES + voters.owner[found]
    return np.concatenate([
        (pair * _TURNS + (turn + more) % _TURNS) * 2 * _ZOOMS + zoom + _ZOOMS + finer
        for more in (0, 1) for finer in (0, 1)
    ])  # fmt: skip


_TURNS, _ZOOMS = 12, 4
_BINS = _TURNS * 2 * _ZOOMS
_MOST_PICTURES = 1 << 27  # two of them and a bin are one number


def _rank(sorted_rows: Places) -> Places:
    return np.arange(len(sorted_rows)) - np.searchsorted(sorted_rows, sorted_rows)


def _best_partners(
    later: Places, earlier: Places, votes: Places, most: int = _MOST_PARTNERS
) -> tuple[Places, Places, Places]:
    """Each later picture's partners with the most votes, most first."""
    order = np.lexsort((earlier, -votes, later))
    later, earlier, votes = later[order], earlier[order], votes[order]
    kept = _rank(later) < most
    return later[kept], earlier[kept], votes[kept]


def _many_waves(greys: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The lowest frequencies of squashed pictures, of length 1 and without the mean, and what was taken away.

    Returns:
        float32 (N, 8, 8); and the lengths and the means, float32 (N, 2).
    """
    waves = np.empty((len(greys), _FREQUENCIES, _FREQUENCIES), np.float32)
    sizes = np.empty((len(greys), 2), np.float32)
    for place, grey in enumerate(greys):
        small = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
        waves[place] = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES]
        mean, waves[place, 0, 0] = waves[place, 0, 0], 0
        sizes[place] = max(float(np.linalg.norm(waves[place])), 1e-3), mean
    return waves / sizes[:, :1, None], sizes


def _ways(waves: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The frequencies of the eight ways to lay a square on itself."""
    flip = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    return [way * (flip if x else 1) * (flip[:, None] if y else 1)
            for way in (waves, waves.transpose(0, 2, 1)) for x in (0, 1) for y in (0, 1)]  # fmt: skip


def _apart(one: NDArray[np.float32], other: NDArray[np.float32], alike: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distance of pictures in all, of their frequencies' lengths and means and the cosine between them."""
    square = one[:, 0] ** 2 + other[:, 0] ** 2 - 2 * one[:, 0] * other[:, 0] * alike + (one[:, 1] - other[:, 1]) ** 2
    return np.asarray(np.sqrt(square.clip(0)))


def partners(*found: tuple[Places, Places, Places]) -> Iterator[tuple[int, list[int]]]:
    """Each picture and the earlier ones that it may be a copy of, of several ways to find them, the likeliest first."""
    lists: dict[int, list[int]] = {}
    for later, earlier, _ in found:
        for one, other in zip(later.tolist(), earlier.tolist(), strict=True):
            lists.setdefault(one, []).append(other)
    for one in sorted(lists):
        yield one, list(dict.fromkeys(lists[one]))


def partners_of(query: Picture, features: Sequence[Features], greys: Sequence[NDArray[np.uint8]]) -> list[int]:
    """The pictures that one may be a copy of, the likeliest first.

    Args:
        query: The one.
        features: Of the pictures.
        greys: uint8 (h, w) each, the small pictures in grey.
    """
    votes = np.zeros(len(features), np.int64)
    counts = [min(_QUERIED, len(part)) for part in features]
    if len(query.features) and sum(counts):
        owner = np.repeat(np.arange(len(features)), counts)
        theirs = np.concatenate([part.bits[:_QUERIED] for part in features])
        mine = np.concatenate([query.features.bits, mirrored_bits(query.features.bits)])
        for start in range(0, len(theirs), 8192):
            product = signs(theirs[start : start + 8192]) @ signs(mine).T
            agree = product.max(axis=1) >= BITS - 2 * _BITS_APART
            np.add.at(votes, owner[start : start + 8192][agree], 1)
    by_votes = np.argsort(-votes, kind="stable")[:_MOST_PARTNERS]
    by_look, alike = np.empty(0, np.int64), np.empty(0, np.float32)
    if len(greys):
        (wave, size), (theirs_waves, sizes) = _many_waves([query.grey]), _many_waves(greys)
        alike = np.max([theirs_waves.reshape(len(greys), -1) @ way.ravel() for way in _ways(wave)], axis=0)
        apart = _apart(size.repeat(len(greys), axis=0), sizes, alike)
        by_look = np.lexsort((apart, alike < _LEAST_ALIKE))[:_MOST_PARTNERS]
    listed = [i for i in by_votes.tolist() if votes[i] >= _LEAST_VOTES] + [
        i for i in by_look.tolist() if alike[i] >= _LEAST_ALIKE
    ]
    return list(dict.fromkeys(listed))
