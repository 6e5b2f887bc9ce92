"""Verification metrics of scores with known answers: error rates, AUC, EER, TAR at a FAR, calibration error.

Every function takes ``weights`` for its items, which is how the bootstrap resamples; scikit-learn is the oracle of the
tests. A score at or above the threshold means yes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError

Floats = NDArray[np.floating]
Answers = NDArray[np.bool_]


@dataclass(frozen=True)
class ErrorCurve:
    """The receiver operating characteristic: error rates at every threshold that makes a difference.

    Attributes:
        threshold: float64 (K,), falling; the first is infinite (all judged no).
        far: float64 (K,), rising from 0 to 1: the share of no items judged yes.
        tar: float64 (K,), rising from 0 to 1: the share of yes items judged yes.
    """

    threshold: NDArray[np.float64]
    far: NDArray[np.float64]
    tar: NDArray[np.float64]


@dataclass(frozen=True)
class EqualErrorRate:
    """The error rate where false accepts are as frequent as false rejects, and the threshold there."""

    rate: float
    threshold: float


def error_curve(scores: Floats, same: Answers, weights: Floats | None = None) -> ErrorCurve:
    """Error rates at every threshold.

    Args:
        scores: (N,), higher means yes more likely.
        same: bool (N,), the answers.
        weights: (N,), not negative; None weighs all alike.

    Raises:
        DatasetError: All answers are the same (or those of one answer weigh nothing), so that a rate is undefined.

    Example:
        >>> error_curve(np.array([0.9, 0.1]), np.array([True, False])).tar.tolist()
        [0.0, 1.0, 1.0]
    """
    order = np.argsort(-scores, kind="stable")
    descending = scores[order].astype(np.float64)
    mass = np.ones(len(scores)) if weights is None else weights[order].astype(np.float64)
    answers = same[order]
    yes, no = np.cumsum(mass * answers), np.cumsum(mass * ~answers)
    if not len(yes) or yes[-1] <= 0 or no[-1] <= 0:
        raise DatasetError("error rates need items of both answers")
    # Equal scores are judged together: only the last of a run is a threshold.
    last = np.flatnonzero(np.append(np.diff(descending) != 0, True))
    return ErrorCurve(
        np.append(np.inf, descending[last]),
        np.append(0.0, no[last] / no[-1]),
        np.append(0.0, yes[last] / yes[-1]),
    )


def area_under_curve(curve: ErrorCurve) -> float:
    """The area under the ROC curve: the chance that a yes item scores above a no item, ties counting half."""
    return float(np.diff(curve.far) @ (curve.tar[1:] + curve.tar[:-1]) / 2)  # NumPy 1 has no trapezoid


def curve_eer(curve: ErrorCurve) -> EqualErrorRate:
    """The equal error rate of a curve, by linear interpolation between its two neighbouring thresholds."""
    gap = curve.far + curve.tar - 1.0  # FAR - FRR, rising from -1 to 1
    above = int(np.argmax(gap >= 0))
    below = above - 1
    step = gap[above] - gap[below]
    share = -gap[below] / step
    rate = curve.far[below] + share * (curve.far[above] - curve.far[below])
    # The threshold of the all-no end is infinite and cannot be interpolated.
    start = curve.threshold[below] if below else curve.threshold[above]
    return EqualErrorRate(float(rate), float(start + share * (curve.threshold[above] - start)))


def equal_error_rate(scores: Floats, same: Answers, weights: Floats | None = None) -> EqualErrorRate:
    """The equal error rate of scores; arguments and errors as ``error_curve``.

    Example:
        >>> equal_error_rate(np.array([0.9, 0.2, 0.8, 0.1]), np.array([True, True, False, False])).rate
        0.5
    """
    return curve_eer(error_curve(scores, same, weights))


def curve_threshold_at_far(curve: ErrorCurve, far: float) -> tuple[float, float, float]:
    """The lowest threshold whose FAR is at most ``far``: (threshold, its FAR, its TAR)."""
    index = int(np.searchsorted(curve.far, far, side="right")) - 1
    return float(curve.threshold[index]), float(curve.far[index]), float(curve.tar[index])


def rates_at(
    scores: Floats | Answers, same: Answers, threshold: float, weights: Floats | None = None
) -> tuple[float, float]:
    """(FAR, TAR) of judging yes at or above a threshold."""
    mass = np.ones(len(scores)) if weights is None else weights
    accepted = scores >= threshold
    return (
        float((mass * accepted * ~same).sum() / (mass * ~same).sum()),
        float((mass * accepted * same).sum() / (mass * same).sum()),
    )


def accuracy(predicted: Answers, same: Answers, weights: Floats | None = None) -> float:
    """The share of right answers; NaN if the items weigh nothing."""
    mass = np.ones(len(same)) if weights is None else weights
    total = mass.sum()
    return float(mass @ (predicted == same) / total) if total else float("nan")


def expected_calibration_error(
    probability: Floats, same: Answers, weights: Floats | None = None, bins: int = 15
) -> float:
    """How far probabilities are from frequencies, on average: ECE with bins of equal width.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; here
    of the probability of yes, so a confident no counts like a confident yes.

    Args:
        probability: (N,), in [0, 1].
        same: bool (N,).
        weights: (N,) or None.
        bins: Number of bins over [0, 1].

    Example:
        >>> expected_calibration_error(np.array([0.5, 0.5]), np.array([True, False]))
        0.0
    """
    mass = np.ones(len(probability)) if weights is None else weights
    index = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gap = np.bincount(index, mass * (probability - same), minlength=bins)
    return float(np.abs(gap).sum() / mass.sum())
