"""From similarities to probabilities: applying the calibrations of a card (``fitting`` fits them)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from samekind.errors import NotCalibratedError, OperatingPointError
from samekind.model_file.card import Card, PairCalibration, TrioCalibration

Floats = NDArray[np.float64]

DEFAULT_OPERATING_POINT = "balanced"
# Those that promise a false accept rate. Each is left out where fewer errors than this would stand behind it.
PROMISED_FAR: Mapping[str, float] = {"strict": 0.01, "very_strict": 0.001}
MIN_ERRORS = 10


def logistic(score: Floats) -> Floats:
    """1 / (1 + exp(-score)), without overflow.

    Example:
        >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.exp(-np.logaddexp(0.0, -score))


def pair_probability(calibration: PairCalibration, similarity: NDArray[np.floating]) -> Floats:
    """P(same class) for each similarity.

    Args:
        calibration: That of a card for pairs.
        similarity: (N,) or scalar, in [-1, 1].

    Returns:
        float64, the shape of ``similarity``, in [0, 1].
    """
    return logistic(calibration.scale * np.asarray(similarity, np.float64) + calibration.bias)


def trio_probability(calibration: TrioCalibration, similarities: NDArray[np.floating]) -> Floats:
    """P(at least two of three share a class) for each trio.

    Args:
        calibration: That of a card for trios.
        similarities: (N, 3), the similarities of the three pairs of each trio, in any order.

    Returns:
        float64 (N,), in [0, 1]; the same to the bit for every order of the three.
    """
    descending = -np.sort(-np.asarray(similarities, np.float64), axis=1)
    # One product at a time: a matrix product may sum in an order that depends on the batch.
    first, second, third = (descending[:, i] * calibration.weights[i] for i in range(3))
    return logistic(first + second + third + calibration.bias)


def pair_calibration_of(card: Card) -> PairCalibration:
    """The calibration for pairs.

    Raises:
        NotCalibratedError: Nobody has calibrated the model; the message says how that is done.
    """
    if card.pair is None:
        raise NotCalibratedError(card.name, adaptable=card.domains is not None)
    return card.pair


def trio_calibration_of(card: Card) -> TrioCalibration:
    """The calibration for trios.

    Raises:
        NotCalibratedError: Nobody has calibrated the model.
        OperatingPointError: It was calibrated for pairs only.
    """
    if card.trio is None:
        pair_calibration_of(card)
        raise OperatingPointError(f"{card.name}: calibrated for pairs only, on fewer than three classes")
    return card.trio


def choose_threshold(
    calibration: PairCalibration | TrioCalibration, operating_point: str | None, threshold: float | None
) -> tuple[str | None, float]:
    """The threshold to judge at, by name or as a number; with neither, that of ``balanced``.

    Args:
        calibration: That of a card: its thresholds are similarities for pairs, probabilities for trios.
        operating_point: A name, or None.
        threshold: A number, or None.

    Returns:
        The name (None for a number) and the threshold.

    Raises:
        OperatingPointError: The model has none of that name, both were given, or the number is out of range.
    """
    if threshold is None:
        name = DEFAULT_OPERATING_POINT if operating_point is None else operating_point
        if name not in calibration.operating_points:
            raise OperatingPointError(_why_missing(calibration, name))
        return name, calibration.operating_points[name].threshold
    if operating_point is not None:
        raise OperatingPointError("give an operating point or a threshold, not both")
    scale, lowest = ("similarity", -1.0) if isinstance(calibration, PairCalibration) else ("probability", 0.0)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.integer | np.floating):
        raise OperatingPointError(
            f"the threshold is a number, a {scale} from {lowest:g} to 1, and its name is an operating point; "
            f"got {threshold!r}"
        )
    if not lowest <= threshold <= 1.0:  # NaN is in no range
        raise OperatingPointError(f"the threshold is a {scale}, from {lowest:g} to 1; got {threshold:g}")
    return None, float(threshold)


def _why_missing(calibration: PairCalibration | TrioCalibration, name: str) -> str:
    known = ", ".join(calibration.operating_points)
    message = f"no operating point {name!r}; this model has {known}"
    if name not in PROMISED_FAR:
        close = get_close_matches(str(name), calibration.operating_points, 1)
        return f"{message}. Did you mean {close[0]}?" if close else message
    items = "pairs" if isinstance(calibration, PairCalibration) else "trios"
    needed, had = math.ceil(MIN_ERRORS / PROMISED_FAR[name]), calibration.measured_on.negatives
    why = (
        f"it was calibrated with {had:,} {items} of different kinds, and a rate of {100 * PROMISED_FAR[name]:g} % "
        f"takes at least {needed:,}; `samekind calibrate MODEL IMAGES` with more images gives it"
        if had < needed
        else f"too many {items} of different kinds are as alike as can be to it; calibrate it on other images, with "
        "`samekind calibrate MODEL IMAGES`"
    )
    return f"{message}: {why}"
