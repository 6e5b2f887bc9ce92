"""What is measured of pairs and of trios, in the order in which people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import (
    AUC,
    BRIER,
    ECE,
    EER,
    LOG_LOSS,
    Metric,
    accuracy_at,
    far_at,
    precision_at,
    tar_at,
    tar_at_far,
    uncalibrated,
)
from samekind.evaluation.metrics.scores import Floats, Probability, Scores
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT

# The false accept rates at which a true accept rate is given, and how many errors must stand behind one.
FARS = (0.1, 0.01, 0.001)
MIN_FALSE_ACCEPTS = 10

Values = dict[Metric, float]


def measurable_fars(impostors: int) -> tuple[float, ...]:
    """Those of ``FARS`` that are measured with so many impostor items: 1 in 1,000 needs ten thousand.

    Example:
        >>> measurable_fars(5_000)
        (0.1, 0.01)
    """
    return tuple(far for far in FARS if round(impostors * far, 6) >= MIN_FALSE_ACCEPTS)


def verification_metrics(
    thresholds: Mapping[str, float],
    probability: Probability,
    fars: tuple[float, ...],
    before: Probability | None = None,
) -> Callable[[Scores], Values]:
    """The metrics of a verification task, as a function of its scores. Yes and no weigh the same.

    Args:
        thresholds: By the names of the operating points; ``balanced`` is among them.
        probability: From score to P(yes), by the calibration.
        fars: At which false accept rates to give the true accept rate.
        before: What one would have to take for P(yes) without a calibration, if that is a function of the score.
    """

    def measure(scores: Scores) -> Values:
        curve = scores.curve()
        rates = scores.rates(thresholds[DEFAULT_OPERATING_POINT])
        values: Values = {accuracy_at(DEFAULT_OPERATING_POINT): balanced_accuracy(*rates)}
        values |= {AUC: curve.area, EER: curve.equal_error_rate().rate}
        values |= {tar_at_far(far): curve.tar_at_far(far) for far in fars}
        values |= _calibration(scores, probability)
        if before is not None:
            values |= {uncalibrated(metric): value for metric, value in _calibration(scores, before).items()}
        for name, threshold in thresholds.items():
            values |= rate_metrics(name, *scores.rates(threshold))
        return values

    return measure


def _calibration(scores: Scores, probability: Probability) -> Values:
    found = scores.reliability(probability)
    return {ECE: found.ece, BRIER: found.brier, LOG_LOSS: found.log_loss}


def cosine_as_probability(similarity: Floats) -> NDArray[np.float64]:
    """(1 + cosine) / 2: what is read as a probability where there is no calibration."""
    return np.asarray((1.0 + np.asarray(similarity, np.float64)) / 2, np.float64)


def as_it_is(probability: Floats) -> NDArray[np.float64]:
    """The probability of a score that is one."""
    return np.asarray(probability, np.float64)


def rate_metrics(point: str, far: float, tar: float) -> Values:
    """FAR, TAR (which is recall), precision and accuracy at an operating point, where yes and no are equally common."""
    accepted = far + tar
    return {
        far_at(point): far,
        tar_at(point): tar,
        precision_at(point): tar / accepted if accepted > 0 else float("nan"),
        accuracy_at(point): balanced_accuracy(far, tar),
    }


def balanced_accuracy(far: float, tar: float) -> float:
    """The share of right answers where yes and no are equally common."""
    return (tar + 1.0 - far) / 2


def verdict_rates(accepted: NDArray[np.bool_], same: NDArray[np.bool_]) -> tuple[float, float]:
    """(FAR, TAR) of verdicts (N,) on items with their answers (N,), however each was judged.

    Example:
        >>> verdict_rates(np.array([True, False, True]), np.array([True, True, False]))
        (1.0, 0.5)
    """
    return float(accepted[~same].mean()), float(accepted[same].mean())
