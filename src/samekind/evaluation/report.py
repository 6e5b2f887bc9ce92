"""What a report says, as JSON: ``Report.model_json_schema()`` is its schema."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

REPORT_FORMAT: Final = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(_Part):
    """A measured value with its 95 % interval; null where it is not defined.

    Attributes:
        value: Of the items as they are.
        low: The lower end of the interval.
        high: The upper end.
    """

    value: float | None
    low: float | None
    high: float | None


class Difference(_Part):
    """A metric of two models on the same items.

    Attributes:
        this: Of the model that the report is about.
        other: Of the other.
        difference: this - other, with the paired interval: both were measured on the same resamples.
        clear: Whether the interval leaves out zero.
    """

    this: float | None
    other: float | None
    difference: Number
    clear: bool


class Confusion(_Part):
    """Counts of items at an operating point.

    Attributes:
        threshold: "Same" at or above it: a similarity for pairs, a probability for trios.
        true_accepts: Same, judged same.
        false_rejects: Same, judged different.
        false_accepts: Different, judged same.
        true_rejects: Different, judged different.
    """

    threshold: float
    true_accepts: int
    false_rejects: int
    false_accepts: int
    true_rejects: int


class Curve(_Part):
    """The ROC curve: the same errors as 1 - tar make the DET curve.

    Attributes:
        far: Rising false accept rates.
        tar: The true accept rate at each.
    """

    far: tuple[Share, ...]
    tar: tuple[Share, ...]


class Histogram(_Part):
    """How the scores of both kinds of items are spread.

    Attributes:
        edges: Of the bins, one more than there are bins.
        same: The share of the items whose answer is yes in each bin.
        different: The share of the others.
    """

    edges: tuple[float, ...]
    same: tuple[Share, ...]
    different: tuple[Share, ...]


class ReliabilityDiagram(_Part):
    """How often the answer was yes where a probability was given; yes and no weigh the same in all.

    Attributes:
        share: Of all items, in each of 15 bins of equal width over [0, 1].
        probability: The mean probability in the bin; null if it is empty.
        frequency: How often the answer is yes there; null if it is empty.
    """

    share: tuple[Share, ...]
    probability: tuple[float | None, ...]
    frequency: tuple[float | None, ...]


class Task(_Part):
    """Verification of pairs, or of trios.

    Attributes:
        counts: How many items of each kind.
        metrics: By name.
        not_measured: Metrics that the items are too few for, each with the reason.
        confusion: By operating point.
        roc: The curve.
        histogram: Of similarities for pairs, of probabilities for trios.
        reliability: Of the calibrated probability.
        reliability_before: Without the link: (1 + cosine) / 2 for pairs; for trios the probability of the pair most
            alike.
    """

    counts: dict[str, int]
    metrics: dict[str, Number]
    not_measured: dict[str, str]
    confusion: dict[str, Confusion]
    roc: Curve
    histogram: Histogram
    reliability: ReliabilityDiagram
    reliability_before: ReliabilityDiagram


class Group(_Part):
    """One group of images.

    Attributes:
        title: In words.
        images: How many.
        classes: Their names; none where a list does not say.
        intervals: In words, what was resampled.
        pairs: Of two images.
        trios: Of three; null with fewer than three classes, or for a model that was calibrated for pairs only.
        retrieval: Measures by name, recall@1 and so on.
        ami: Adjusted mutual information of k-means at the number of classes, with the classes; null if not asked for.
    """

    title: str
    images: int
    classes: tuple[str, ...]
    intervals: str
    pairs: Task | None
    trios: Task | None
    retrieval: dict[str, Number]
    ami: Number | None


class ClassReport(_Part):
    """One class, at ``balanced``, with intervals over its images.

    Attributes:
        name: Of the class.
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


class Mistake(_Part):
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


class Mistakes(_Part):
    """The most confident mistakes; each image comes once in a list.

    Attributes:
        pairs_taken_for_same: Of different classes.
        pairs_taken_for_different: Of one class.
        trios_taken_for_alike: No two of a class.
        trios_taken_for_none_alike: At least two of a class.
    """

    pairs_taken_for_same: tuple[Mistake, ...]
    pairs_taken_for_different: tuple[Mistake, ...]
    trios_taken_for_alike: tuple[Mistake, ...]
    trios_taken_for_none_alike: tuple[Mistake, ...]


class EmbeddingMap(_Part):
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


class Model(_Part):
    """Whose verdicts were measured.

    Attributes:
        name: From its card.
        fingerprint: From its card.
        trained_on: In words.
        pretraining: In words, what the starting weights had seen.
    """

    name: str
    fingerprint: str
    trained_on: str
    pretraining: str


class Protocol(_Part):
    """The accuracy at ``balanced`` on ten draws of 32 pairs a class.

    Attributes:
        mean: Over the draws.
        smallest: Of them.
        largest: Of them.
    """

    mean: float
    smallest: float
    largest: float


class Comparison(_Part):
    """Another model on the same items.

    Attributes:
        model: The other.
        classes_seen: Of the classes of the images, those that it was trained on.
        pairs: Differences by metric, for each group.
        trios: Likewise.
        retrieval: Likewise.
        roc: The other model's curve for pairs, for each group.
    """

    model: Model
    classes_seen: tuple[str, ...]
    pairs: dict[str, dict[str, Difference]]
    trios: dict[str, dict[str, Difference]]
    retrieval: dict[str, dict[str, Difference]]
    roc: dict[str, Curve]


class Report(_Part):
    """Everything that an evaluation found.

    Attributes:
        format_version: 1.
        samekind_version: Of the samekind that measured.
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
        resamples: Of the bootstrap behind the intervals; of them at most 100 are behind those of retrieval, and at most
            200 behind that of ``ami``.
        seed: Of the bootstrap and the samples.
        groups: The first is all that there is; ``seen`` and ``unseen`` are parts of it.
        classes: Each class by itself.
        class_similarity: The mean similarity of two different images, for each two of ``classes``; empty if these are
            more than 300.
        mistakes: The most confident ones.
        protocol: Null if the images are too few for it.
        map: Null if not asked for.
        comparison: Null without another model.
    """

    format_version: Literal[1]
    samekind_version: str
    model: Model
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
    groups: dict[str, Group]
    classes: tuple[ClassReport, ...]
    class_similarity: tuple[tuple[float, ...], ...]
    mistakes: Mistakes
    protocol: Protocol | None
    map: EmbeddingMap | None
    comparison: Comparison | None
