"""All pairs of vectors above a similarity, a block at a time: memory grows with the pairs found, never with N × N."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings

# A block of similarities, 16 MB: large enough for the matrix product to run at full speed.
_BLOCK = 2048


class Pairs(NamedTuple):
    """Pairs of rows and how alike they are.

    Attributes:
        first: int64 (P,), the row of one.
        second: int64 (P,), the row of the other.
        similarity: float32 (P,), cosines.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float32]


def similar_pairs(
    vectors: Embeddings,
    threshold: float,
    others: Embeddings | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Pairs]:
    """The pairs whose cosine is at least ``threshold``, a block at a time.

    Args:
        vectors: float32 (N, D), unit rows.
        threshold: In [-1, 1].
        others: float32 (M, D), unit rows to pair them with; None pairs them among themselves, each pair once
            (``first < second``).
        on_progress: Called with the number of rows done so far.

    Yields:
        The pairs of a block, by ``first`` and ``second``.

    Example:
        >>> rows = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
        >>> [(pairs.first.tolist(), pairs.second.tolist()) for pairs in similar_pairs(rows, 0.5)]
        [([0], [2])]
    """
    partners = vectors if others is None else others
    for row in range(0, len(vectors), _BLOCK):
        block = vectors[row : row + _BLOCK]
        for column in range(row if others is None else 0, len(partners), _BLOCK):
            cosine = block @ partners[column : column + _BLOCK].T
            # Much faster than nonzero on two axes, where few entries are found.
            found = np.flatnonzero(cosine.ravel() >= threshold)
            first, second = np.divmod(found, cosine.shape[1])
            first, second = first + row, second + column
            if others is None and column == row:
                upper = first < second
                first, second, found = first[upper], second[upper], found[upper]
            if len(found):
                yield Pairs(first, second, cosine.ravel()[found])
        if on_progress:
            on_progress(min(row + _BLOCK, len(vectors)))


def join_pairs(parts: Iterator[Pairs]) -> Pairs:
    """All pairs of an iterator together."""
    listed = list(parts)
    if not listed:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    return Pairs(*(np.concatenate(column) for column in zip(*listed, strict=True)))
