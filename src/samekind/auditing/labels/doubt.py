"""How likely each label is wrong, from what the other images say.

The two scores of ``left_out`` become probabilities of the classes by two weights, which are fitted to the labels as
they stand, allowing for some that are wrong. How many are is estimated with the doubts themselves, as confident
learning does for each pair of classes (Northcutt, Jiang and Chuang, "Confident learning", 2021); here it is one share
for all, for a class of twelve images has none of its own to estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.auditing.labels.left_out import Labels, mean_cosines, ridge_scores
from samekind.inference.similarity import Embeddings

# The share of labels that is taken to be wrong at first, and at least: nobody's thousand labels are all right, and the
# surest doubts are to be seen. At least so many may be wrong while weights are fitted, or one sure mistake sways them.
_ASSUMED, _LEAST, _MOST, _FITTED_FOR = 0.05, 0.01, 0.5, 0.02
_ROUNDS, _REFITTED = 50, 3
# Two weights are known from so many images.
_MOST_FITTED = 3_000


@dataclass(frozen=True)
class LabelDoubt:
    """What the other images say of each image's label.

    Attributes:
        probability: float32 (N, C), of each class, the image itself left out.
        cosine: float32 (N, C), to the mean of each class, the image itself left out.
        wrong: float64 (N,), the probability that the label is wrong; 0 where an image is alone in its class, for nobody
            can say.
        share: The estimated share of wrong labels.
    """

    probability: NDArray[np.float32]
    cosine: NDArray[np.float32]
    wrong: NDArray[np.float64]
    share: float


def doubt_labels(embeddings: Embeddings, labels: Labels, classes: int, seed: int = 0) -> LabelDoubt:
    """Look at the label of each image.

    Args:
        embeddings: float32 (N, D), unit rows, less what the collection has in common.
        labels: int64 (N,), 0 to C - 1.
        classes: C, at least 2.
        seed: Of more than 3,000 images, decides by which the two weights are fitted.

    Example:
        >>> rows = np.eye(4, dtype=np.float32)[np.arange(40) % 2]
        >>> labels = np.arange(40) % 2
        >>> labels[7] = 0
        >>> int(doubt_labels(rows, labels, 2).wrong.argmax())
        7
    """
    cosine = mean_cosines(embeddings, labels, classes)
    scores = [cosine, ridge_scores(embeddings, labels, classes)]
    scores = [score / max(float(score.std()), 1e-6) for score in scores]
    fitted = np.arange(len(labels))
    if len(labels) > _MOST_FITTED:
        fitted = np.random.default_rng(seed).choice(len(labels), _MOST_FITTED, replace=False)
    every, share = np.arange(len(labels)), _ASSUMED
    # How much the labels are to be believed and how many are wrong are known together.
    for _ in range(_REFITTED):
        weights = _fitted_weights([score[fitted] for score in scores], labels[fitted], classes, max(share, _FITTED_FOR))
        probability = _softmax(weights[0] * scores[0] + weights[1] * scores[1])
        wrong, share = _wrong(probability[every, labels].astype(np.float64), classes)
    wrong[np.bincount(labels, minlength=classes)[labels] < 2] = 0
    return LabelDoubt(probability, cosine, wrong, share)


def other_class(probability: NDArray[np.float32], labels: Labels) -> Labels:
    """The likeliest class of each image but its own, int64 (N,)."""
    others = probability.copy()
    others[np.arange(len(labels)), labels] = -1
    return np.asarray(others.argmax(axis=1), np.int64)


def _wrong(own: NDArray[np.float64], classes: int) -> tuple[NDArray[np.float64], float]:
    """The probability of each label to be wrong, and the share of wrong ones, by expectation and maximisation.

    Args:
        own: float64 (N,), the probability of the class that each image is said to be of.
        classes: Their number; a wrong label may be any other, each as likely.
    """
    share = _ASSUMED
    wrong = np.zeros_like(own)
    for _ in range(_ROUNDS):
        odds = share / (classes - 1) * (1 - own)
        wrong = odds / np.maximum((1 - share) * own + odds, 1e-300)
        share = float(np.clip(wrong.mean(), _LEAST, _MOST))
    return wrong, share


def _fitted_weights(
    scores: list[NDArray[np.float32]], labels: Labels, classes: int, share: float
) -> NDArray[np.float64]:
    """The weights of the likeliest labels, where a share of them is any class."""
    from scipy.optimize import minimize  # noqa: PLC0415 - an extra

    every = np.arange(len(labels))

    def loss(logarithms: NDArray[np.float64]) -> float:
        weights = np.exp(logarithms)
        own = _softmax(weights[0] * scores[0] + weights[1] * scores[1])[every, labels]
        return -float(np.log((1 - share) * own + share / classes).mean())

    corners = np.array([[0.0, 0.0], [0.7, 0.0], [0.0, 0.7]])
    options = {"maxiter": 150, "xatol": 0.02, "fatol": 1e-4, "initial_simplex": corners}
    found = minimize(loss, corners[0], method="Nelder-Mead", options=options, bounds=[(-9, 6)] * 2)
    return np.asarray(np.exp(found.x))


def _softmax(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
