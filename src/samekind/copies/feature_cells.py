"""Local features in cells about some of themselves, so that each is compared with few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.copies.features import BITS
from samekind.system.each import Each

Places = NDArray[np.int64]

# Features of a cell, about; cells, more only where they are so many that finding the cells would take longer than
# comparing within them.
_CELL, _MANY_CELLS = 250, 2048
_SEARCHED = 4  # cells of each feature: copies of it may lie in one beside
# Beyond so many cells they lie in groups themselves, of which so many are searched.
_MANY_CENTRES, _GROUPS_SEARCHED = 4096, 16
_BLOCK = 1 << 16  # features that are put into cells at a time
_MANY = 1 << 23  # what is found that is held at a time


@dataclass(frozen=True)
class FeatureCells:
    """Features by cell.

    Attributes:
        centres: uint8 (C, 16), the features that are the middles of cells.
        bits: uint8 (V, 16), the features, those of a cell together.
        numbers: int32 (V,), their numbers before, rising within a cell.
        starts: int64 (C + 1,), the beginnings of the cells.
    """

    centres: NDArray[np.uint8]
    bits: NDArray[np.uint8]
    numbers: NDArray[np.int32]
    starts: Places

    def nearest(
        self, bits: NDArray[np.uint8], cells: NDArray[np.int32], end: int, most: int, apart: int
    ) -> tuple[Places, Places]:
        """The features that are most like some.

        Args:
            bits: uint8 (Q, 16), the ones to look for.
            cells: int32 (Q, K), the cells to look in, as ``cells_of`` gives them.
            end: The number before which features count.
            most: At most so many for each.
            apart: The bits that may differ.

        Returns:
            int64 (P,) twice: places in ``bits``, rising, and the numbers of what is like them, the nearest first.
        """
        order = np.argsort(cells, axis=None, kind="stable")
        cell, (query, place) = cells.ravel()[order], np.divmod(order, cells.shape[1])
        edges = np.flatnonzero(np.diff(cell, prepend=-1, append=-1))
        held, many = [np.empty(0, np.int64)], 0
        for start, stop in pairwise(edges.tolist()):
            box = slice(*self.starts[cell[start] : cell[start] + 2])
            numbers = self.numbers[box]
            numbers = numbers[: np.searchsorted(numbers, np.int32(end))]
            index = faiss.IndexBinaryFlat(BITS)
            index.add(self.bits[box][: len(numbers)])
            step = _MANY // max(1, len(numbers)) + 1
            for first in range(start, stop, step):
                some = query[first : min(first + step, stop)]
                counts, far, near = index.range_search(bits[some], apart + 1)
                if not len(near):
                    continue
                counts = counts.astype(np.int64)
                of = np.repeat(np.arange(first, first + len(some)), counts[1:] - counts[:-1])
                # First comes what is nearer, in a nearer cell, earlier: all in one number, which is sorted fast.
                held.append((query[of] << 8 | far.astype(np.int64) << 3 | place[of]) << 32 | numbers[near])
                many += len(near)
                if many > _MANY:
                    held = [_first_of_each(held, most)]
                    many = len(held[0])
        found = _first_of_each(held, most)
        return found >> 40, found & 0xFFFFFFFF


def _first_of_each(held: Sequence[Places], most: int) -> Places:
    """Of the numbers that have the upper bits in common at most so many, the least; rising."""
    joined = np.sort(np.concatenate(held))
    return joined[rank(joined >> 40) < most]


def put_into_cells(bits: NDArray[np.uint8], seed: int, each: Each) -> tuple[FeatureCells, NDArray[np.int32]]:
    """Put features into cells.

    Args:
        bits: uint8 (V, 16), the features.
        seed: For the choice of cells.
        each: What does the parts of the work.

    Returns:
        The cells; and of each feature the nearest ones, as ``cells_of`` gives them.
    """
    count = int(np.clip(len(bits) // _CELL, 1, max(_MANY_CELLS, 2 * len(bits) ** 0.5)))
    centres = bits[np.sort(np.random.default_rng(seed).choice(len(bits), count, replace=False))]
    blocks = (bits[start : start + _BLOCK] for start in range(0, len(bits), _BLOCK))
    cells = np.concatenate([*each(partial(cells_of, centres), blocks)])
    order = np.argsort(cells[:, 0], kind="stable")
    starts = np.searchsorted(cells[order, 0], np.arange(count + 1))
    return FeatureCells(centres, bits[order], order.astype(np.int32), starts), cells


def cells_of(centres: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The cells nearest to features, uint8 (Q, 16): int32 (Q, at most 4), the nearest first.

    Of many cells not always the nearest: that would take longer than all else.
    """
    index: Any = faiss.IndexBinaryFlat(BITS)
    if len(centres) > _MANY_CENTRES:
        index.add(centres[:: int(len(centres) ** 0.5)])
        index = faiss.IndexBinaryIVF(index, BITS, index.ntotal)
        index.is_trained, index.nprobe = True, _GROUPS_SEARCHED
    index.add(centres)
    nearest: NDArray[np.int32] = index.search(bits, min(_SEARCHED, len(centres)))[1].astype(np.int32)
    return nearest


def rank(rising: Places) -> Places:
    """Each number's place among those that are the same, from 0."""
    places = np.arange(len(rising))
    return places - np.maximum.accumulate(np.where(np.diff(rising, prepend=-1) != 0, places, 0))
