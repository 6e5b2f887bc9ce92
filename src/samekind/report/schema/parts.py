"""What a report says of one task and of one group of images, as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from samekind.evaluation.metrics.metric import Unit

Share = Annotated[float, Field(ge=0.0, le=1.0)]
# The matrix of so many has 90,000 entries, a megabyte of JSON; of ten thousand it would have a hundred million.
MOST_IN_MATRIX = 300


class Content(BaseModel):
    """A part of a report: it does not change, and has no fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(Content):
    """A measured value with its 95 % interval; null where it is not defined.

    Attributes:
        value: The value of the items as they are.
        low: The lower end of the interval.
        high: The upper end.
    """

    value: float | None
    low: float | None
    high: float | None


class MetricReport(Number):
    """A metric with its value.

    Attributes:
        label: The name for people.
        unit: How it is read: a ``share`` in per cent, an ``index`` that is 1 when all is right, or another ``score``.
    """

    label: str
    unit: Unit


class Difference(Content):
    """A metric of two models on the same items.

    Attributes:
        label: The name for people.
        unit: How it is read, as in ``MetricReport``.
        this: The value of the model that the report is about.
        other: The value of the other.
        difference: this - other, with the paired interval: both were measured on the same resamples.
        clear: Whether the interval leaves out zero.
    """

    label: str
    unit: Unit
    this: float | None
    other: float | None
    difference: Number
    clear: bool


class NotMeasured(Content):
    """A metric that the items are too few for.

    Attributes:
        label: The name for people.
        reason: Why it is not measured.
    """

    label: str
    reason: str


class Promise(Content):
    """What a model's card promises at an operating point, beside what was measured here.

    Attributes:
        far: The promised false accept rate.
        tar: The promised true accept rate.
        measured_far: The false accept rate here.
        measured_tar: The true accept rate here.
        held: Whether the FAR here is between half and twice the promise: ``kept``; ``higher`` or ``lower`` if it is
            not, and its whole interval is outside, too; else ``unclear``.
    """

    far: Share
    tar: Share
    measured_far: Number
    measured_tar: Number
    held: Literal["kept", "higher", "lower", "unclear"]


class Confusion(Content):
    """Counts of items at an operating point.

    Attributes:
        threshold: "Same" at or above it: a similarity for pairs, a probability for trios.
        true_accepts: Items that are the same, judged same.
        false_rejects: Items that are the same, judged different.
        false_accepts: Items that are different, judged same.
        true_rejects: Items that are different, judged different.
    """

    threshold: float
    true_accepts: int
    false_rejects: int
    false_accepts: int
    true_rejects: int


class Curve(Content):
    """The ROC curve: the same errors as 1 - tar make the DET curve.

    Attributes:
        far: Rising false accept rates.
        tar: The true accept rate at each.
    """

    far: tuple[Share, ...]
    tar: tuple[Share, ...]


class Histogram(Content):
    """How the scores of both kinds of items are spread.

    Attributes:
        edges: The edges of the bins, one more than there are bins.
        same: The share of the items whose answer is yes in each bin.
        different: The share of the others.
    """

    edges: tuple[float, ...]
    same: tuple[Share, ...]
    different: tuple[Share, ...]


class ReliabilityDiagram(Content):
    """How often the answer was yes where a probability was given; yes and no weigh the same in all.

    Attributes:
        share: The share of all items in each of 15 bins of equal width over [0, 1].
        probability: The mean probability in the bin; null if it is empty.
        frequency: How often the answer is yes there; null if it is empty.
    """

    share: tuple[Share, ...]
    probability: tuple[float | None, ...]
    frequency: tuple[float | None, ...]


class TaskReport(Content):
    """Verification of pairs, or of trios.

    Attributes:
        counts: How many items of each kind.
        metrics: The metrics by key.
        not_measured: The metrics that the items are too few for, by key.
        promised_on: The pictures that the promises were measured on, in words.
        promises: Promised and measured rates at each operating point; none in older reports.
        confusion: The counts at each operating point.
        roc: The curve.
        histogram: The spread of the scores: similarities for pairs, probabilities for trios.
        reliability: The reliability of the calibrated probability.
        reliability_before: The reliability without the calibration: of (1 + cosine) / 2 for pairs; for trios of the
            probability of the pair most alike.
    """

    counts: dict[str, int]
    metrics: dict[str, MetricReport]
    not_measured: dict[str, NotMeasured]
    promised_on: str = ""
    promises: dict[str, Promise] = Field(default_factory=dict)
    confusion: dict[str, Confusion]
    roc: Curve
    histogram: Histogram
    reliability: ReliabilityDiagram
    reliability_before: ReliabilityDiagram


class GroupReport(Content):
    """One group of images.

    Attributes:
        title: The group in words.
        images: How many images it has.
        classes: The names of the classes; none where a list does not say.
        intervals: In words, what was resampled.
        pairs: Verification of two images.
        trios: Verification of three; null with fewer than three classes, or for a model that was calibrated for pairs
            only.
        retrieval: The measures of looking each image up, by key.
        ami: Adjusted mutual information of k-means at the number of classes, with the classes; null if not asked for.
    """

    title: str
    images: int
    classes: tuple[str, ...]
    intervals: str
    pairs: TaskReport | None
    trios: TaskReport | None
    retrieval: dict[str, MetricReport]
    ami: MetricReport | None
