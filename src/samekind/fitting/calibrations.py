"""Fitting the calibrations and operating points of a card on held-out images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.sampling import sample_at_most, sample_trios
from samekind.errors import DatasetError
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import verdict_rates
from samekind.fitting.logistic import fit_logistic
from samekind.inference.similarity import Embeddings, similarity_matrix, trio_similarities
from samekind.model_file.calibration import (
    DEFAULT_OPERATING_POINT,
    MIN_ERRORS,
    PROMISED_FAR,
    MeasuredOn,
    OperatingPoint,
    PairCalibration,
    TrioCalibration,
    logistic,
)

_TRIOS = 20_000
# 4.5 million pairs are plenty, and a hundred thousand held-out images would make five thousand million.
MOST_IMAGES = 3_000


def fit_pair_calibration(
    embeddings: Embeddings, labels: NDArray[np.int64], description: str, *, min_errors: float = MIN_ERRORS
) -> PairCalibration:
    """Platt scaling of the cosine, and the operating points, over all pairs of held-out images.

    Where there are more than ``MOST_IMAGES``, over the pairs of that many of them.

    Platt, "Probabilistic outputs for support vector machines", 1999, with his smoothed targets: n images cannot show
    a probability beyond (n + 1) / (n + 2). Genuine and impostor pairs weigh the same in all.

    The rates of its operating points are those of the very images that it is fitted to; ``cross_fit`` measures better.

    Args:
        embeddings: float32 (N, D), unit rows, of images the network was not trained on.
        labels: int64 (N,).
        description: Where they come from, for the card.
        min_errors: A rate is promised only where so many false accepts stand behind it.

    Raises:
        DatasetError: There is no genuine or no impostor pair, or genuine pairs are not more alike than impostors.
    """
    embeddings, labels = _at_most(embeddings, labels)
    similarity, same = pair_items(embeddings, labels)
    return pair_calibration(similarity, same, _measured_on(description, labels, same), min_errors=min_errors)


def pair_calibration(
    similarity: NDArray[np.floating],
    same: NDArray[np.bool_],
    measured_on: MeasuredOn,
    *,
    min_errors: float = MIN_ERRORS,
    weight: NDArray[np.float64] | None = None,
) -> PairCalibration:
    """As ``fit_pair_calibration``, of pairs by their similarity (M,) and whether they share a class (M,).

    A weight (M,) says how many pairs each stands for. The rates of the operating points do not know of it.
    """
    (scale,), bias = _fit_logistic(similarity[:, None], same, measured_on.images, weight)
    # At a probability of one half both errors weigh the same.
    balanced = -bias / scale
    points = _operating_points(similarity, same, balanced, min_errors)
    return PairCalibration(scale=scale, bias=bias, operating_points=points, measured_on=measured_on)


def fit_trio_calibration(
    embeddings: Embeddings,
    labels: NDArray[np.int64],
    description: str,
    seed: int = 0,
    *,
    min_errors: float = MIN_ERRORS,
) -> TrioCalibration | None:
    """The logistic of the three sorted similarities, and its operating points, over a balanced sample of trios.

    Arguments and errors as ``fit_pair_calibration``.

    Returns:
        None if there are fewer than three classes: then any three images have two of a class.
    """
    classes = int(labels.max()) + 1
    if classes < 3:
        return None
    similarities, same = trio_items(embeddings, labels, seed)
    return trio_calibration(similarities, same, _measured_on(description, labels, same), min_errors=min_errors)


def trio_calibration(
    similarities: NDArray[np.floating],
    same: NDArray[np.bool_],
    measured_on: MeasuredOn,
    *,
    min_errors: float = MIN_ERRORS,
) -> TrioCalibration:
    """As ``fit_trio_calibration``, of trios by their similarities (M, 3) and whether two of each share a class (M,)."""
    sorted_similarities = -np.sort(-similarities, axis=1)
    weights, bias = _fit_logistic(sorted_similarities, same, measured_on.images)
    probability = logistic(sorted_similarities.astype(np.float64) @ np.array(weights) + bias)
    return TrioCalibration(
        weights=(weights[0], weights[1], weights[2]),
        bias=bias,
        operating_points=_operating_points(probability, same, 0.5, min_errors),
        measured_on=measured_on,
    )


def pair_items(embeddings: Embeddings, labels: NDArray[np.int64]) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The similarity (M,) of all pairs of images (of ``MOST_IMAGES`` at most), and whether they share a class (M,)."""
    embeddings, labels = _at_most(embeddings, labels)
    first, second = np.triu_indices(len(labels), 1)
    return similarity_matrix(embeddings, embeddings)[first, second], labels[first] == labels[second]


def trio_items(
    embeddings: Embeddings, labels: NDArray[np.int64], seed: int = 0, *, most: int = _TRIOS
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The similarities (M, 3) of a balanced sample of trios, and whether two of each share a class (M,).

    Raises:
        DatasetError: There are fewer than three classes.
    """
    trios = sample_at_most(sample_trios, labels, most, seed)
    return trio_similarities(*(embeddings[trios.images[:, i]] for i in range(3))), trios.same


def _at_most(embeddings: Embeddings, labels: NDArray[np.int64]) -> tuple[Embeddings, NDArray[np.int64]]:
    if len(labels) <= MOST_IMAGES:
        return embeddings, labels
    kept = np.sort(np.random.default_rng(0).choice(len(labels), MOST_IMAGES, replace=False))
    return embeddings[kept], labels[kept]


def _fit_logistic(
    features: NDArray[np.floating], same: NDArray[np.bool_], images: int, weight: NDArray[np.float64] | None = None
) -> tuple[list[float], float]:
    """Logistic regression with weights that are not negative; both answers weigh the same in all."""
    yes = int(same.sum())
    if yes == 0 or yes == len(same):
        raise DatasetError("calibration needs items of both answers")
    mass = np.where(same, 0.5 / yes, 0.5 / (len(same) - yes))
    if weight is not None:
        mass = np.where(same, 0.5 * weight / weight[same].sum(), 0.5 * weight / weight[~same].sum())
    target = np.where(same, (images + 1) / (images + 2), 1 / (images + 2))
    x = features.astype(np.float64)
    *weights, bias = fit_logistic(x, target, mass).tolist()
    # Not zero to the bit: a network that gives all images one embedding still rounds, and a fit enlarges that.
    gaps = [values[same].mean() - values[~same].mean() for values in (x.mean(axis=1), x @ np.array(weights))]
    if min(gaps) < 1e-6:
        raise DatasetError("genuine pairs are not more alike than impostor pairs; these embeddings cannot verify")
    return weights, bias


def _operating_points(
    scores: NDArray[np.floating], same: NDArray[np.bool_], balanced: float, min_errors: float
) -> dict[str, OperatingPoint]:
    points = {DEFAULT_OPERATING_POINT: balanced}
    ranked = Scores.of(scores, same)
    for name, far in PROMISED_FAR.items():
        threshold = ranked.threshold_at_far(far)
        # It is infinite if too many impostors share the highest score: only accepting nothing keeps the promise then.
        if (~same).sum() * far >= min_errors and np.isfinite(threshold):
            # A good model keeps the promise at balanced already; strict is never laxer than that.
            points[name] = max(balanced, threshold)
    measured = {}
    for name, threshold in points.items():
        measured_far, measured_tar = verdict_rates(scores >= threshold, same)
        measured[name] = OperatingPoint(threshold=threshold, far=measured_far, tar=measured_tar)
    return measured


def _measured_on(description: str, labels: NDArray[np.int64], same: NDArray[np.bool_]) -> MeasuredOn:
    return MeasuredOn(
        description=description,
        images=len(labels),
        classes=int(labels.max()) + 1,
        positives=int(same.sum()),
        negatives=int((~same).sum()),
    )
