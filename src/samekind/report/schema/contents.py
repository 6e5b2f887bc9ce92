"""Everything that a report says, as JSON: ``Report.model_json_schema()`` is its schema."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import Field, PrivateAttr

from samekind.errors import ArgumentError
from samekind.evaluation.results import Evaluation
from samekind.explain.explanation import Explanation
from samekind.progress import Progress
from samekind.report.schema.parts import Content, Curve, Difference, GroupReport, Number, Promise, Share
from samekind.system.paths import given_path

REPORT_FORMAT: Final = 2
Explain = Callable[..., Explanation]


class ClassReport(Content):
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


class ClassToClassReport(Content):
    """How much the rates of classes differ at one threshold (``evaluation.class_to_class``).

    Attributes:
        opis: The variance of the classes' utility, mean over the thresholds of the range; 0 if all are alike. Utility
            is the harmonic mean of TAR and 1 - FAR.
        worst_opis: The squared gap of utility between the worst tenth of classes and the others, mean over the range.
        lowest: The lowest threshold of the range, at a FAR of 10 %.
        highest: The highest, at a FAR of 1 %.
        worst: The names of the worst tenth of classes at ``balanced``, at least one; the worst first.
        worst_far: The mean of their false accept rates there.
        worst_tar: The mean of their true accept rates there.
        other_far: The mean of the false accept rates of the other classes.
        other_tar: The mean of the true accept rates of the other classes.
    """

    opis: Annotated[float, Field(ge=0.0, le=0.25)]
    worst_opis: Share
    lowest: float
    highest: float
    worst: tuple[str, ...]
    worst_far: Share
    worst_tar: Share
    other_far: Share
    other_tar: Share


class MistakeReport(Content):
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


class MistakesReport(Content):
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


class EmbeddingMap(Content):
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


class ModelReport(Content):
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


class ProtocolReport(Content):
    """The accuracy at ``balanced`` on ten draws of 32 pairs a class.

    Attributes:
        mean: The mean over the draws.
        smallest: The smallest of them.
        largest: The largest of them.
    """

    mean: float
    smallest: float
    largest: float


class Comparison(Content):
    """Another model on the same items.

    Attributes:
        model: The other.
        classes_seen: The classes of the images that it was trained on.
        pairs: The differences of each group, by the key of the metric.
        trios: The differences in judging trios.
        retrieval: The differences in looking images up.
        roc: The other model's curve for pairs, for each group.
        promised_on: For ``pairs`` and ``trios``, the pictures that the other's promises were measured on, in words.
        promises: Its promised and measured rates: for ``pairs`` and ``trios``, of each group, at its operating points.
    """

    model: ModelReport
    classes_seen: tuple[str, ...]
    pairs: dict[str, dict[str, Difference]]
    trios: dict[str, dict[str, Difference]]
    retrieval: dict[str, dict[str, Difference]]
    roc: dict[str, Curve]
    promised_on: dict[str, str] = Field(default_factory=dict)
    promises: dict[str, dict[str, dict[str, Promise]]] = Field(default_factory=dict)


class Report(Content):
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
        class_to_class: How much their rates differ at one threshold; null where a list does not say the classes.
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
    class_to_class: ClassToClassReport | None = None
    class_similarity: tuple[tuple[float, ...], ...]
    mistakes: MistakesReport
    protocol: ProtocolReport | None
    map: EmbeddingMap | None
    comparison: Comparison | None

    # What it was built from, as long as it is at hand: the map and AMI take libraries that nothing else here needs.
    _evaluation: Evaluation | None = PrivateAttr(default=None)
    # The model's own, as long as it is at hand: why the mistakes were made.
    _explain: Explain | None = PrivateAttr(default=None)

    def save(self, folder: str | os.PathLike[str], *, on_progress: Progress | None = None) -> Report:
        """Write the report into a folder: ``report.html``, ``report.json`` with its schema, and ``figures``.

        Args:
            folder: Made if it is missing. Files of an earlier report are replaced, others left alone.
            on_progress: Called with ("report", done, total).

        Returns:
            The report as written. Right after an evaluation it also has the map of the embeddings and how well clusters
            agree with the classes, and the page shows why the mistakes were made; a report that was read from JSON has
            what it had.

        Raises:
            MissingExtraError: The extra ``report`` is not installed.
            NotADirectoryError: The folder is a file.
        """
        from samekind.report.save import save_report  # noqa: PLC0415 - draws, with libraries of the extra `report`

        return save_report(
            self, given_path(folder, ArgumentError), self._evaluation, on_progress, explain=self._explain
        )

    def __eq__(self, other: object) -> bool:
        """Whether two reports say the same, whatever they were built from."""
        return self.__dict__ == other.__dict__ if isinstance(other, Report) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Report: {self.model.name} on {self.data}, {self.images:,} images>"

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The findings, the numbers and the notes as text of many lines, as ``samekind evaluate`` prints them."""
        from samekind.report.text import lines  # noqa: PLC0415 - reads this module's classes

        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        from samekind.report.overview import overview  # noqa: PLC0415 - only notebooks ask for it

        return overview(self)
