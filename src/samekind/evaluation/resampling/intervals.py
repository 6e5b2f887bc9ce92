"""A metric with its resamples, and the interval that they give."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import Interval

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drawn:
    """A measured value, and what it was in each resample.

    Attributes:
        value: The value of all items as they are.
        draws: float64 (B,), its values in the resamples; NaN where it was not defined.
        interval: How its interval is made.
        noise: float64 (S,), its values where only the noise of single items varies; None where that is not inflated.
        variance_inflation: How many times too much of the variance of ``noise`` is in that of ``draws``.
        effective_n: How many independent items there are at least, for the interval of a share.
    """

    value: float
    draws: Draws
    interval: Interval = Interval.PERCENTILE
    noise: Draws | None = None
    variance_inflation: float = 0.0
    effective_n: int = 1

    def estimate(self) -> Estimate:
        """The value with its 95 % interval.

        Of a share it is Wilson's interval (1927) for as many independent items as would give the variance of the
        resamples, as Korn and Graubard do for surveys ("Confidence intervals for proportions with small expected number
        of positive counts", 1998). So a rate of no errors seen has an upper end that is not zero. Of anything else it
        is the percentile interval (Efron and Tibshirani, 1993).
        """
        draws = self.draws[np.isfinite(self.draws)]
        if not len(draws) or not np.isfinite(self.value):
            return Estimate(self.value, float("nan"), float("nan"))
        variance = float(draws.var())
        narrower = self._narrower(variance)
        if self.interval is Interval.SHARE or (self.interval is Interval.SKEWED_SHARE and not variance > 0):
            return _wilson(self.value, narrower**2 * variance, self.effective_n)
        low, high = (float(end) for end in np.quantile(draws, [0.025, 0.975]))
        if self.interval is Interval.BIAS_CORRECTED:
            bias = float(draws.mean()) - self.value
            low, high = low - bias, high - bias
        low, high = (self.value + narrower * (end - self.value) for end in (low, high))
        if self.interval is Interval.BIAS_CORRECTED:
            low, high = max(0.0, low), max(0.0, high)
        return Estimate(self.value, low, high)

    def _narrower(self, variance: float) -> float:
        """By what factor the interval of a product of counts is to be shrunk towards the value."""
        # Of a metric that noise pushes up, draws in which only noise varies say too much of it.
        biased = self.interval is Interval.BIAS_CORRECTED
        if self.noise is None or biased or variance == 0 or not np.isfinite(self.noise).any():
            return 1.0
        noise = float(np.nanvar(self.noise)) / variance
        # Never narrower than if the items were independent.
        return float(np.sqrt(min(1.0, max(1.0 - self.variance_inflation * noise, noise))))

    def minus(self, other: Drawn) -> Drawn:
        """The difference of two metrics on the same items and resamples; no share, for it may be negative."""
        noise = None if self.noise is None or other.noise is None else self.noise - other.noise
        inflation = max(self.variance_inflation, other.variance_inflation)
        return Drawn(self.value - other.value, self.draws - other.draws, noise=noise, variance_inflation=inflation)


def _wilson(share: float, variance: float, fewest: int) -> Estimate:
    spread = share * (1 - share)
    items = max(1.0, spread / variance if variance > 0 and spread > 0 else float(fewest))
    z = NormalDist().inv_cdf(0.975)
    middle = (share + z * z / (2 * items)) / (1 + z * z / items)
    half = z * np.sqrt(spread / items + (z / (2 * items)) ** 2) / (1 + z * z / items)
    return Estimate(share, min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half))))
