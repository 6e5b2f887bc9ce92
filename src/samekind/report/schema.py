"""What a report says, as JSON: ``Report.model_json_schema()`` is its schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from samekind.evaluation.metrics.metric import Unit
from samekind.evaluation.results import Evaluation
from samekind.progress import Progress

REPORT_FORMAT: Final = 2

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(_Content):
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


class Difference(_Content):
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


class NotMeasured(_Content):
    """A metric that the items are too few for.

    Attributes:
        label: The name for people.
        reason: Why it is not measured.
    """

    label: str
    reason: str


class Confusion(_Content):
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


class Curve(_Content):
    """The ROC curve: the same errors as 1 - tar make the DET curve.

    Attributes:
        far: Rising false accept rates.
        tar: The true accept rate at each.
    """

    far: tuple[Share, ...]
    tar: tuple[Share, ...]


class Histogram(_Content):
    """How the scores of both kinds of items are spread.

    Attributes:
        edges: The edges of the bins, one more than there are bins.
        same: The share of the items whose answer is yes in each bin.
        different: The share of the others.
    """

    edges: tuple[float, ...]
    same: tuple[Share, ...]
    different: tuple[Share, ...]


class ReliabilityDiagram(_Content):
    """How often the answer was yes where a probability was given; yes and no weigh the same in all.

    Attributes:
        share: The share of all items in each of 15 bins of equal width over [0, 1].
        probability: The mean probability in the bin; null if it is empty.
        frequency: How often the answer is yes there; null if it is empty.
    """

    share: tuple[Share, ...]
    probability: tuple[float | None, ...]
    frequency: tuple[float | None, ...]


class TaskReport(_Content):
    """Verification of pairs, or of trios.

    Attributes:
        counts: How many items of each kind.
        metrics: The metrics by key.
        not_measured: The metrics that the items are too few for, by key.
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
    confusion: dict[str, Confusion]
    roc: Curve
    histogram: Histogram
    reliability: ReliabilityDiagram
    reliability_before: ReliabilityDiagram


class GroupReport(_Content):
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


class ClassReport(_Content):
    """One class, at ``balanced``, with intervals over its images.

    Attributes:
        name: The name of the class.
        seen: Whether the model was trained on it.
        images: How many.
        tar: The share of its genuine pairs that are recognised.
        far: The share of pairs with another class that are taken for the same.
        closest: The class most like it, by mean similarity.
        similarity: The mean similarity to that class.
        within: The mean similarity of two of its own images.
    """

    name: str
    seen: bool
    images: int
    tar: Number
    far: Number
    closest: str
    similarity: float
    within: float


class MistakeReport(_Content):
    """An item that is judged wrongly at ``balanced``.

    Attributes:
        images: The paths.
        classes: Their classes; none where a list does not say.
        score: The similarity of a pair, the probability of a trio.
        probability: P(yes).
    """

    images: tuple[str, ...]
    classes: tuple[str, ...]
    score: float
    probability: Share


class MistakesReport(_Content):
    """The most confident mistakes; each image comes once in a list.

    Attributes:
        pairs_taken_for_same: Pairs of different classes.
        pairs_taken_for_different: Pairs of one class.
        trios_taken_for_alike: Trios no two of which are of a class.
        trios_taken_for_none_alike: Trios at least two of which are of a class.
    """

    pairs_taken_for_same: tuple[MistakeReport, ...]
    pairs_taken_for_different: tuple[MistakeReport, ...]
    trios_taken_for_alike: tuple[MistakeReport, ...]
    trios_taken_for_none_alike: tuple[MistakeReport, ...]


class EmbeddingMap(_Content):
    """The embeddings laid out in a plane.

    Attributes:
        method: In words.
        images: The number of each image shown, in the order of the data.
        x: Where it is.
        y: Where it is.
        classes: The class of each.
    """

    method: str
    images: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    classes: tuple[str, ...]


class ModelReport(_Content):
    """Whose verdicts were measured.

    Attributes:
        name: The name on its card.
        fingerprint: The fingerprint on its card.
        trained_on: In words.
        pretraining: In words, what the starting weights had seen.
    """

    name: str
    fingerprint: str
    trained_on: str
    pretraining: str


class ProtocolReport(_Content):
    """The accuracy at ``balanced`` on ten draws of 32 pairs a class.

    Attributes:
        mean: The mean over the draws.
        smallest: The smallest of them.
        largest: The largest of them.
    """

    mean: float
    smallest: float
    largest: float


class Comparison(_Content):
    """Another model on the same items.

    Attributes:
        model: The other.
        classes_seen: The classes of the images that it was trained on.
        pairs: The differences of each group, by the key of the metric.
        trios: The differences in judging trios.
        retrieval: The differences in looking images up.
        roc: The other model's curve for pairs, for each group.
    """

    model: ModelReport
    classes_seen: tuple[str, ...]
    pairs: dict[str, dict[str, Difference]]
    trios: dict[str, dict[str, Difference]]
    retrieval: dict[str, dict[str, Difference]]
    roc: dict[str, Curve]


class Report(_Content):
    """Everything that an evaluation found.

    Attributes:
        format_version: 2: metrics have keys, labels and units; in format 1 they were named by their labels.
        samekind_version: The version of the samekind that measured.
        model: What was measured.
        data: What it was measured on.
        images: Readable images.
        unreadable: Messages about the others.
        copies: How many files were left out because their class has another with the same bytes.
        in_two_classes: Files with the same bytes that lie in different classes.
        left_out: How many images were left out, because all pairs are taken of so many only.
        classes_left_out: How many classes are among them as a whole.
        listed: The lists that items came from.
        classes_seen: Classes that the model was trained on.
        classes_unseen: The others.
        summary: The findings, for a reader who has never heard of embeddings.
        notes: What to know before trusting them.
        resamples: How many resamples are behind the intervals; of them at most 100 are behind those of retrieval, and
            at most 200 behind that of ``ami``.
        seed: The seed of the bootstrap and the samples.
        groups: The first is all that there is; ``seen`` and ``unseen`` are parts of it.
        classes: Each class by itself.
        class_similarity: The mean similarity of two different images, for each two of ``classes``; empty if these are
            more than 300.
        mistakes: The most confident ones.
        protocol: Null if the images are too few for it.
        map: Null if not asked for.
        comparison: Null without another model.

    Example:
        >>> Report.model_json_schema()["title"]
        'Report'
    """

    format_version: Literal[2]
    samekind_version: str
    model: ModelReport
    data: str
    images: int
    unreadable: tuple[str, ...]
    copies: int
    in_two_classes: tuple[tuple[str, ...], ...]
    left_out: int
    classes_left_out: int
    listed: tuple[str, ...]
    classes_seen: tuple[str, ...]
    classes_unseen: tuple[str, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...]
    resamples: int
    seed: int
    groups: dict[str, GroupReport]
    classes: tuple[ClassReport, ...]
    class_similarity: tuple[tuple[float, ...], ...]
    mistakes: MistakesReport
    protocol: ProtocolReport | None
    map: EmbeddingMap | None
    comparison: Comparison | None

    # What it was built from, as long as it is at hand: the map and AMI take libraries that nothing else here needs.
    _evaluation: Evaluation | None = PrivateAttr(default=None)

    def save(self, folder: str | os.PathLike[str], *, on_progress: Progress | None = None) -> Report:
        """Write the report into a folder: ``report.html``, ``report.json`` with its schema, and ``figures``.

        Args:
            folder: Made if it is missing. Files of an earlier report are replaced, others left alone.
            on_progress: Called with ("report", done, total).

        Returns:
            The report as written. Right after an evaluation it also has the map of the embeddings and how well clusters
            agree with the classes; a report that was read from JSON has what it had.

        Raises:
            MissingExtraError: The extra ``report`` is not installed.
            NotADirectoryError: The folder is a file.
        """
        from samekind.report.save import save_report  # noqa: PLC0415 - draws, with libraries of the extra `report`

        return save_report(self, Path(folder), self._evaluation, on_progress)

    def __eq__(self, other: object) -> bool:
        """Whether two reports say the same, whatever they were built from."""
        return self.__dict__ == other.__dict__ if isinstance(other, Report) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Report: {self.model.name} on {self.data}, {self.images:,} images>"

    def text(self) -> str:
        """The findings, the numbers and the notes as text of many lines, as ``samekind evaluate`` prints them."""
        from samekind.report.text import lines  # noqa: PLC0415 - reads this module's classes

        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        from samekind.report.overview import overview  # noqa: PLC0415 - only notebooks ask for it

        return overview(self)
