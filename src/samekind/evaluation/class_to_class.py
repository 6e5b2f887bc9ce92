"""One threshold for all classes: how much its error rates vary from class to class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.bins import at_least
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.resampling.all_pairs import AllPairs

# The thresholds that people choose from: those that let one in ten to one in a hundred impostor pairs pass.
LAXEST_FAR, STRICTEST_FAR = 0.1, 0.01
# The classes that are named as the worst, and set against the others.
WORST = 0.1
_THRESHOLDS = 50


@dataclass(frozen=True, eq=False)
class ClassToClass:
    """How much the rates of classes differ at one threshold.

    Attributes:
        opis: The operating-point-inconsistency score (OPIS): the variance of the classes' utility, in [0, 0.25], mean
            over the thresholds from ``lowest`` to ``highest``.
        worst_opis: Its sibling for the worst tenth (0.1-OPIS): the squared gap between the mean utility of the worst
            tenth of classes and that of the others, in [0, 1], mean over the same thresholds.
        lowest: The lowest threshold of the range, at a FAR of 10 %.
        highest: The highest, at a FAR of 1 %.
        utility: float64 (C,), the utility of each class at the threshold in use.
        worst: int64 (W,), the worst tenth of classes there, at least one; the worst first.
    """

    opis: float
    worst_opis: float
    lowest: float
    highest: float
    utility: NDArray[np.float64]
    worst: NDArray[np.int64]


def class_to_class(pairs: AllPairs, scores: Scores, threshold: float) -> ClassToClass:
    """Measure how much one threshold means different things for different classes.

    The idea and the names are those of Zhang et al., "Threshold-Consistent Margin Loss for Open-World Deep Metric
    Learning", ICLR 2024. What is computed here, with U(c, t) for the utility of class c at threshold t:

    * U(c, t) = 2 · TAR · (1 - FAR) / (TAR + 1 - FAR), 0 where both are 0. TAR is over the genuine pairs of c, FAR over
      the pairs of an image of c with one of another class; all images, and both images of a pair, count alike.
    * ``opis`` = mean over t of the variance over c of U(c, t), each class weighing the same (divided by the number of
      classes, not by one less).
    * ``worst_opis`` = mean over t of (mean of U over the worst tenth of classes at t, less its mean over the others)².
    * t runs over 50 similarities, evenly spaced from the one at a FAR of 10 % to the one at 1 %; so a mean over t is
      the integral over similarities, divided by the width of the range.

    This was written from the paper's description and never compared with its authors' code: set these numbers beside
    others of samekind, not beside published ones.

    Args:
        pairs: The images; each class has at least two.
        scores: The similarities of all of these pairs; they decide the range of thresholds.
        threshold: The one in use, at which classes are ranked.
    """
    ends = [scores.threshold_at_far(far) for far in (LAXEST_FAR, STRICTEST_FAR)]
    # Where too many impostors share the highest score no threshold keeps the rate; the highest score is the nearest.
    lowest, highest = (min(end, float(max(scores.yes.values[-1], scores.no.values[-1]))) for end in ends)
    thresholds = np.linspace(lowest, highest, _THRESHOLDS)
    far, tar = class_rates(pairs, np.append(thresholds, threshold))
    utility = harmonic_mean(1 - far, tar)
    ranked, here = np.sort(utility[:-1], axis=1), utility[-1]
    count = worst_count(len(here))
    gap = ranked[:, count:].mean(axis=1) - ranked[:, :count].mean(axis=1)
    return ClassToClass(
        opis=float(ranked.var(axis=1).mean()),
        worst_opis=float((gap**2).mean()),
        lowest=lowest,
        highest=highest,
        utility=here,
        worst=np.argsort(here, kind="stable")[:count].astype(np.int64),
    )


def worst_count(classes: int) -> int:
    """A tenth of the classes, rounded up; there are at least two classes, so others remain.

    Example:
        >>> worst_count(81), worst_count(2)
        (9, 1)
    """
    return int(np.ceil(WORST * classes))


def harmonic_mean(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The harmonic mean of each two numbers in [0, 1]; 0 where both are.

    Example:
        >>> harmonic_mean(np.array([1.0, 0.0]), np.array([0.5, 0.0])).round(3).tolist()
        [0.667, 0.0]
    """
    total = first + second
    return np.asarray(2 * first * second / np.where(total > 0, total, 1.0), np.float64)


def class_rates(pairs: AllPairs, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FAR and TAR of each class at each threshold, float64 (T, C) each.

    Args:
        pairs: The images; each class has at least two.
        thresholds: (T,), in any order.
    """
    order = np.argsort(thresholds)
    edges = at_least(thresholds[order], np.dtype(np.float32))
    bins, sizes = len(edges) + 1, np.bincount(pairs.labels)
    counts = np.zeros((2, len(sizes), bins))  # impostor, genuine; by how many of the thresholds a pair reaches
    for start, block in pairs.blocks():
        for i, row in enumerate(block, start):
            reached = np.searchsorted(edges, row, "right")
            genuine = pairs.labels == pairs.labels[i]
            counts[0, pairs.labels[i]] += np.bincount(reached[~genuine], minlength=bins)
            genuine[i] = False
            counts[1, pairs.labels[i]] += np.bincount(reached[genuine], minlength=bins)
    accepted = counts[:, :, ::-1].cumsum(axis=2)[:, :, -2::-1] / counts.sum(axis=2, keepdims=True)
    rates = np.empty((2, len(thresholds), len(sizes)))
    rates[:, order] = accepted.transpose(0, 2, 1)
    return rates[0], rates[1]
