"""Measuring one model on one group of images: all of them, or those of classes it has or has not been trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import DEFAULT_OPERATING_POINT, pair_probability, trio_probability
from samekind.card import Card
from samekind.datasets.sampling import TRIO_COMPOSITIONS, sample_at_most, sample_trios
from samekind.evaluation.all_pairs import AllPairs
from samekind.evaluation.answers import ALIKE, NONE_ALIKE, Answered
from samekind.evaluation.bootstrap import Drawn, Resamples
from samekind.evaluation.cells import GENUINE, IMPOSTOR, Cells
from samekind.evaluation.metrics import cosine_as_probability, measurable_fars, verification_metrics
from samekind.evaluation.mistakes import Mistake, item_mistakes, pair_mistakes
from samekind.evaluation.retrieval import drawn_retrieval, retrieval
from samekind.evaluation.scores import Probability, Scores
from samekind.similarity import Embeddings, paired_similarity, trio_similarities

YES_TRIOS = (*TRIO_COMPOSITIONS[:-1], ALIKE)
# What the rule "any pair above the pair threshold" is compared by.
_NAIVE = ("accuracy at balanced", "AUC", "ECE", "Brier", "log loss")


@dataclass(frozen=True)
class Task:
    """What was measured of pairs, or of trios.

    Attributes:
        counts: How many items of each kind.
        metrics: By name.
        scores: The scores themselves.
        probability: From score to P(yes), by the link.
        before: The same without the link; for trios, by the pair link of the two most alike.
        scores_before: What ``before`` is a function of.
        thresholds: By operating point.
        mistakes: False accepts and false rejects at ``balanced``, the most confident first.
    """

    counts: dict[str, int]
    metrics: dict[str, Drawn]
    scores: Scores
    probability: Probability
    before: Probability
    scores_before: Scores
    thresholds: dict[str, float]
    mistakes: tuple[list[Mistake], list[Mistake]]


@dataclass(frozen=True)
class Group:
    """What was measured of one group of images.

    Attributes:
        name: ``all``, ``seen`` or ``unseen`` (classes that the model was trained on), or ``listed``.
        images: int64 (M,), their numbers among all images.
        classes: The names of their classes.
        whole_classes: Whether the intervals come from drawing whole classes.
        pairs: Of two images.
        trios: Of three; None with fewer than three classes, or a model that was calibrated for pairs only.
        retrieval: Measures by name.
    """

    name: str
    images: NDArray[np.int64]
    classes: tuple[str, ...]
    whole_classes: bool
    pairs: Task | None
    trios: Task | None
    retrieval: dict[str, Drawn] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """The images that are measured on, as one model sees them.

    Attributes:
        card: The model.
        embeddings: float32 (M, D).
        labels: int64 (M,).
        classes: By label.
        resamples: Of the images.
        seed: Decides samples of trios.
    """

    card: Card
    embeddings: Embeddings
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    resamples: Resamples
    seed: int

    def subset(self, images: NDArray[np.int64]) -> Sample:
        """Some of the images, their classes numbered anew."""
        used, labels = np.unique(self.labels[images], return_inverse=True)
        return Sample(
            self.card,
            self.embeddings[images],
            labels.astype(np.int64),
            tuple(self.classes[i] for i in used),
            self.resamples.subset(images),
            self.seed,
        )


def all_pairs_task(sample: Sample, on_progress: Callable[[int], None] | None = None) -> Task:
    """Verification over each two of the images.

    Raises:
        DatasetError: There are no pairs of one answer.
    """
    pairs = AllPairs(sample.embeddings, sample.labels)
    thresholds = _thresholds(sample.card)
    cells = Cells.of_all_pairs(pairs, sample.resamples, list(thresholds.values()), on_progress)
    return _pair_task(sample.card, cells, pair_mistakes(pairs, thresholds[DEFAULT_OPERATING_POINT]))


def listed_pairs_task(sample: Sample, listed: Answered) -> Task:
    """Verification over the pairs of a list, whose items are numbers of the images of ``sample``."""
    thresholds = _thresholds(sample.card)
    similarity = paired_similarity(*(sample.embeddings[listed.items[:, i]] for i in range(2)))
    cells = Cells.of_items(similarity, listed.kind, listed.items, sample.resamples, list(thresholds.values()))
    limit = thresholds[DEFAULT_OPERATING_POINT]
    return _pair_task(sample.card, cells, item_mistakes(listed.items, similarity, listed.same, limit))


def sampled_trios(labels: NDArray[np.int64], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """About ``count`` trios, half of them ABC: their images, int64 (N, 3), and compositions."""
    drawn = sample_at_most(sample_trios, labels, count, seed)
    return drawn.images, drawn.composition


def trios_task(sample: Sample, items: NDArray[np.int64], composition: NDArray[np.str_]) -> Task:
    """Verification over trios: the model's own rule, and beside it the rule "any pair above the pair threshold".

    Args:
        sample: The images; the model has a trio link.
        items: int64 (N, 3).
        composition: str (N,), one of ``TRIO_COMPOSITIONS``, or ``ALIKE``.

    Raises:
        DatasetError: There are no trios of one answer.
    """
    link = sample.card.trio
    assert link is not None
    thresholds = {name: point.threshold for name, point in link.operating_points.items()}
    similarities = trio_similarities(*(sample.embeddings[items[:, i]] for i in range(3)))
    probability = trio_probability(link, similarities)
    cells = Cells.of_items(probability, composition, items, sample.resamples, list(thresholds.values()))
    none_alike = int((composition == NONE_ALIKE).sum())
    measure = verification_metrics(thresholds, _as_it_is, measurable_fars(none_alike))
    metrics = cells.measure(measure, YES_TRIOS, (NONE_ALIKE,))
    limit = thresholds[DEFAULT_OPERATING_POINT]
    for name in (kind for kind in YES_TRIOS if kind in cells.kinds):
        recognised = cells.measure(lambda scores: {"TAR": scores.rates(limit)[1]}, (name,), (NONE_ALIKE,))
        metrics[f"accuracy on {name}"] = recognised["TAR"]
    right = cells.measure(lambda scores: {"": 1 - scores.rates(limit)[0]}, YES_TRIOS, (NONE_ALIKE,))
    metrics["accuracy on ABC"] = right[""]
    metrics["false alarms on ABC"] = metrics[f"FAR at {DEFAULT_OPERATING_POINT}"]
    most_alike = similarities.max(axis=1)
    by_pair = partial(pair_probability, sample.card.pair)
    pair_limit = _thresholds(sample.card)[DEFAULT_OPERATING_POINT]
    naive_cells = Cells.of_items(most_alike, composition, items, sample.resamples, [pair_limit])
    naive = naive_cells.measure(
        verification_metrics({DEFAULT_OPERATING_POINT: pair_limit}, by_pair, ()), YES_TRIOS, (NONE_ALIKE,)
    )
    metrics |= {f"naive rule: {name}": naive[name] for name in _NAIVE}
    metrics["naive rule: false alarms on ABC"] = naive[f"FAR at {DEFAULT_OPERATING_POINT}"]
    return Task(
        {name: len(cell.scores) for name, cell in cells.kinds.items()},
        metrics,
        cells.scores(YES_TRIOS, (NONE_ALIKE,)),
        _as_it_is,
        by_pair,
        naive_cells.scores(YES_TRIOS, (NONE_ALIKE,)),
        thresholds,
        item_mistakes(items, probability, composition != NONE_ALIKE, limit),
    )


def retrieval_metrics(sample: Sample) -> dict[str, Drawn]:
    """How good the nearest images are."""
    pairs = AllPairs(sample.embeddings, sample.labels)
    return drawn_retrieval(retrieval(pairs, sample.seed), sample.resamples)


def _pair_task(card: Card, cells: Cells, mistakes: tuple[list[Mistake], list[Mistake]]) -> Task:
    thresholds = _thresholds(card)
    probability = partial(pair_probability, card.pair)
    counts = {name: len(cells.kinds[name].scores) for name in (GENUINE, IMPOSTOR)}
    measure = verification_metrics(thresholds, probability, measurable_fars(counts[IMPOSTOR]), cosine_as_probability)
    scores = cells.scores((GENUINE,), (IMPOSTOR,))
    metrics = cells.measure(measure)
    return Task(counts, metrics, scores, probability, cosine_as_probability, scores, thresholds, mistakes)


def _thresholds(card: Card) -> dict[str, float]:
    points: Mapping[str, float] = {name: point.threshold for name, point in card.pair.operating_points.items()}
    return dict(points)


def _as_it_is(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(probability, np.float64)
