"""Measuring one model on one group of images: all of them, or those of classes it has or has not been trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.sampling import GENUINE, IMPOSTOR, TRIO_COMPOSITIONS, sample_at_most, sample_trios
from samekind.evaluation.listed_items import ALIKE, NONE_ALIKE, ListedItems
from samekind.evaluation.metrics.metric import (
    AUC,
    BRIER,
    ECE,
    LOG_LOSS,
    Metric,
    accuracy_at,
    accuracy_on,
    false_alarms_on,
    far_at,
    naive,
)
from samekind.evaluation.metrics.retrieval import Ranking
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import (
    as_it_is,
    cosine_as_probability,
    measurable_fars,
    verification_metrics,
)
from samekind.evaluation.mistakes import Mistake, item_mistakes, pair_mistakes
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import Resamples
from samekind.evaluation.resampling.cells import Cells
from samekind.evaluation.resampling.intervals import Drawn
from samekind.evaluation.results import TaskResult
from samekind.inference.similarity import Embeddings, paired_similarity, trio_similarities
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT, pair_probability, trio_probability
from samekind.model_file.card import Card, pair_calibration_of

YES_TRIOS = (*TRIO_COMPOSITIONS[:-1], ALIKE)
# What the rule "any pair above the pair threshold" is compared by.
COMPARED_WITH_NAIVE = (accuracy_at(DEFAULT_OPERATING_POINT), AUC, ECE, BRIER, LOG_LOSS)


@dataclass(frozen=True)
class Sample:
    """The images that are measured on, as one model sees them.

    Attributes:
        card: The model's card.
        embeddings: float32 (M, D).
        labels: int64 (M,).
        classes: The name of each label.
        resamples: Resamples of the images.
        seed: The seed of samples of trios.
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


def all_pairs_task(sample: Sample, on_progress: Callable[[int], None] | None = None) -> TaskResult:
    """Verification over each two of the images.

    Raises:
        DatasetError: There are no pairs of one answer.
    """
    pairs = AllPairs(sample.embeddings, sample.labels)
    thresholds = _thresholds(sample.card)
    cells = Cells.of_all_pairs(pairs, sample.resamples, list(thresholds.values()), on_progress)
    return _pair_task(sample.card, cells, pair_mistakes(pairs, thresholds[DEFAULT_OPERATING_POINT]))


def listed_pairs_task(sample: Sample, listed: ListedItems) -> TaskResult:
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


def trios_task(sample: Sample, items: NDArray[np.int64], composition: NDArray[np.str_]) -> TaskResult:
    """Verification over trios: the model's own rule, and beside it the rule "any pair above the pair threshold".

    Args:
        sample: The images; the model is calibrated for trios.
        items: int64 (N, 3).
        composition: str (N,), one of ``TRIO_COMPOSITIONS``, or ``ALIKE``.

    Raises:
        DatasetError: There are no trios of one answer.
    """
    calibration = sample.card.trio
    assert calibration is not None
    thresholds = {name: point.threshold for name, point in calibration.operating_points.items()}
    similarities = trio_similarities(*(sample.embeddings[items[:, i]] for i in range(3)))
    probability = trio_probability(calibration, similarities)
    cells = Cells.of_items(probability, composition, items, sample.resamples, list(thresholds.values()))
    none_alike = int((composition == NONE_ALIKE).sum())
    measure = verification_metrics(thresholds, as_it_is, measurable_fars(none_alike))
    metrics = cells.measure(measure, YES_TRIOS, (NONE_ALIKE,))
    limit = thresholds[DEFAULT_OPERATING_POINT]
    metrics |= _by_composition(cells, limit)
    metrics[false_alarms_on(NONE_ALIKE)] = metrics[far_at(DEFAULT_OPERATING_POINT)]
    by_pair = partial(pair_probability, pair_calibration_of(sample.card))
    naive_cells, pair_limit = _naive_cells(sample, similarities.max(axis=1), items, composition)
    naive_measure = verification_metrics({DEFAULT_OPERATING_POINT: pair_limit}, by_pair, ())
    beside = naive_cells.measure(naive_measure, YES_TRIOS, (NONE_ALIKE,))
    metrics |= {naive(metric): beside[metric] for metric in COMPARED_WITH_NAIVE}
    metrics[naive(false_alarms_on(NONE_ALIKE))] = beside[far_at(DEFAULT_OPERATING_POINT)]
    return TaskResult(
        {name: len(cell.scores) for name, cell in cells.kinds.items()},
        metrics,
        cells.scores(YES_TRIOS, (NONE_ALIKE,)),
        as_it_is,
        by_pair,
        naive_cells.scores(YES_TRIOS, (NONE_ALIKE,)),
        thresholds,
        item_mistakes(items, probability, composition != NONE_ALIKE, limit),
    )


def _by_composition(cells: Cells, limit: float) -> dict[Metric, Drawn]:
    """How often the answer is right on trios of each composition."""

    def accuracy(composition: str, scores: Scores) -> dict[Metric, float]:
        far, tar = scores.rates(limit)
        return {accuracy_on(composition): 1 - far if composition == NONE_ALIKE else tar}

    found: dict[Metric, Drawn] = {}
    for name in (kind for kind in YES_TRIOS if kind in cells.kinds):
        found |= cells.measure(partial(accuracy, name), (name,), (NONE_ALIKE,))
    return found | cells.measure(partial(accuracy, NONE_ALIKE), YES_TRIOS, (NONE_ALIKE,))


def _naive_cells(
    sample: Sample, most_alike: NDArray[np.floating], items: NDArray[np.int64], composition: NDArray[np.str_]
) -> tuple[Cells, float]:
    """Trios by the similarity of the two most alike, and the threshold for pairs."""
    limit = _thresholds(sample.card)[DEFAULT_OPERATING_POINT]
    return Cells.of_items(most_alike, composition, items, sample.resamples, [limit]), limit


def retrieval_metrics(sample: Sample) -> dict[Metric, Drawn]:
    """How good the nearest images are."""
    return Ranking.of(AllPairs(sample.embeddings, sample.labels), sample.seed).drawn(sample.resamples)


def _pair_task(card: Card, cells: Cells, mistakes: tuple[list[Mistake], list[Mistake]]) -> TaskResult:
    thresholds = _thresholds(card)
    probability = partial(pair_probability, pair_calibration_of(card))
    counts = {name: len(cells.kinds[name].scores) for name in (GENUINE, IMPOSTOR)}
    measure = verification_metrics(thresholds, probability, measurable_fars(counts[IMPOSTOR]), cosine_as_probability)
    scores = cells.scores((GENUINE,), (IMPOSTOR,))
    metrics = cells.measure(measure)
    return TaskResult(counts, metrics, scores, probability, cosine_as_probability, scores, thresholds, mistakes)


def _thresholds(card: Card) -> dict[str, float]:
    return {name: point.threshold for name, point in pair_calibration_of(card).operating_points.items()}
