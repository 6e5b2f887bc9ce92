"""Retrieval: each image in turn is the query, all others are the gallery.

The measures of metric learning (Musgrave, Belongie and Lim, "A metric learning reality check", ECCV 2020), equal to
those of pytorch-metric-learning's ``AccuracyCalculator``. With R the number of other images of the query's class:

* recall@k: the share of queries with at least one image of their class among the k nearest.
* R-precision: the share of the query's class among the R nearest.
* MAP@R: the mean over the R nearest of the precision up to each place that holds the query's class, and 0 elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.all_pairs import AllPairs
from samekind.evaluation.bootstrap import Drawn, Resamples

RECALL_AT = (1, 5, 10)


def retrieval(pairs: AllPairs, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """The measures of each query.

    Equal similarities stand in random order: their order in the folder would favour some class.

    Args:
        pairs: The images. Queries whose class has no other image are left out.
        seed: Decides between equal similarities.

    Returns:
        By the name of the measure: float64 (M,), in [0, 1]; NaN for a query that is left out.
    """
    labels = pairs.labels
    relevant = np.bincount(labels)[labels] - 1
    depth = min(max(*RECALL_AT, int(relevant.max(initial=1))), max(len(labels) - 1, 1))
    gallery = np.random.default_rng(seed).permutation(len(labels))
    names = [*(f"recall@{k}" for k in RECALL_AT), "R-precision", "MAP@R"]
    measured = {name: np.full(len(labels), np.nan) for name in names}
    places = np.arange(1, depth + 1)
    for start, block in pairs.blocks():
        queries = np.arange(start, start + len(block))
        block[np.arange(len(block)), queries] = -np.inf
        hits = labels[gallery[_nearest(block[:, gallery], depth)]] == labels[queries, None]
        within = places <= relevant[queries, None]
        precision = np.cumsum(hits, axis=1) / places
        wanted = np.maximum(relevant[queries], 1)
        rows = {f"recall@{k}": hits[:, :k].any(axis=1).astype(np.float64) for k in RECALL_AT}
        rows["R-precision"] = (hits & within).sum(axis=1) / wanted
        rows["MAP@R"] = (precision * (hits & within)).sum(axis=1) / wanted
        for name, values in rows.items():
            measured[name][queries] = np.where(relevant[queries] > 0, values, np.nan)
    return measured


def drawn_retrieval(measured: dict[str, NDArray[np.float64]], resamples: Resamples) -> dict[str, Drawn]:
    """The mean of each measure over the queries, and over those of each resample; the gallery stays as it is."""
    found = {}
    for name, values in measured.items():
        used = np.isfinite(values)
        weights = resamples.weights[used].astype(np.float64)
        if not used.any():
            continue
        with np.errstate(invalid="ignore"):
            draws = values[used] @ weights / weights.sum(axis=0)
        found[name] = Drawn(float(values[used].mean()), draws, alone=len(np.unique(resamples.unit[used])))
    return found


def _nearest(similarity: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """The ``depth`` most similar columns of each row, the most similar first; of equal ones the first."""
    if depth * 4 < similarity.shape[1]:
        chosen = np.sort(np.argpartition(-similarity, depth - 1, axis=1)[:, :depth], axis=1)
        order = np.argsort(-np.take_along_axis(similarity, chosen, axis=1), axis=1, kind="stable")
        return np.take_along_axis(chosen, order, axis=1)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :depth]
