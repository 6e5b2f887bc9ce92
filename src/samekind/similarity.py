"""Cosine similarity of embeddings: one scale everywhere, in [-1, 1], higher is more alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]


def paired_similarity(first: Embeddings, second: Embeddings) -> NDArray[np.float32]:
    """The cosine of each row with its partner.

    Exactly symmetric: products commute, and each row is summed in the same order whatever the batch. (A matrix
    product gives no such promise.)

    Args:
        first: float32 (N, D), unit rows.
        second: float32 (N, D), unit rows.

    Returns:
        float32 (N,), in [-1, 1].

    Example:
        >>> paired_similarity(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[::-1]).tolist()
        [0.0, 0.0]
    """
    products = np.ascontiguousarray(first, np.float64) * np.ascontiguousarray(second, np.float64)
    cosine: NDArray[np.float32] = np.clip(products.sum(axis=1), -1.0, 1.0).astype(np.float32)
    return cosine


def similarity_matrix(first: Embeddings, second: Embeddings) -> NDArray[np.float32]:
    """The cosine of each row of one with each row of the other, by one matrix product.

    Args:
        first: float32 (N, D), unit rows.
        second: float32 (M, D), unit rows.

    Returns:
        float32 (N, M), in [-1, 1].

    Example:
        >>> similarity_matrix(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[:1]).tolist()
        [[1.0], [0.0]]
    """
    cosine: NDArray[np.float32] = np.clip(first @ second.T, -1.0, 1.0)
    return cosine


# The pairs of a trio, by position, in the order of ``trio_similarities``.
TRIO_PAIRS = ((0, 1), (0, 2), (1, 2))


def trio_similarities(first: Embeddings, second: Embeddings, third: Embeddings) -> NDArray[np.float32]:
    """The cosines of the three pairs of each trio, in the order of ``TRIO_PAIRS``.

    Args:
        first: float32 (N, D), unit rows.
        second: float32 (N, D), unit rows.
        third: float32 (N, D), unit rows.

    Returns:
        float32 (N, 3), in [-1, 1].
    """
    members = (first, second, third)
    return np.stack([paired_similarity(members[i], members[j]) for i, j in TRIO_PAIRS], axis=1)
