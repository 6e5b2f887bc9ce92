"""How well each class fits each image, by all images but the image itself.

Two scores, both left-one-out exactly and without fitting anything N times: the cosine to the class's mean, and a ridge
regression of the classes on the embeddings, which for one-hot targets is a linear discriminant (Hastie, Tibshirani and
Buja, "Flexible discriminant analysis by optimal scoring", 1994; its left-one-out form is Allen's PRESS, 1974).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings

Scores = NDArray[np.float32]
Labels = NDArray[np.int64]

_RIDGE = 1.0
_TINY = 1e-9


def mean_cosines(embeddings: Embeddings, labels: Labels, classes: int) -> Scores:
    """The cosine of each image to the mean of each class, its own mean without it.

    Args:
        embeddings: float32 (N, D), unit rows.
        labels: int64 (N,), 0 to C - 1.
        classes: C.

    Returns:
        float32 (N, C); of an image that is alone in its class, 0 for that class.

    Example:
        >>> mean_cosines(np.eye(2, dtype=np.float32)[[0, 0, 1]], np.array([0, 0, 1]), 2).tolist()
        [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    """
    sums = np.zeros((classes, embeddings.shape[1]), np.float32)
    np.add.at(sums, labels, embeddings)
    products = embeddings @ sums.T
    lengths = np.linalg.norm(sums, axis=1)
    every = np.arange(len(labels))
    own = products[every, labels]
    # |s - e|² = |s|² - 2 s·e + 1, for a sum s that a unit embedding e is part of
    squared = np.maximum(lengths[labels] ** 2 - 2 * own + 1, 0)
    without = np.where(squared > _TINY, (own - 1) / np.sqrt(np.maximum(squared, _TINY)), 0)
    without[np.bincount(labels, minlength=classes)[labels] < 2] = 0
    found = products / np.maximum(lengths, _TINY)
    found[every, labels] = without
    return np.asarray(found, np.float32)


def ridge_scores(embeddings: Embeddings, labels: Labels, classes: int) -> Scores:
    """What ridge regressions to each class, fitted without the image, say of each image: about 1 for its class, else 0.

    Arguments as ``mean_cosines``.

    Returns:
        float32 (N, C).
    """
    design = np.column_stack([embeddings, np.ones(len(embeddings))]).astype(np.float64)
    gram = design.T @ design
    gram[np.diag_indices_from(gram)] += _RIDGE
    targets = np.zeros((design.shape[1], classes))
    np.add.at(targets.T, labels, design)
    fitted = (design @ np.linalg.solve(gram, targets)).astype(np.float32)
    leverage = np.einsum("nd,nd->n", design, np.linalg.solve(gram, design.T).T).astype(np.float32)
    fitted[np.arange(len(labels)), labels] -= leverage
    fitted /= (1 - leverage)[:, None]
    return fitted
