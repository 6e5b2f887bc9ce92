"""Scores of items with known answers, from a hundred to a hundred million: error rates, curve, calibration.

The same class holds single items and histograms of resampled items, so that a metric is written once. In the metrics
yes and no weigh the same in all, however many items of each there are: the prior that calibrations are fitted for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError
from samekind.evaluation.metrics.bins import at_least
from samekind.evaluation.metrics.curve import EqualErrorRate, ErrorCurve
from samekind.evaluation.metrics.reliability import BINS, Reliability

Floats = NDArray[np.floating]
Probability = Callable[[Floats], NDArray[np.float64]]

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
        below, total = self._mass_below(thresholds, above=above), self.total
        return np.asarray(1.0 - below / total if total > 0 else np.full(np.shape(below), np.nan), np.float64)

    def mass_from(self, thresholds: Floats) -> NDArray[np.float64]:
        """The mass at or above each threshold: the number of items where all weigh alike."""
        return np.asarray(self.total - self._mass_below(thresholds), np.float64)

    def _mass_below(self, thresholds: Floats, *, above: bool = False) -> NDArray[np.number]:
        # Searched in the type of the scores, or numpy would copy fifty million of them for each search.
        places = np.searchsorted(self.values, at_least(thresholds, self.values.dtype), "right" if above else "left")
        return places if self._below is None else self._below[places]

    def chunks(self) -> Iterator[tuple[Floats, NDArray[np.float64]]]:
        """(values, their shares of the mass), a million at a time."""
        for start in range(0, len(self.values), _CHUNK):
            part = slice(start, start + _CHUNK)
            mass = np.ones(len(self.values[part])) if self.mass is None else self.mass[part]
            yield self.values[part], mass / self.total


@dataclass(frozen=True)
class Scores:
    """Scores of yes items and of no items.

    Attributes:
        yes: The items whose answer is yes (genuine pairs).
        no: The others.

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

    def threshold_at_far(self, far: float) -> float:
        """The lowest score at which judging yes keeps the false accept rate at ``far`` or below.

        It is infinite where so many no items share the highest score that only accepting nothing keeps it.

        Raises:
            DatasetError: As ``check``.

        Example:
            >>> Scores.of(np.array([0.9, 0.6, 0.8, 0.1]), np.array([True, True, False, False])).threshold_at_far(0.5)
            0.6
        """
        self.check()
        rates = self.no.mass_from(self.no.values) / self.no.total
        breaking = self.no.values[rates > far][-1:]
        kept = [side.values[np.searchsorted(side.values, breaking.max(initial=-np.inf), "right") :] for side in
                (self.yes, self.no)]  # fmt: skip
        return float(min(values.min(initial=np.inf) for values in kept))

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


def equal_error_rate(scores: Floats, same: NDArray[np.bool_]) -> EqualErrorRate:
    """The equal error rate of scores (N,) with their answers (N,).

    Raises:
        DatasetError: All answers are the same.

    Example:
        >>> equal_error_rate(np.array([0.9, 0.2, 0.8, 0.1]), np.array([True, True, False, False])).rate
        0.5
    """
    return Scores.of(scores, same).curve().equal_error_rate()
