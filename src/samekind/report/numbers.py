"""Numbers as JSON has them, and as people read them: shares in per cent, each with its interval."""

from __future__ import annotations

import math

from samekind.evaluation.metrics.metric import Metric, Unit
from samekind.evaluation.resampling.intervals import Drawn, Estimate
from samekind.report.schema.parts import Difference, MetricReport, Number

NOT_DEFINED = "not defined"
# What became of the promise of an operating point.
HELD = {
    "kept": "kept",
    "higher": "higher than promised",
    "lower": "lower than promised",
    "unclear": "too few items to tell",
}


def number(estimate: Estimate) -> Number:
    """An estimate as JSON has it, which knows no NaN."""
    return Number(value=finite(estimate.value), low=finite(estimate.low), high=finite(estimate.high))


def metric_report(metric: Metric, drawn: Drawn) -> MetricReport:
    """A metric with its value, interval, label and unit."""
    return MetricReport(label=metric.label, unit=metric.unit, **number(drawn.estimate()).model_dump())


def finite(value: float) -> float | None:
    """A number as JSON has it: None for NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def shown(number: Number | None) -> str:
    """A number with its interval; one without a unit is a share.

    Example:
        >>> shown(Number(value=0.0123, low=0.009, high=0.0167))
        '1.23 % (0.90 to 1.67)'
    """
    if number is None or number.value is None:
        return NOT_DEFINED
    unit = number.unit if isinstance(number, MetricReport) else Unit.SHARE
    scale, sign, digits = {Unit.SHARE: (100, " %", 2), Unit.INDEX: (1, "", 4), Unit.SCORE: (1, "", 3)}[unit]
    value = f"{scale * number.value:.{digits}f}{sign}"
    if number.low is None or number.high is None:
        return value
    return f"{value} ({scale * number.low:.{digits}f} to {scale * number.high:.{digits}f})"


def shown_difference(found: Difference) -> str:
    """A difference with its sign; of shares in percentage points."""
    number = found.difference
    if number.value is None or number.low is None or number.high is None:
        return NOT_DEFINED
    scale, points, digits = (100, " points", 2) if found.unit is Unit.SHARE else (1, "", 4)
    low, high = (f"{scale * end:+.{digits}f}" for end in (number.low, number.high))
    return f"{scale * number.value:+.{digits}f}{points} ({low} to {high})"
