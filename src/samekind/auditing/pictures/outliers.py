"""Images that belong to no class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.auditing.labels.left_out import Labels
from samekind.inference.similarity import Embeddings

# In units of the usual scatter above the middle.
FAR = 2.5
# How fast a class counts less than the best one, in cosines.
_TEMPERATURE = 0.1
_NEIGHBOURS, _BLOCK = 10, 1024


def unlike_every_class(cosine: NDArray[np.float32], labels: Labels) -> NDArray[np.float64]:
    """How unlike each image is to its own class and to the classes that it is most like, float64 (N,).

    Both count: a stranger is far from its class, which a wrong label is too, and from all others, which that is not.
    The classes count by their energy (Liu, Wang, Owens and Li, "Energy-based out-of-distribution detection", 2020).
    Strangers are often alike to each other, so their nearest neighbours do not tell them.

    Args:
        cosine: float32 (N, C), to the mean of each class, the image left out.
        labels: int64 (N,).
    """
    own = cosine[np.arange(len(labels)), labels]
    energy = _TEMPERATURE * np.logaddexp.reduce(cosine / _TEMPERATURE, axis=1)
    return np.asarray(1 - (own + energy) / 2, np.float64)


def unlike_all(embeddings: Embeddings) -> NDArray[np.float64]:
    """How unlike each image is to the ten most like it, where there are no classes: float64 (N,)."""
    count = min(_NEIGHBOURS, len(embeddings) - 1)
    if count < 1:
        return np.zeros(len(embeddings))
    found = []
    for start in range(0, len(embeddings), _BLOCK):
        cosine = embeddings[start : start + _BLOCK] @ embeddings.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -2
        found.append(np.partition(cosine, -count, axis=1)[:, -count:].mean(axis=1))
    return np.asarray(1 - np.concatenate(found), np.float64)


def how_far(unlike: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same in units of the usual scatter: 0 in the middle, above ``FAR`` an outlier.

    The scatter is that of the half that is more alike, so that many strangers do not hide each other.
    """
    if not len(unlike):
        return unlike
    middle, low = np.median(unlike), np.quantile(unlike, 0.1587)
    return np.asarray((unlike - middle) / max(float(middle - low), 1e-3), np.float64)
