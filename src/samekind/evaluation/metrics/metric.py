"""Metrics as values: the key that machines read, the label that people read, the unit, and how its interval is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Unit(StrEnum):
    """How a number is read.

    Attributes:
        SHARE: A share of items, in [0, 1]; people read it in per cent.
        INDEX: A number that is 1 when all is right and that is read with four digits, such as an area under a curve.
        SCORE: Another number without a unit, such as an error of probabilities.
    """

    SHARE = "share"
    INDEX = "index"
    SCORE = "score"


class Interval(Enum):
    """How the interval of a metric is made from its resamples (``resampling.intervals`` does it).

    Attributes:
        SHARE: Wilson's, for as many independent items as would give the variance of the resamples.
        SKEWED_SHARE: Percentiles, because resamples are too lopsided for their variance to say much, as where a low
            error rate decides; Wilson's only where all resamples are alike.
        PERCENTILE: Percentiles of the resamples.
        BIAS_CORRECTED: Percentiles moved down by the bias seen: noise can only push the metric up, and a resample is
            noisier than the sample.
    """

    SHARE = "share"
    SKEWED_SHARE = "skewed share"
    PERCENTILE = "percentile"
    BIAS_CORRECTED = "bias corrected"


@dataclass(frozen=True)
class Metric:
    """Something that can be measured. Metrics of one key are equal.

    Attributes:
        key: The name in JSON and on a card, such as ``far@balanced``. ``@`` is followed by where it is measured.
        label: The name for people.
        unit: How the number is read.
        interval: How its interval is made.

    Example:
        >>> tar_at_far(0.01).key, far_at("balanced").label
        ('tar@far=0.01', 'FAR at balanced')
    """

    key: str
    label: str = field(compare=False)
    unit: Unit = field(default=Unit.SHARE, compare=False)
    interval: Interval = field(default=Interval.SHARE, compare=False)


AUC = Metric("auc", "AUC", Unit.INDEX)
EER = Metric("eer", "EER")
ECE = Metric("ece", "ECE", Unit.SCORE, Interval.BIAS_CORRECTED)
BRIER = Metric("brier", "Brier", Unit.SCORE, Interval.PERCENTILE)
LOG_LOSS = Metric("log_loss", "log loss", Unit.SCORE, Interval.PERCENTILE)
R_PRECISION = Metric("r_precision", "R-precision", Unit.SCORE)
MAP_AT_R = Metric("map@r", "MAP@R", Unit.SCORE)
AMI = Metric("ami", "AMI", Unit.INDEX, Interval.PERCENTILE)


def accuracy_at(point: str) -> Metric:
    """The share of right answers at an operating point, yes and no weighing the same."""
    return Metric(f"accuracy@{point}", f"accuracy at {point}")


def far_at(point: str) -> Metric:
    """The false accept rate at an operating point."""
    return Metric(f"far@{point}", f"FAR at {point}")


def tar_at(point: str) -> Metric:
    """The true accept rate at an operating point."""
    return Metric(f"tar@{point}", f"TAR at {point}")


def precision_at(point: str) -> Metric:
    """The share of right answers among all yes at an operating point, where yes and no are equally common."""
    return Metric(f"precision@{point}", f"precision at {point}")


def tar_at_far(far: float) -> Metric:
    """The true accept rate at the lowest threshold that keeps a false accept rate."""
    return Metric(f"tar@far={far:g}", f"TAR at FAR {far:.1%}", interval=Interval.SKEWED_SHARE)


def recall_at(k: int) -> Metric:
    """The share of queries with an image of their class among the ``k`` nearest."""
    return Metric(f"recall@{k}", f"recall@{k}")


def accuracy_on(composition: str) -> Metric:
    """The share of right answers on trios of a composition, at ``balanced``."""
    return Metric(f"accuracy@kind={composition}", f"accuracy on {composition}")


def false_alarms_on(composition: str) -> Metric:
    """The share of trios of a composition, no two of them alike, that are said to hold two of a kind."""
    return Metric(f"false_alarms@kind={composition}", f"false alarms on {composition}")


def uncalibrated(metric: Metric) -> Metric:
    """The metric of what one would have to take for P(yes) without a calibration."""
    return Metric(f"uncalibrated.{metric.key}", f"{metric.label} before calibration", metric.unit, metric.interval)


def naive(metric: Metric) -> Metric:
    """The metric of the rule for trios "any pair above the pair threshold"."""
    return Metric(f"naive.{metric.key}", f"naive rule: {metric.label}", metric.unit, metric.interval)
