"""Scores of items with known answers, from a hundred to a hundred million: error rates, curve, calibration.

The same class holds single items and histograms of resampled items, so that a metric is written once. In the metrics
yes and no weigh the same in all, however many items of each there are: the prior that the links are fitted for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError
from samekind.evaluation.verification import ErrorCurve

Floats = NDArray[np.floating]
Probability = Callable[[Floats], NDArray[np.float64]]

BINS = 15  # of the reliability diagram, as in Guo and others, "On calibration of modern neural networks", ICML 2017
_CHUNK = 1 << 20
# scikit-learn's bound, so that a sure and wrong answer costs much, but not all.
_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Side:
    """The scores of all items of one answer.

    Attributes:
        values: (N,), ascending.
        mass: float64 (N,), how much each weighs; None weighs all alike.
    """

    values: Floats
    mass: NDArray[np.float64] | None = None

    @cached_property
    def _below(self) -> NDArray[np.float64] | None:
        """The mass before each place, and all of it at the end."""
        return None if self.mass is None else np.concatenate(([0.0], np.cumsum(self.mass)))

    @property
    def total(self) -> float:
        """The mass of all items."""
        return float(len(self.values) if self._below is None else self._below[-1])

    def share_from(self, thresholds: Floats, *, above: bool = False) -> NDArray[np.float64]:
        """The share of the mass at or above each threshold; with ``above``, only above it."""
        # Searched in the type of the scores, or numpy would copy fifty million of them for each search.
        places = np.searchsorted(self.values, at_least(thresholds, self.values.dtype), "right" if above else "left")
        below = places if self._below is None else self._below[places]
        total = self.total
        return np.asarray(1.0 - below / total if total > 0 else np.full(np.shape(below), np.nan), np.float64)

    def chunks(self) -> Iterator[tuple[Floats, NDArray[np.float64]]]:
        """(values, their shares of the mass), a million at a time."""
        for start in range(0, len(self.values), _CHUNK):
            part = slice(start, start + _CHUNK)
            mass = np.ones(len(self.values[part])) if self.mass is None else self.mass[part]
            yield self.values[part], mass / self.total


@dataclass(frozen=True)
class Reliability:
    """How often the answer was yes where a probability was given, in bins of equal width over [0, 1].

    Attributes:
        share: float64 (BINS,), the share of all items in each bin.
        probability: float64 (BINS,), the mean probability there; NaN in an empty bin.
        frequency: float64 (BINS,), the share of them whose answer is yes; NaN in an empty bin.
        brier: The mean squared distance of probability and answer (Brier, 1950).
        log_loss: The mean negative logarithm of the probability of the answer.
    """

    share: NDArray[np.float64]
    probability: NDArray[np.float64]
    frequency: NDArray[np.float64]
    brier: float
    log_loss: float

    @property
    def ece(self) -> float:
        """Expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015), of the probability of yes."""
        filled = self.share > 0
        return float(self.share[filled] @ np.abs(self.probability - self.frequency)[filled])


@dataclass(frozen=True)
class Scores:
    """Scores of yes items and of no items.

    Attributes:
        yes: Of the items whose answer is yes (genuine pairs).
        no: Of the others.

    Example:
        >>> scores = Scores.of(np.array([0.9, 0.2, 0.8, 0.1]), np.array([True, True, False, False]))
        >>> scores.rates(0.5)
        (0.5, 0.5)
    """

    yes: Side
    no: Side

    @classmethod
    def of(cls, scores: Floats, same: NDArray[np.bool_]) -> Scores:
        """From the scores (N,) and answers (N,) of items."""
        return cls(Side(np.sort(scores[same])), Side(np.sort(scores[~same])))

    def check(self) -> None:
        """Make sure that rates are defined.

        Raises:
            DatasetError: There are no items of one answer, or they weigh nothing.
        """
        if not (self.yes.total > 0 and self.no.total > 0):
            raise DatasetError("error rates need items of both answers")

    def rates(self, threshold: float) -> tuple[float, float]:
        """(FAR, TAR) of judging yes at or above a threshold."""
        at = np.array([threshold])
        return float(self.no.share_from(at)[0]), float(self.yes.share_from(at)[0])

    def curve(self) -> ErrorCurve:
        """The ROC curve by its corners: exact, and only as long as there are different yes scores.

        Between two yes scores only the FAR changes, so the curve is level there and no corner is lost.

        Raises:
            DatasetError: As ``check``.
        """
        self.check()
        values = self.yes.values
        if self.yes.mass is not None:
            values = values[self.yes.mass > 0]
        distinct = values[np.append(True, np.diff(values) > 0)][::-1]
        corners = len(distinct) * 2
        threshold, far, tar = (np.empty(corners + 2) for _ in range(3))
        threshold[1:-1:2] = np.nextafter(distinct, np.array(np.inf, distinct.dtype))
        threshold[2:-1:2] = distinct
        for rates, side in ((far, self.no), (tar, self.yes)):
            rates[1:-1:2] = side.share_from(distinct, above=True)
            rates[2:-1:2] = side.share_from(distinct)
        threshold[0], far[0], tar[0] = np.inf, 0.0, 0.0
        threshold[-1], far[-1], tar[-1] = -np.inf, 1.0, 1.0
        return ErrorCurve(threshold, far, tar)

    def reliability(self, probability: Probability) -> Reliability:
        """The calibration of a probability of yes, which is a function of the score."""
        mass, sums, yes, brier, log_loss = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS), 0.0, 0.0
        for side, answer in ((self.yes, 1.0), (self.no, 0.0)):
            for values, share in side.chunks():
                p = probability(values)
                weight = share / 2  # each answer weighs one half
                index = np.minimum((p * BINS).astype(np.int64), BINS - 1)
                here = np.bincount(index, weight, BINS)
                mass += here
                sums += np.bincount(index, weight * p, BINS)
                yes += answer * here
                brier += float(weight @ (p - answer) ** 2)
                of_answer = p if answer else 1.0 - p
                log_loss -= float(weight @ np.log(np.clip(of_answer, _SMALLEST, 1.0 - _SMALLEST)))
        with np.errstate(invalid="ignore"):
            return Reliability(mass, sums / mass, yes / mass, brier, log_loss)


def at_least(thresholds: Floats, kind: np.dtype[np.floating]) -> Floats:
    """The lowest values of a type that are not below the thresholds: nothing of that type lies between."""
    rounded = thresholds.astype(kind)
    return np.where(rounded < thresholds, np.nextafter(rounded, np.array(np.inf, kind)), rounded)


def bin_edges(scores: Sequence[Floats], thresholds: Sequence[float], most: int = 1_000) -> Floats:
    """Lower edges of bins over scores, such that a metric of the bins is as good as one of the scores.

    Each of ``scores`` is cut at ``most`` places of equal rank, and ever finer towards both ends, where low error rates
    are decided; where it has no more different values than that, each has a bin of its own. A threshold is an edge, so
    rates at it are exact.

    Args:
        scores: Ascending arrays, such as those of genuine and of impostor pairs.
        thresholds: Where rates are wanted.
        most: How many places.

    Returns:
        Ascending, distinct, of the type of the scores; the first is not above any score.
    """
    kind = scores[0].dtype
    edges = [at_least(np.asarray(thresholds, np.float64), kind)]
    for values in scores:
        last = max(len(values) - 1, 0)
        even = np.linspace(0, last, min(most, len(values)))
        towards = np.geomspace(1, max(last, 1), most // 4)
        ranks = np.unique(np.concatenate([even, towards, last - towards]).round().astype(np.int64).clip(0, last))
        edges.append(values[ranks] if len(values) else values)
    return np.unique(np.concatenate(edges))


def bin_of(scores: Floats, edges: Floats) -> NDArray[np.int64]:
    """The number of each score's bin."""
    return np.asarray(np.searchsorted(edges, scores, "right") - 1, np.int64)


def bin_values(scores: Sequence[Floats], edges: Floats) -> NDArray[np.float64]:
    """One score to stand for each bin: the mean of those in it, which lies in the bin; of an empty one its edge."""
    count, total = np.zeros(len(edges)), np.zeros(len(edges))
    for values in scores:
        index = bin_of(values, edges)
        count += np.bincount(index, minlength=len(edges))
        total += np.bincount(index, values, len(edges))
    lower = edges.astype(np.float64)
    mean = np.divide(total, count, out=lower.copy(), where=count > 0)
    upper = np.append(np.nextafter(lower[1:], -np.inf), np.inf)
    return np.clip(mean, lower, upper)
