"""Pairs of pictures that are worth laying on each other, found without comparing each with each.

Local features vote: those of all pictures are put into cells about some of themselves, and within a cell those whose
bits agree vote for their two pictures; so a cut half, a quarter turn or a mirror image is found. Pictures with few
features are found by their lowest frequencies, in all eight ways to lay one on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from samekind.copies.feature_cells import FeatureCells, Places, cells_of, put_into_cells, rank
from samekind.copies.features import BITS, MOST_FEATURES, Features, mirrored_bits, signs
from samekind.copies.picture import Picture
from samekind.copies.wave_cells import LEAST_ALIKE, WaveCells, levels_apart, many_waves, put_waves_into_cells, ways_of
from samekind.system.each import Each

# The strongest features of each picture vote, fewer of each where pictures are many.
_ALL_VOTERS, _LEAST_VOTERS = 200_000, 48
_BITS_APART = 26
_LEAST_VOTES = 3
_QUERIED = 64  # features of each picture among which one picture's are looked for
# One feature votes for those among so many that are most like it.
_NEAREST = 16
_MOST_PARTNERS, _MOST_ALIKE = 6, 5
# Parts of the work, in features and in pictures; and pairs that are held at a time.
_VOTERS, _PICTURES, _MANY_PAIRS = 1 << 18, 512, 1 << 20


def voted_pairs(features: Sequence[Features], seed: int = 0, each: Each = map) -> tuple[Places, Places, Places]:
    """Pairs of pictures that share local features, and the number of votes.

    Args:
        features: Of the pictures, those that are likely to be kept first.
        seed: For the choice of cells.
        each: What does the parts of the work. The pairs do not depend on it.

    Returns:
        int64 (P,) thrice: the later of the two, the earlier, the votes; by the later, most votes first.
    """
    voters = _voters(features)
    if len(voters.owner) < 2:
        return _no_pairs()
    cells, near = put_into_cells(voters.bits, seed, each)
    pictures = max(1, _VOTERS // _most_voters(len(features)))
    edges = np.searchsorted(voters.owner, np.arange(0, len(features) + pictures, pictures)).tolist()
    parts = ((start, near[start:end]) for start, end in pairwise(edges) if start < end)
    return _joined(each(partial(_votes_of_some, voters, cells), parts))


def _most_votes(bins: Places) -> tuple[Places, Places, Places]:
    """The pairs of some votes that have enough of them in one bin, and that number."""
    bins, votes = np.unique(bins, return_counts=True)
    pairs, starts = np.unique(bins // _BINS, return_index=True)
    votes = np.maximum.reduceat(votes, starts) if len(starts) else votes
    later, earlier = np.divmod(pairs[votes >= _LEAST_VOTES], _MOST_PICTURES)
    return _best_partners(later, earlier, votes[votes >= _LEAST_VOTES])


def alike_pairs(greys: Sequence[NDArray[np.uint8]], each: Each = map) -> tuple[Places, Places, Places]:
    """Pairs of whole pictures that are alike in one of the eight ways to lay a rectangle on another.

    Args:
        greys: uint8 (h, w) each, the small pictures.
        each: As ``voted_pairs`` takes it.

    Returns:
        As ``voted_pairs``; for votes how far apart their levels are, below zero: the nearest come first, for a hundred
        gradients have one shape.
    """
    if len(greys) < 2:
        return _no_pairs()
    waves, sizes = many_waves(greys)
    cells = put_waves_into_cells(waves)
    parts = pairwise([*range(0, len(greys), _PICTURES), len(greys)])
    return _joined(each(partial(_alike_of_some, cells, sizes), parts))


def _no_pairs() -> tuple[Places, Places, Places]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)


def _joined(parts: Iterator[tuple[Places, Places, Places]]) -> tuple[Places, Places, Places]:
    later, earlier, votes = (np.concatenate(column) for column in zip(_no_pairs(), *parts, strict=True))
    return later, earlier, votes


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


def _most_voters(pictures: int) -> int:
    """How many features of each picture vote at most."""
    return min(MOST_FEATURES, max(_LEAST_VOTERS, _ALL_VOTERS // max(1, pictures)))


def _voters(features: Sequence[Features]) -> _Voters:
    most = _most_voters(len(features))
    if not features:
        none = np.empty(0, np.float32)
        return _Voters(np.empty((0, BITS // 8), np.uint8), none, none, np.empty(0, np.int64))
    parts = [(one.bits[:most], one.scales[:most], one.angles[:most]) for one in features]
    bits, scales, angles = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Voters(bits, scales, angles, np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts]))


def _votes_of_some(
    voters: _Voters, cells: FeatureCells, some: tuple[int, NDArray[np.int32]]
) -> tuple[Places, Places, Places]:
    """The pairs for which features from a number on vote, which lie near some cells: all features of their pictures."""
    start, near = some
    end = start + len(near)
    part = voters.part(start, end)
    mirrored = part.mirrored()
    keys = [
        _votes(one, voters, *cells.nearest(one.bits, nearest, end, _NEAREST, _BITS_APART))
        for one, nearest in ((part, near), (mirrored, cells_of(cells.centres, mirrored.bits)))
    ]
    return _most_votes(np.concatenate(keys))


def _alike_of_some(
    cells: WaveCells, sizes: NDArray[np.float32], some: tuple[int, int]
) -> tuple[Places, Places, Places]:
    """The pairs of which the later picture is one of some."""
    held = [_no_pairs()]
    for later, earlier, alike in cells.alike(*some):
        held.append((later, earlier, -levels_apart(sizes[later], sizes[earlier], alike).astype(np.int64)))
        if sum(len(pairs[0]) for pairs in held) > _MANY_PAIRS:
            held = [_nearest_of(held)]
    return _nearest_of(held)


def _nearest_of(held: Sequence[tuple[Places, Places, Places]]) -> tuple[Places, Places, Places]:
    return _best_partners(*_joined(iter(held)), _MOST_ALIKE)


def _votes(part: _Voters, voters: _Voters, row: Places, found: Places) -> Places:
    """Votes of some features for all earlier pictures: the later, the earlier, and the bin of turn and zoom, in one.

    A feature votes once for a picture; a pair's features vote together only if they turn and zoom alike (Jégou, Douze
    and Schmid, "Hamming embedding and weak geometric consistency", 2008). Bins overlap, so each vote is in four.

    Args:
        part: The features.
        voters: All features.
        row: Numbers of the features, rising.
        found: Numbers of what is most like them, the nearest first.
    """
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


def _best_partners(
    later: Places, earlier: Places, votes: Places, most: int = _MOST_PARTNERS
) -> tuple[Places, Places, Places]:
    """Each later picture's partners with the most votes, most first."""
    order = np.lexsort((earlier, -votes, later))
    later, earlier, votes = later[order], earlier[order], votes[order]
    kept = rank(later) < most
    return later[kept], earlier[kept], votes[kept]


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
        (wave, size), (theirs_waves, sizes) = many_waves([query.grey]), many_waves(greys)
        alike = np.max([theirs_waves @ way[0] for way in ways_of(wave)], axis=0)
        apart = levels_apart(size.repeat(len(greys), axis=0), sizes, alike)
        by_look = np.lexsort((apart, alike < LEAST_ALIKE))[:_MOST_PARTNERS]
    listed = [i for i in by_votes.tolist() if votes[i] >= _LEAST_VOTES] + [
        i for i in by_look.tolist() if alike[i] >= LEAST_ALIKE
    ]
    return list(dict.fromkeys(listed))
