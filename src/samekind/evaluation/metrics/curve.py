"""The receiver operating characteristic, and what is read off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EqualErrorRate:
    """The error rate where false accepts are as frequent as false rejects, and the threshold there."""

    rate: float
    threshold: float


@dataclass(frozen=True)
class ErrorCurve:
    """Error rates at the thresholds that make a difference.

    Attributes:
        threshold: float64 (K,), falling; the first is infinite (all judged no).
        far: float64 (K,), rising from 0 to 1: the share of no items judged yes.
        tar: float64 (K,), rising from 0 to 1: the share of yes items judged yes.

    Example:
        >>> curve = ErrorCurve(np.array([np.inf, 0.9, 0.1]), np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
        >>> curve.area, curve.equal_error_rate().rate, curve.tar_at_far(0.5)
        (1.0, 0.0, 1.0)
    """

    threshold: NDArray[np.float64]
    far: NDArray[np.float64]
    tar: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve (AUC): the chance that a yes item scores above a no item, ties counting half."""
        return float(np.diff(self.far) @ (self.tar[1:] + self.tar[:-1]) / 2)  # NumPy 1 has no trapezoid

    def equal_error_rate(self) -> EqualErrorRate:
        """The equal error rate, by linear interpolation between its two neighbouring thresholds."""
        gap = self.far + self.tar - 1.0  # FAR - FRR, rising from -1 to 1
        above = int(np.argmax(gap >= 0))
        below = above - 1
        share = -gap[below] / (gap[above] - gap[below])
        rate = self.far[below] + share * (self.far[above] - self.far[below])
        # The threshold of the all-no end is infinite and cannot be interpolated.
        start = self.threshold[below] if below else self.threshold[above]
        return EqualErrorRate(float(rate), float(start + share * (self.threshold[above] - start)))

    def tar_at_far(self, far: float) -> float:
        """The true accept rate at the lowest threshold whose false accept rate is at most ``far``."""
        return float(self.tar[int(np.searchsorted(self.far, far, side="right")) - 1])
