"""All pairs of images, a block of rows at a time: fifty million pairs of ten thousand images in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.bins import bin_of
from samekind.evaluation.metrics.scores import Scores, Side
from samekind.evaluation.resampling.bootstrap import Resamples, joint_factor
from samekind.inference.similarity import Embeddings, similarity_matrix

Indices = NDArray[np.int64]
Counts = NDArray[np.float64]
_BLOCK = 1 << 22  # similarities at once: 16 MB
_FEWEST_SIGNS = 50


@dataclass(frozen=True)
class AllPairs:
    """Each two of the images once.

    Attributes:
        embeddings: float32 (M, D), unit rows.
        labels: int64 (M,), the class of each.
    """

    embeddings: Embeddings
    labels: Indices

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Rows of the matrix of similarities: (number of the first row, float32 (n, M))."""
        rows = max(1, _BLOCK // max(1, len(self.embeddings)))
        for start in range(0, len(self.embeddings), rows):
            yield start, similarity_matrix(self.embeddings[start : start + rows], self.embeddings)

    def scores(self) -> Scores:
        """The similarities of all genuine and of all impostor pairs."""
        pairs = len(self.labels) * (len(self.labels) - 1) // 2
        counts = np.bincount(self.labels)
        genuine = int((counts * (counts - 1) // 2).sum())
        sides = [np.empty(genuine, np.float32), np.empty(pairs - genuine, np.float32)]
        filled = [0, 0]
        for start, block in self.blocks():
            for i, row in enumerate(block, start):
                same = self.labels[i + 1 :] == self.labels[i]
                for side, values in enumerate((row[i + 1 :][same], row[i + 1 :][~same])):
                    sides[side][filled[side] : filled[side] + len(values)] = values
                    filled[side] += len(values)
        for values in sides:
            values.sort()
        return Scores(Side(sides[0]), Side(sides[1]))

    def histograms(
        self,
        edges: NDArray[np.floating],
        resamples: Resamples,
        on_progress: Callable[[int], None] | None = None,
    ) -> tuple[Counts, Counts]:
        """How many pairs of each resample fall in each bin of similarity.

        A row at a time: its images are sorted by bin, and their weights added up for all resamples at once. That is
        N² × B additions and no memory that grows with the pairs.

        Args:
            edges: (K,), as ``bins.bin_edges`` chooses them.
            resamples: Resamples of the images.
            on_progress: Called with the number of rows done so far.

        Returns:
            float64 (2, K, B) and (2, K, S), for the genuine and the impostor pairs: the sums of their weights, and of
            the products of their signs.
        """
        bins, width = len(edges), resamples.weights.shape[1]
        # Among all pairs the noise of single ones is small, and a rough measure of it enough.
        signs = resamples.signs[:, : max(_FEWEST_SIGNS, width // 4)]
        noise = signs.shape[1]
        weights = np.hstack([resamples.weights, signs])
        # By how two images were drawn: apart, from one stratum, as one unit. A class that is drawn as a whole is one
        # unit: its genuine pairs count as often as it does, and are not inflated.
        joint = np.ones((3, len(weights[0])), np.float32)
        joint[2, width:] = 0
        total = np.zeros((2 * bins, width + noise))
        for start, block in self.blocks():
            for i, row in enumerate(block[: len(self.labels) - 1 - start], start):
                rest = slice(i + 1, None)
                key = bin_of(row[rest], edges)
                key += bins * (self.labels[rest] != self.labels[i])
                how = (resamples.stratum[rest] == resamples.stratum[i]).astype(np.int64)
                how += resamples.unit[rest] == resamples.unit[i]
                key += 2 * bins * how
                order = np.argsort(key, kind="stable")
                key = key[order]
                first = np.flatnonzero(np.append(True, np.diff(key) != 0))
                mass = np.add.reduceat(weights[rest][order], first, axis=0)
                joint[0] = joint[1] = weights[i]
                joint[1, :width] *= joint_factor(resamples.drawn[i : i + 1], 1)
                how, key = np.divmod(key[first], 2 * bins)
                for case in range(3):  # keys are distinct within a case only
                    total[key[how == case]] += mass[how == case] * joint[case]
            if on_progress:
                on_progress(start + len(block))
        return total[:, :width].reshape(2, bins, width), total[:, width:].reshape(2, bins, noise)
