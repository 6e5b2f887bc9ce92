"""What is measured of pairs and of trios: names of the field, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.scores import Floats, Probability, Scores
from samekind.evaluation.verification import area_under_curve, curve_eer, curve_threshold_at_far

# The false accept rates at which a true accept rate is given, and how many errors must stand behind one.
FARS = (0.1, 0.01, 0.001)
MIN_FALSE_ACCEPTS = 10
BEFORE = " before the link"

Metrics = dict[str, float]


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
) -> Callable[[Scores], Metrics]:
    """The metrics of a verification task, as a function of its scores. Yes and no weigh the same.

    Args:
        thresholds: By the names of the operating points; ``balanced`` is among them.
        probability: From score to P(yes), by the link.
        fars: At which false accept rates to give the true accept rate.
        before: What one would have to take for P(yes) without the link, if that is a function of the score.
    """

    def measure(scores: Scores) -> Metrics:
        curve = scores.curve()
        metrics = {"accuracy at balanced": balanced_accuracy(*scores.rates(thresholds["balanced"]))}
        metrics |= {"AUC": area_under_curve(curve), "EER": curve_eer(curve).rate}
        metrics |= {f"TAR at FAR {far:.1%}": curve_threshold_at_far(curve, far)[2] for far in fars}
        for when, link in (("", probability), (BEFORE, before)):
            if link is not None:
                found = scores.reliability(link)
                metrics |= {f"ECE{when}": found.ece, f"Brier{when}": found.brier, f"log loss{when}": found.log_loss}
        for name, threshold in thresholds.items():
            metrics |= rate_metrics(name, *scores.rates(threshold))
        return metrics

    return measure


def cosine_as_probability(similarity: Floats) -> NDArray[np.float64]:
    """(1 + cosine) / 2: what is read as a probability where there is no link."""
    return np.asarray((1.0 + np.asarray(similarity, np.float64)) / 2, np.float64)


def rate_metrics(point: str, far: float, tar: float) -> Metrics:
    """FAR, TAR (which is recall), precision and accuracy at an operating point, where yes and no are equally common."""
    accepted = far + tar
    return {
        f"FAR at {point}": far,
        f"TAR at {point}": tar,
        f"precision at {point}": tar / accepted if accepted > 0 else float("nan"),
        f"accuracy at {point}": balanced_accuracy(far, tar),
    }


def balanced_accuracy(far: float, tar: float) -> float:
    """The share of right answers where yes and no are equally common."""
    return (tar + 1.0 - far) / 2
