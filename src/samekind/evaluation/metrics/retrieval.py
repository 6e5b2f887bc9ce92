"""Retrieval: each image in turn is the query, all others are the gallery.

The measures of metric learning (Musgrave, Belongie and Lim, "A metric learning reality check", ECCV 2020), equal to
those of pytorch-metric-learning's ``AccuracyCalculator``. With R the number of other images of the query's class:

* recall@k: the share of queries with at least one image of their class among the k nearest.
* R-precision: the share of the query's class among the R nearest.
* MAP@R: the mean over the R nearest of the precision up to each place that holds the query's class, and 0 elsewhere.

An image counts twice, as a query and in the gallery, so in a resample both count as often as it was drawn: drawing
queries alone gives intervals of R-precision and MAP@R half as wide as they should be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import MAP_AT_R, R_PRECISION, Metric, recall_at
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import Resamples
from samekind.evaluation.resampling.intervals import Drawn

RECALL_AT = (1, 5, 10)
# Each costs as much as all the measures, and their spread needs no third digit.
MOST_RESAMPLES = 100
_AT_ONCE = 1 << 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The most similar images of each, the most similar first.

    Attributes:
        labels: int64 (M,), the classes.
        nearest: int32 (M, T), the numbers of other images. T is deep enough for the largest class, and for some more,
            because in a resample images are missing.
    """

    labels: NDArray[np.int64]
    nearest: NDArray[np.int32]

    @classmethod
    def of(cls, pairs: AllPairs, seed: int = 0) -> Ranking:
        """Rank the gallery for each query.

        Equal similarities stand in random order: their order in the folder would favour some class.

        Args:
            pairs: The images.
            seed: Decides between equal similarities.
        """
        most = max(*RECALL_AT, int(np.bincount(pairs.labels).max(initial=1)))
        depth = min(most + int(4 * most**0.5) + 10, max(len(pairs.labels) - 1, 1))
        gallery = np.random.default_rng(seed).permutation(len(pairs.labels)).astype(np.int32)
        nearest = np.empty((len(pairs.labels), depth), np.int32)
        for start, block in pairs.blocks():
            rows = np.arange(len(block))
            block[rows, start + rows] = -np.inf
            nearest[start : start + len(block)] = gallery[_nearest(block[:, gallery], depth)]
        return cls(pairs.labels, nearest)

    def measure(self, weights: NDArray[np.floating] | None = None) -> dict[Metric, Floats]:
        """The measures of each query.

        Args:
            weights: (M,), how often each image is in the gallery; None has each once.

        Returns:
            By measure: float64 (M,), in [0, 1]; NaN for a query whose class has no other image.
        """
        count = np.ones(len(self.labels)) if weights is None else weights.astype(np.float64)
        relevant = np.bincount(self.labels, count)[self.labels] - count
        metrics = [*map(recall_at, RECALL_AT), R_PRECISION, MAP_AT_R]
        measured = {metric: np.full(len(self.labels), np.nan) for metric in metrics}
        step = max(1, _AT_ONCE // self.nearest.shape[1])
        for start in range(0, len(self.labels), step):
            rows = slice(start, start + step)
            wanted = np.where(relevant[rows] > 1e-6, relevant[rows], np.nan)
            mass = count[self.nearest[rows]]
            hits = mass * (self.labels[self.nearest[rows]] == self.labels[rows, None])
            upto = np.cumsum(mass, axis=1)
            before = upto - mass
            for k in RECALL_AT:
                measured[recall_at(k)][rows] = ((hits > 0) & (before < k - 1e-6)).any(axis=1) + 0 * wanted
            # Of an image that straddles the R-th place, only the part before it counts.
            inside = np.clip((wanted[:, None] - before) / np.maximum(mass, 1e-12), 0, 1) * hits
            precision = np.divide(np.cumsum(hits, axis=1), upto, out=np.zeros_like(upto), where=upto > 0)
            measured[R_PRECISION][rows] = inside.sum(axis=1) / wanted
            measured[MAP_AT_R][rows] = (inside * precision).sum(axis=1) / wanted
        return measured

    def drawn(self, resamples: Resamples) -> dict[Metric, Drawn]:
        """The mean of each measure over the queries, and in each resample of queries and gallery."""
        found = {metric: values[np.isfinite(values)] for metric, values in self.measure().items()}
        weights = resamples.weights[:, :MOST_RESAMPLES]
        draws: dict[Metric, list[float]] = {metric: [] for metric in found}
        for column in weights.T:
            for metric, values in self.measure(column).items():
                used = np.isfinite(values) & (column > 0)
                draws[metric].append(float(np.average(values[used], weights=column[used])) if used.any() else np.nan)
        units = len(np.unique(resamples.unit))
        return {
            metric: Drawn(float(values.mean()), np.array(draws[metric]), metric.interval, effective_n=units)
            for metric, values in found.items()
            if len(values)
        }


def _nearest(similarity: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """The ``depth`` most similar columns of each row, the most similar first; of equal ones the first."""
    if depth * 4 < similarity.shape[1]:
        chosen = np.sort(np.argpartition(-similarity, depth - 1, axis=1)[:, :depth], axis=1)
        order = np.argsort(-np.take_along_axis(similarity, chosen, axis=1), axis=1, kind="stable")
        return np.take_along_axis(chosen, order, axis=1)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :depth]
