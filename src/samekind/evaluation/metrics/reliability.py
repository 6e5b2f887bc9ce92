"""How right probabilities are: the reliability diagram, and the errors that sum it up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the diagram, as in Guo and others, "On calibration of modern neural networks", ICML 2017


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
        """Expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015), of the probability of yes.

        A confident no counts like a confident yes.
        """
        filled = self.share > 0
        return float(self.share[filled] @ np.abs(self.probability - self.frequency)[filled])
