"""What a threshold trades: false alarms against misses, from what the card has measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samekind.model_file.calibration import PairCalibration, TrioCalibration, logistic

# Rates nearer to 0 or 1 than this cannot be told apart on any held-out set we calibrate on.
_SMALLEST = 1e-4
_STEP = 0.01


@dataclass(frozen=True)
class Trade:
    """The error rates at one threshold.

    Attributes:
        threshold: The threshold itself, exact where a slider's position stands for a measured one.
        false_alarms: The share of items whose answer is no that would be judged yes.
        misses: The share of items whose answer is yes that would be judged no.
        measured_at: The name of the operating point, or None between them, where the rates are estimates.
    """

    threshold: float
    false_alarms: float
    misses: float
    measured_at: str | None


def slider_range(calibration: PairCalibration | TrioCalibration) -> tuple[float, float, float, float]:
    """Lowest and highest value, start and step of a slider for the thresholds of a calibration."""
    thresholds = [point.threshold for point in calibration.operating_points.values()]
    lowest = 0.0 if isinstance(calibration, TrioCalibration) else max(-1.0, min(0.0, min(thresholds) - 0.3))
    return round(lowest, 2), 1.0, round(calibration.balanced.threshold, 2), _STEP


def trade_at(calibration: PairCalibration | TrioCalibration, position: float) -> Trade:
    """The error rates at a slider's position.

    At an operating point they are the measured ones. Between them the log-odds of each rate are taken to change
    linearly with the threshold; beyond them they run towards the ends of the scale, where everything (or nothing) is
    judged yes.

    Args:
        calibration: The calibration of a card.
        position: A threshold, to the step of the slider.

    Example:
        >>> from samekind.recognizer import load
        >>> calibration = load().card.pair
        >>> trade_at(calibration, 1.0).misses > trade_at(calibration, 0.5).misses
        True
    """
    for name, point in calibration.operating_points.items():
        if abs(point.threshold - position) <= _STEP / 2:
            return Trade(point.threshold, point.far, 1 - point.tar, name)
    lowest = -1.0 if isinstance(calibration, PairCalibration) else 0.0
    knots = {lowest: (1.0, 0.0), 1.0 + _STEP: (0.0, 1.0)}
    knots |= {point.threshold: (point.far, 1 - point.tar) for point in calibration.operating_points.values()}
    thresholds = sorted(knots)
    rates = np.clip([knots[threshold] for threshold in thresholds], _SMALLEST, 1 - _SMALLEST)
    log_odds = np.log(rates / (1 - rates))
    false_alarms, misses = (
        float(logistic(np.interp(position, thresholds, log_odds[:, column]))) for column in range(2)
    )
    return Trade(position, false_alarms, misses, None)


def same_strictness(
    position: float,
    calibration: PairCalibration | TrioCalibration,
    context: PairCalibration | TrioCalibration,
) -> float:
    """The threshold in a context that is as strict as a slider's position is without one.

    An operating point stays that operating point; between two of them the threshold changes linearly.

    Args:
        position: A threshold of ``calibration``, to the step of the slider.
        calibration: The one that the slider was made for.
        context: The one that counts.

    Example:
        >>> from samekind.recognizer import load
        >>> calibration = load().card.pair
        >>> round(same_strictness(0.1, calibration, calibration), 6)
        0.1
    """
    lowest, highest, _, _ = slider_range(calibration)
    known = [
        (point.threshold, context.operating_points[name].threshold)
        for name, point in calibration.operating_points.items()
        if name in context.operating_points
    ]
    for before, after in known:
        if abs(before - position) <= _STEP / 2:
            return after
    ends = [(lowest, min([lowest, *(after for _, after in known)])), (highest, highest)]
    thresholds = sorted({*known, *ends})
    return float(np.interp(position, [before for before, _ in thresholds], [after for _, after in thresholds]))
