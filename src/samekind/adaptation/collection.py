"""What can be known of a collection without labels: its mean, and how alike its pictures are to each other."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import AdaptationError
from samekind.similarity import Embeddings, similarity_matrix

# With fewer, what is known of the collection is mostly chance.
FEWEST_PICTURES = 10
# The spread of so many pictures' similarities is known to a hundredth; those of more would take quadratic time.
_MOST_COMPARED = 500
# The cosine of two copies of a picture, saved anew.
_ONE_PICTURE = 0.995


@dataclass(frozen=True, eq=False)
class Collection:
    """The mean of a collection and the spread around it.

    Attributes:
        mean: float32 (D,), the mean of the unit embeddings; its length says how narrow the collection is.
        pictures: The number of pictures.
        distinct: The number of different pictures among those that were compared with each other.
        compared: float32 (M, D), unit rows, different pictures of the collection, at most 500.
    """

    mean: NDArray[np.float32]
    pictures: int
    distinct: int
    compared: Embeddings

    @classmethod
    def of(cls, embeddings: Embeddings) -> Collection:
        """Look at the embeddings of a collection.

        Args:
            embeddings: float32 (N, D), unit rows, N at least ``FEWEST_PICTURES``.

        Raises:
            AdaptationError: There are fewer different pictures, or the rows are not of unit length.

        Example:
            >>> rows = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0].astype(np.float32)
            >>> collection = Collection.of(rows)
            >>> collection.pictures, round(collection.length, 2)
            (16, 0.25)
        """
        _check(embeddings)
        places = np.unique(np.linspace(0, len(embeddings) - 1, min(len(embeddings), _MOST_COMPARED)).astype(np.intp))
        compared = embeddings[places]
        different = _different(compared)
        if len(different) < FEWEST_PICTURES:
            raise AdaptationError(
                f"{len(embeddings)} pictures, but only {len(different)} different ones: at least {FEWEST_PICTURES} "
                "different pictures are needed, better 20 to 200, as different as the questions will be"
            )
        if 2 * len(different) < len(compared):
            warnings.warn(
                f"of {len(compared)} pictures only {len(different)} are different: the collection is known by these",
                stacklevel=2,
            )
        # Copies count once, where they are few enough to be found.
        whole = embeddings if len(embeddings) > _MOST_COMPARED else compared[different]
        mean = whole.mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(mean, len(embeddings), len(different), compared[different])

    @property
    def length(self) -> float:
        """The length of the mean, in [0, 1]: 0.3 for everyday objects, 0.8 for one narrow kind."""
        return float(np.linalg.norm(self.mean))

    def spread(self, offset: NDArray[np.float32]) -> float:
        """The standard deviation of the similarities of its pictures, once an offset is taken away from them.

        Args:
            offset: float32 (D,).
        """
        rows = less(self.compared, offset)
        first, second = np.triu_indices(len(rows), 1)
        return float(similarity_matrix(rows, rows)[first, second].std(dtype=np.float64))


def less(embeddings: Embeddings, offset: NDArray[np.float32]) -> Embeddings:
    """Embeddings less an offset, of unit length again.

    Args:
        embeddings: float32 (N, D), unit rows.
        offset: float32 (D,).

    Example:
        >>> less(np.array([[1, 0]], np.float32), np.array([0.5, 0], np.float32)).tolist()
        [[1.0, 0.0]]
    """
    rows = embeddings - offset
    unit: Embeddings = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return unit


def _check(embeddings: Embeddings) -> None:
    if embeddings.ndim != 2 or embeddings.dtype != np.float32:
        raise AdaptationError(
            f"embeddings are float32 (N, D), not {embeddings.dtype} ({', '.join(map(str, embeddings.shape))})"
        )
    if len(embeddings) < FEWEST_PICTURES:
        raise AdaptationError(
            f"{len(embeddings)} readable pictures: at least {FEWEST_PICTURES} are needed to adapt, better 20 to 200"
        )
    lengths = np.linalg.norm(embeddings, axis=1)
    if not np.all(np.abs(lengths - 1) < 1e-2):
        raise AdaptationError("these are no embeddings of samekind: their rows are not of unit length")


def _different(rows: Embeddings) -> NDArray[np.intp]:
    """One of each set of copies: the first."""
    alike = similarity_matrix(rows, rows) > _ONE_PICTURE
    return np.flatnonzero(~np.tril(alike, -1).any(axis=1))
