"""Items by kind (genuine, impostor; AAA, AAB, ...), exactly and in every resample: what a metric is measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.sampling import GENUINE, IMPOSTOR
from samekind.errors import DatasetError
from samekind.evaluation.metrics.bins import bin_edges, bin_of, bin_values
from samekind.evaluation.metrics.metric import Metric
from samekind.evaluation.metrics.scores import Floats, Scores, Side
from samekind.evaluation.resampling.all_pairs import AllPairs, Counts
from samekind.evaluation.resampling.bootstrap import Resamples
from samekind.evaluation.resampling.intervals import Drawn

Values = Mapping[Metric, float]


@dataclass(frozen=True)
class Cell:
    """The items of one kind.

    Attributes:
        scores: (N,), ascending.
        drawn: float64 (K, B), how many of each resample fall in each bin.
        noise: float64 (K, S), the same where only the noise of single items varies.
    """

    scores: Floats
    drawn: Counts
    noise: Counts


@dataclass(frozen=True)
class Cells:
    """All items, by kind, with one score each.

    Attributes:
        kinds: The cells by name.
        values: float64 (K,), the score that stands for each bin.
        variance_inflation: How many times too much of the variance of that noise is in the resamples.
        effective_n: How many items without a common image there are, at least.
    """

    kinds: Mapping[str, Cell]
    values: NDArray[np.float64]
    variance_inflation: float
    effective_n: int

    @classmethod
    def of_all_pairs(
        cls,
        pairs: AllPairs,
        resamples: Resamples,
        thresholds: Sequence[float],
        on_progress: Callable[[int], None] | None = None,
    ) -> Cells:
        """Genuine and impostor pairs by similarity: each two of the images once.

        Args:
            pairs: The images.
            resamples: Resamples of the images.
            thresholds: Where rates are wanted.
            on_progress: Called with the number of images done so far.

        Raises:
            DatasetError: There are no pairs of one kind.
        """
        scores = pairs.scores()
        scores.check()
        both = [scores.yes.values, scores.no.values]
        edges = bin_edges(both, thresholds)
        drawn, signed = pairs.histograms(edges, resamples, on_progress)
        kinds = {}
        for i, (name, values) in enumerate(zip((GENUINE, IMPOSTOR), both, strict=True)):
            count = np.bincount(bin_of(values, edges), minlength=len(edges))
            kinds[name] = Cell(values, drawn[i], count[:, None] + signed[i])
        return cls(kinds, bin_values(both, edges), resamples.variance_inflation, len(pairs.labels) // 2)

    @classmethod
    def of_items(
        cls,
        scores: Floats,
        kind: NDArray[np.str_],
        items: NDArray[np.int64],
        resamples: Resamples,
        thresholds: Sequence[float],
    ) -> Cells:
        """Items of a list or a sample.

        Args:
            scores: (N,).
            kind: str (N,), the kind of each.
            items: int64 (N, 2) or (N, 3), the images of each.
            resamples: Resamples of the images.
            thresholds: Where rates are wanted.
        """
        names = sorted(set(kind.tolist()))
        by_kind = [np.sort(scores[kind == name]) for name in names]
        edges = bin_edges(by_kind, thresholds)
        bins = len(edges)
        key = bin_of(scores, edges) + bins * np.searchsorted(names, kind)
        drawn, noise = (np.zeros((len(names) * bins, part.shape[1])) for part in (resamples.weights, resamples.signs))
        for part, weights, own in resamples.of_items(items):
            order = np.argsort(key[part], kind="stable")
            sorted_key = key[part][order]
            first = np.flatnonzero(np.append(True, np.diff(sorted_key) != 0))
            for total, mass in ((drawn, weights), (noise, own)):
                total[sorted_key[first]] += np.add.reduceat(mass[order], first, axis=0, dtype=np.float64)
        kinds = {
            name: Cell(values, drawn[bins * i : bins * (i + 1)], noise[bins * i : bins * (i + 1)])
            for i, (name, values) in enumerate(zip(names, by_kind, strict=True))
        }
        inflation = float(resamples.inflation_of_items(items).max(initial=0))
        return cls(kinds, bin_values(by_kind, edges), inflation, len(np.unique(items)) // items.shape[1])

    def scores(self, yes: Sequence[str], no: Sequence[str]) -> Scores:
        """The exact scores of some kinds of items whose answer is yes, and of some whose answer is no."""
        sides = []
        for names in (yes, no):
            found = [cell.scores for cell in self._found(names)]
            # One kind is sorted already; a copy of fifty million pairs is not wanted.
            sides.append(found[0] if len(found) == 1 else np.sort(np.concatenate([np.empty(0), *found])))
        return Scores(Side(sides[0]), Side(sides[1]))

    def measure(
        self, metrics: Callable[[Scores], Values], yes: Sequence[str] = (GENUINE,), no: Sequence[str] = (IMPOSTOR,)
    ) -> dict[Metric, Drawn]:
        """Metrics of the items as they are, and of every resample.

        Args:
            metrics: Gives the values of metrics from scores.
            yes: Kinds of items whose answer is yes.
            no: Kinds of items whose answer is no.

        Raises:
            DatasetError: There are no items of one answer.
        """
        exact = self.scores(yes, no)
        exact.check()
        values = metrics(exact)
        draws, noise = (
            self._series(metrics, values, [[histogram(cell) for cell in self._found(names)] for names in (yes, no)])
            for histogram in (attrgetter("drawn"), attrgetter("noise"))
        )
        return {
            metric: Drawn(
                value, draws[metric], metric.interval, noise[metric], self.variance_inflation, self.effective_n
            )
            for metric, value in values.items()
        }

    def _found(self, names: Sequence[str]) -> list[Cell]:
        return [self.kinds[name] for name in names if name in self.kinds]

    def _series(
        self, metrics: Callable[[Scores], Values], wanted: Iterable[Metric], histograms: Sequence[Sequence[Counts]]
    ) -> dict[Metric, NDArray[np.float64]]:
        yes, no = (np.sum(found, axis=0) for found in histograms)
        series = {metric: np.full(yes.shape[1], np.nan) for metric in wanted}
        for b in range(yes.shape[1]):
            try:
                measured = metrics(Scores(Side(self.values, yes[:, b]), Side(self.values, no[:, b])))
            except DatasetError:  # a tiny set may by chance lose all items of one answer
                continue
            for metric, values in series.items():
                values[b] = measured[metric]
        return series
