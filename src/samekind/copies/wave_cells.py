"""Whole pictures that are alike in one of the eight ways to lay a square on another, told by their lowest frequencies.

They are put into cells about centres, and one is compared only with the cells in which something can be like it: cells
that reach so far, and that are not all on the far side of the plane half way between their centre and its own. Of these
pictures first a product is taken that is short and never too small. So what is found is what comparing each with each
finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.copies.feature_cells import Places

LEAST_ALIKE = 0.95
_FREQUENCIES = 8
# The frequencies that tell most pictures apart.
_LOWEST = np.flatnonzero(np.add.outer(np.arange(_FREQUENCIES), np.arange(_FREQUENCIES)) <= 4)
_OTHERS = np.setdiff1d(np.arange(_FREQUENCIES**2), _LOWEST)
_Floats = NDArray[np.float32]
# Pictures of a cell, about; cells; and the pictures for each by which centres are found.
_CELL, _MOST_CELLS, _LOOKED_AT = 128, 2048, 64
_BOX = 4096  # pictures of a cell that are compared at a time
_ROUNDING = 1e-3  # what arithmetic may be wrong by, and more: small angles by 4e-4
_LAST_BITS = 1e-6  # of a cosine
_FAR = float(np.sqrt(2 - 2 * LEAST_ALIKE)) + _ROUNDING  # two that are alike are no further apart
_WIDE = float(np.arccos(LEAST_ALIKE)) + _ROUNDING  # ... nor seen under a greater angle


@dataclass(frozen=True)
class WaveCells:
    """Frequencies of pictures by cell.

    Attributes:
        waves: float32 (N, 64), of each picture.
        centres: float32 (C, 64).
        numbers: int32 (N,), of the pictures, by cell, rising within it.
        short: float32 (N, 16), as ``_short`` makes them, in the order of ``numbers``.
        starts: int64 (C + 1,), the beginnings of the cells.
        least: float32 (C,), the least cosine between a centre and what is like something in its cell.
        beyond: float32 (C, C), how much nearer to one centre what is like something in the other's cell can be, in
            cosines: twice the distance from the plane half way, times that of the centres.
    """

    waves: _Floats
    centres: _Floats
    numbers: NDArray[np.int32]
    short: _Floats
    starts: Places
    least: _Floats
    beyond: _Floats

    def alike(self, start: int, stop: int) -> Iterator[tuple[Places, Places, _Floats]]:
        """Pairs of the pictures from one number to another with earlier ones, and how alike they are."""
        ways = np.concatenate(ways_of(self.waves[start:stop]))
        may, short = self._may_hold(ways), _short(ways)
        for cell in np.flatnonzero(may.any(axis=1)):
            query = np.flatnonzero(may[cell])
            first, end = self.starts[cell : cell + 2]
            end = first + np.searchsorted(self.numbers[first:end], stop)
            for box in range(first, end, _BOX):
                some = slice(box, min(box + _BOX, end))
                product = short[query] @ self.short[some].T
                row, column = np.divmod(np.flatnonzero(product >= LEAST_ALIKE - _ROUNDING), product.shape[1])
                way, earlier = query[row], self.numbers[some][column].astype(np.int64)
                near = np.einsum("ij,ij->i", ways[way], self.waves[earlier]) >= LEAST_ALIKE - _ROUNDING
                later = way % (stop - start) + start
                near &= earlier < later
                if near.any():
                    yield self._measured(later[near], earlier[near])

    def _may_hold(self, ways: _Floats) -> NDArray[np.bool_]:
        """Which cells may hold something alike: bool (C, Q)."""
        cosine = ways @ self.centres.T
        own = cosine.argmax(axis=1)
        may = cosine >= self.least
        may &= cosine[np.arange(len(own)), own, None] - cosine <= self.beyond[own]
        may[np.arange(len(own)), own] = True
        return np.ascontiguousarray(may.T)

    def _measured(self, later: Places, earlier: Places) -> tuple[Places, Places, _Floats]:
        """The pairs that are alike. Pair by pair: the last bits of a product of matrices depend on their sizes."""
        pairs = np.unique(np.stack([later, earlier]), axis=1)
        others = self.waves[pairs[1]]
        cosine = np.max([np.einsum("ij,ij->i", way, others) for way in ways_of(self.waves[pairs[0]])], axis=0)
        alike = cosine >= LEAST_ALIKE
        return pairs[0][alike], pairs[1][alike], cosine[alike]


def put_waves_into_cells(waves: _Floats) -> WaveCells:
    """Put pictures, float32 (N, 64), unit rows, into cells."""
    count = int(np.clip(len(waves) // _CELL, 1, _MOST_CELLS))
    means = faiss.Kmeans(
        waves.shape[1], count, niter=5, seed=0, min_points_per_centroid=1, max_points_per_centroid=_LOOKED_AT
    )
    means.train(waves)
    centres = np.asarray(means.centroids)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True).clip(1e-9)
    own, reach = np.empty(len(waves), np.int32), np.zeros(count, np.float32)
    for start in range(0, len(waves), _BOX):
        cosine = waves[start : start + _BOX] @ centres.T
        own[start : start + _BOX] = nearest = cosine.argmax(axis=1)
        np.maximum.at(reach, nearest, np.arccos(cosine.max(axis=1).clip(-1, 1)))
    least = np.cos(np.minimum(reach + _WIDE, np.pi))
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], np.arange(count + 1))
    exact = centres.astype(np.float64)
    square = (exact**2).sum(axis=1)
    between = np.sqrt((square[:, None] + square - 2 * exact @ exact.T).clip(0))
    beyond = (_FAR * between + _LAST_BITS).astype(np.float32)
    return WaveCells(waves, centres, order.astype(np.int32), _short(waves)[order], starts, least, beyond)


def _short(waves: _Floats) -> _Floats:
    """The lowest frequencies and the length of all others: two have a product that is at least that of the waves."""
    return np.column_stack([waves[:, _LOWEST], np.linalg.norm(waves[:, _OTHERS], axis=1)])


def many_waves(greys: Sequence[NDArray[np.uint8]]) -> tuple[_Floats, _Floats]:
    """The lowest frequencies of squashed pictures, of length 1 and without the mean, and what was taken away.

    Returns:
        float32 (N, 64); and the lengths and the means, float32 (N, 2).
    """
    waves = np.empty((len(greys), _FREQUENCIES, _FREQUENCIES), np.float32)
    sizes = np.empty((len(greys), 2), np.float32)
    for place, grey in enumerate(greys):
        small = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
        waves[place] = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES]
        mean, waves[place, 0, 0] = waves[place, 0, 0], 0
        sizes[place] = max(float(np.linalg.norm(waves[place])), 1e-3), mean
    return (waves / sizes[:, :1, None]).reshape(len(greys), -1), sizes


def ways_of(waves: _Floats) -> list[_Floats]:
    """The frequencies, float32 (N, 64), of the eight ways to lay a square on itself."""
    flip = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    square = waves.reshape(-1, _FREQUENCIES, _FREQUENCIES)
    return [(way * (flip if x else 1) * (flip[:, None] if y else 1)).reshape(len(waves), -1)
            for way in (square, square.transpose(0, 2, 1)) for x in (0, 1) for y in (0, 1)]  # fmt: skip


def levels_apart(one: _Floats, other: _Floats, alike: _Floats) -> _Floats:
    """The distance of pictures in all, of their frequencies' lengths and means and the cosine between them."""
    square = one[:, 0] ** 2 + other[:, 0] ** 2 - 2 * one[:, 0] * other[:, 0] * alike + (one[:, 1] - other[:, 1]) ** 2
    return np.asarray(np.sqrt(square.clip(0)))
