"""What can be known of a collection without labels: its mean, and how alike its pictures are to each other."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import AdaptationError
from samekind.inference.similarity import Embeddings, similarity_matrix

# With fewer, what is known of the collection is mostly chance.
FEWEST_PICTURES = 10
# The spread of so many pictures' similarities is known to a hundredth; those of more would take quadratic time.
MOST_COMPARED = 500
# The cosine of two copies of a picture, saved anew.
_ONE_PICTURE = 0.995
# One standard deviation below the middle of a normal distribution lies this share.
_BELOW = 0.1587


@dataclass(frozen=True, eq=False)
class Collection:
    """The mean of a collection, and some of its pictures.

    Attributes:
        mean: float32 (D,), the mean of the unit embeddings.
        pictures: The number of pictures.
        compared: float32 (M, D), unit rows, different pictures of the collection; at most 500.
    """

    mean: NDArray[np.float32]
    pictures: int
    compared: Embeddings

    @classmethod
    def of(cls, embeddings: Embeddings) -> Collection:
        """Look at the embeddings of a collection. Of more than 500 pictures, 500 are compared with each other.

        Args:
            embeddings: float32 (N, D), unit rows, N at least ``FEWEST_PICTURES``.

        Raises:
            AdaptationError: There are fewer different pictures, or these are no embeddings.

        Warns:
            UserWarning: Most of the pictures are copies of others.

        Example:
            >>> rows = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0].astype(np.float32)
            >>> collection = Collection.of(rows)
            >>> collection.pictures, collection.compared.shape
            (16, (16, 16))
        """
        _refuse_others(embeddings)
        places = np.unique(np.linspace(0, len(embeddings) - 1, min(len(embeddings), MOST_COMPARED)).astype(np.intp))
        different = _different(embeddings[places])
        if len(different) < FEWEST_PICTURES:
            raise AdaptationError(
                f"{len(embeddings)} pictures, but only {len(different)} different ones; at least {FEWEST_PICTURES} "
                "different ones are needed, and 20 to 200 are better"
            )
        if 2 * len(different) < len(places):
            warnings.warn(
                f"of {len(places)} pictures that were compared, only {len(different)} are different: the collection "
                "is known by these",
                stacklevel=2,
            )
        # Copies count once, where they are few enough to be found.
        counted = embeddings if len(embeddings) > MOST_COMPARED else different
        return cls(counted.mean(axis=0, dtype=np.float64).astype(np.float32), len(embeddings), different)

    @property
    def length(self) -> float:
        """How long the mean would be of endlessly many such pictures, in [0, 1]: what two have in common on average.

        About 0.3 for everyday objects, 0.8 for one narrow kind. The mean of a few is longer, by chance.
        """
        known = self.pictures if self.pictures > MOST_COMPARED else len(self.compared)
        squared = (known * float(self.mean @ self.mean) - 1) / (known - 1)
        return float(min(1.0, max(0.0, squared) ** 0.5))

    def spread(self, offset: NDArray[np.float32]) -> float:
        """How widely the similarities of its pictures spread, once an offset is taken away from each.

        The middle less the point below which a sixth of them lie: for a normal distribution, its standard deviation.
        What lies above the middle does not count, for there the genuine pairs are, and nobody knows how many.

        Args:
            offset: float32 (D,).
        """
        rows = less(self.compared, offset)
        first, second = np.triu_indices(len(rows), 1)
        below, middle = np.quantile(similarity_matrix(rows, rows)[first, second], (_BELOW, 0.5))
        return float(middle - below)


def less(embeddings: Embeddings, offset: NDArray[np.float32]) -> Embeddings:
    """Embeddings less an offset, of unit length again.

    Args:
        embeddings: float32 (N, D), unit rows.
        offset: float32 (D,).

    Example:
        >>> less(np.array([[0.6, 0.8]], np.float32), np.array([0.6, 0], np.float32)).tolist()
        [[0.0, 1.0]]
    """
    rows = embeddings - offset
    unit: Embeddings = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return unit


def _refuse_others(embeddings: Embeddings) -> None:
    if embeddings.ndim != 2 or embeddings.dtype != np.float32:
        shape = ", ".join(map(str, embeddings.shape))
        raise AdaptationError(f"embeddings are float32 (N, D), not {embeddings.dtype} ({shape})")
    if len(embeddings) < FEWEST_PICTURES:
        raise AdaptationError(
            f"{len(embeddings)} readable pictures; at least {FEWEST_PICTURES} are needed to adapt, and 20 to 200 are "
            "better"
        )
    if not np.all(np.abs(np.linalg.norm(embeddings, axis=1) - 1) < 1e-2):
        raise AdaptationError("these are no embeddings: their rows are not of unit length")


def _different(rows: Embeddings) -> Embeddings:
    """The first of each set of copies."""
    return rows[~np.tril(similarity_matrix(rows, rows) > _ONE_PICTURE, -1).any(axis=1)]
