"""Groups in which everything is like everything: complete linkage, so that a chain of look-alikes is no group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings

_BLOCK = 512


def dense_groups(
    vectors: Embeddings, threshold: float, *, on_progress: Callable[[int, int], None] | None = None
) -> list[list[int]]:
    """Groups whose members are all at least ``threshold`` alike, where pairs are too many to be listed.

    Row by row: each joins the group whose least similar member is the most alike, or begins one; so the order of the
    rows matters. Memory grows with N, time with N × N.

    Args:
        vectors: float32 (N, D), unit rows.
        threshold: A cosine, in [-1, 1].
        on_progress: Called with the number of rows done and the number of all.

    Returns:
        The groups of at least two, each sorted, in the order of their first member.

    Example:
        >>> dense_groups(np.array([[1, 0], [0, 1], [1, 0]], np.float32), 0.5)
        [[0, 2]]
    """
    group_of = np.empty(len(vectors), np.int64)
    groups: list[list[int]] = []
    for start in range(0, len(vectors), _BLOCK):
        similarity = vectors[start : start + _BLOCK] @ vectors[: start + _BLOCK].T
        for row, values in enumerate(similarity, start):
            least = _least_of_groups(values[:row], group_of[:row], len(groups))
            best = int(least.argmax()) if groups else -1
            if best < 0 or least[best] < threshold:
                best = len(groups)
                groups.append([])
            groups[best].append(row)
            group_of[row] = best
        if on_progress:
            on_progress(min(start + _BLOCK, len(vectors)), len(vectors))
    return [group for group in groups if len(group) > 1]


def _least_of_groups(values: NDArray[np.float32], group_of: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    least = np.full(count, np.inf, np.float32)
    np.minimum.at(least, group_of, values)
    return least
