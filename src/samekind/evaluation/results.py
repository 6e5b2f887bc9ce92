"""What was measured, in memory: of one task, of one group of images, of one model, of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import Metric
from samekind.evaluation.metrics.scores import Probability, Scores
from samekind.evaluation.mistakes import Mistake
from samekind.evaluation.protocol import ProtocolAccuracy
from samekind.evaluation.resampling.intervals import Drawn, Estimate
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card


@dataclass(frozen=True)
class TaskResult:
    """What was measured of pairs, or of trios.

    Attributes:
        counts: How many items of each kind.
        metrics: The value of each metric, with its resamples.
        scores: The scores themselves.
        probability: P(yes) as a function of the score, by the calibration.
        before: P(yes) without the calibration; for trios, by the pair calibration of the two most alike.
        scores_before: What ``before`` is a function of.
        thresholds: The threshold of each operating point.
        mistakes: False accepts and false rejects at ``balanced``, the most confident first.
    """

    counts: dict[str, int]
    metrics: dict[Metric, Drawn]
    scores: Scores
    probability: Probability
    before: Probability
    scores_before: Scores
    thresholds: dict[str, float]
    mistakes: tuple[list[Mistake], list[Mistake]]


@dataclass(frozen=True)
class GroupResult:
    """What was measured of one group of images.

    Attributes:
        name: ``all``, ``seen`` or ``unseen`` (classes that the model was trained on), or ``listed``.
        images: int64 (M,), their numbers among all images.
        classes: The names of their classes.
        whole_classes: Whether the intervals come from drawing whole classes.
        pairs: What was measured of pairs.
        trios: What was measured of trios; None with fewer than three classes, or a model that was calibrated for pairs
            only.
        retrieval: The measures of looking each image up among the others.
    """

    name: str
    images: NDArray[np.int64]
    classes: tuple[str, ...]
    whole_classes: bool
    pairs: TaskResult | None
    trios: TaskResult | None
    retrieval: dict[Metric, Drawn] = field(default_factory=dict)

    @property
    def measured(self) -> dict[str, dict[Metric, Drawn]]:
        """The metrics of each task that was measured: ``pairs``, ``trios``, ``retrieval``."""
        found = {name: task.metrics for name, task in (("pairs", self.pairs), ("trios", self.trios)) if task}
        return found | ({"retrieval": self.retrieval} if self.retrieval else {})


@dataclass(frozen=True)
class ModelResult:
    """What one model was found to do.

    Attributes:
        card: The model's card.
        embeddings: float32 (M, D), the embeddings of all images.
        classes_seen: The names of the classes that it was trained on, of those of the images.
        groups: The groups by name; the first is all that there is, others are parts of it.
        protocol: The accuracy at ``balanced`` on test pairs as the protocol draws them; None if the images are too few.
    """

    card: Card
    embeddings: Embeddings
    classes_seen: tuple[str, ...]
    groups: dict[str, GroupResult]
    protocol: ProtocolAccuracy | None


@dataclass(frozen=True)
class Evaluation:
    """What ``measure`` found.

    Attributes:
        data: The folder, manifest or list.
        paths: The M readable images.
        labels: int64 (M,), their classes; all 0 where a list does not say.
        classes: The names of the classes.
        unreadable: Messages about the others.
        copies: How many files were left out because their class has another with the same bytes.
        in_two_classes: Files with the same bytes that lie in different classes.
        left_out: How many images were left out because there are more than the most that all pairs are taken of.
        classes_left_out: How many classes are among them as a whole, because even two images of each are too many.
        classes_seen: The names of those that the model was trained on; groups are told apart by them.
        listed: The lists that items came from.
        resamples: How many resamples are behind the intervals.
        seed: The seed of the bootstrap and of samples.
        judged: What the model was found to do.
        other: What another model was found to do on the same items and resamples, or None.
    """

    data: str
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    unreadable: tuple[str, ...]
    copies: int
    in_two_classes: tuple[tuple[Path, ...], ...]
    left_out: int
    classes_left_out: int
    classes_seen: tuple[str, ...]
    listed: tuple[str, ...]
    resamples: int
    seed: int
    judged: ModelResult
    other: ModelResult | None

    @property
    def of_listed_items(self) -> bool:
        """Whether items came from lists only, so that the classes of the images are not known."""
        return "listed" in self.judged.groups

    @property
    def whole(self) -> GroupResult:
        """The group of all images."""
        return next(iter(self.judged.groups.values()))


def estimates(drawn: Mapping[Metric, Drawn]) -> dict[Metric, Estimate]:
    """The values of metrics with their intervals."""
    return {metric: found.estimate() for metric, found in drawn.items()}
