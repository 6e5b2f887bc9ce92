"""Cosine similarity of embeddings: one scale everywhere, in [-1, 1], higher is more alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samekind.errors import EmbeddingError

Embeddings = NDArray[np.float32]

# A network's rows are off by less than 1e-6, and by less than 1e-3 after they were stored as float16.
_LENGTH_TOLERANCE = 5e-3


def checked_embeddings(rows: ArrayLike, dimension: int, name: str = "the embeddings") -> Embeddings:
    """Embeddings from elsewhere, as they are, after making sure that their cosines mean something.

    Args:
        rows: (N, D), unit rows.
        dimension: D of the model.
        name: What messages call them.

    Returns:
        float32 (N, D).

    Raises:
        EmbeddingError: They are no numbers, of another shape, not finite, or not of unit length.

    Example:
        >>> checked_embeddings([[0.6, 0.8]], 2).dtype
        dtype('float32')
    """
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of several lengths
        array = np.empty((), object)
    if array.dtype.kind not in "fiu":
        raise EmbeddingError(f"{name} must be numbers, float32 (N, {dimension})")
    if array.ndim != 2 or array.shape[1] != dimension:
        raise EmbeddingError(
            f"{name} must be (N, {dimension}), as the model gives them, not {array.shape}; "
            "those of another model cannot be compared"
        )
    length = np.sqrt(np.einsum("nd,nd->n", array, array, dtype=np.float64))
    if not (np.abs(length - 1) <= _LENGTH_TOLERANCE).all():  # one that is no number is no less than another
        raise EmbeddingError(_why_not_embeddings(length, name))
    return np.asarray(array, np.float32)


def checked_embedding(vector: ArrayLike) -> NDArray[np.float32]:
    """One embedding from elsewhere, (D,), as ``checked_embeddings`` gives many: float32 (D,).

    Raises:
        EmbeddingError: As there.
    """
    # Each search asks. Where a glance leaves a doubt the other tells.
    if isinstance(vector, np.ndarray) and vector.dtype == np.float32 and vector.ndim == 1:
        usual: NDArray[np.float32] = vector
        if abs(float(usual.dot(usual)) - 1) < _LENGTH_TOLERANCE:
            return usual
    try:
        array = np.asarray(vector)
    except ValueError:  # it has parts of several lengths
        array = np.empty((), object)
    row: NDArray[np.float32]
    [row] = checked_embeddings(array[None], array.size, "the embedding")
    return row


def _why_not_embeddings(length: NDArray[np.float64], name: str) -> str:
    if not np.isfinite(length).all():
        return f"{name}: row {int(np.argmin(np.isfinite(length)))} has values that are no finite numbers"
    row = int(np.argmax(np.abs(length - 1) > _LENGTH_TOLERANCE))
    return (
        f"{name}: row {row} has the length {length[row]:.3g}, and embeddings have 1; "
        "divide each row by its length: rows / np.linalg.norm(rows, axis=1, keepdims=True)"
    )


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
