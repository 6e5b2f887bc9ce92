"""Do clusters of the embeddings agree with the classes?"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_mutual_info_score

from samekind.evaluation.metrics.metric import AMI
from samekind.evaluation.resampling.bootstrap import Resamples, draw
from samekind.evaluation.resampling.intervals import Drawn
from samekind.evaluation.results import Evaluation
from samekind.inference.similarity import Embeddings
from samekind.system.one_thread import one_thread

_STARTS = 4
# Each takes as long as the score itself, and its end points need no third digit.
MOST_RESAMPLES = 200


def agreement(result: Evaluation) -> dict[str, Drawn]:
    """The AMI of each group of images whose classes are known, by its name."""
    found = {}
    for name, group in result.judged.groups.items():
        if group.retrieval:
            labels = np.unique(result.labels[group.images], return_inverse=True)[1].astype(np.int64)
            whole = np.full(len(group.classes), group.whole_classes) & ~np.isin(group.classes, result.classes_seen)
            resamples = draw(labels, min(result.resamples, MOST_RESAMPLES), result.seed, whole=whole)
            found[name] = ami(result.judged.embeddings[group.images], labels, resamples, result.seed)
    return found


def ami(embeddings: Embeddings, labels: NDArray[np.int64], resamples: Resamples, seed: int = 0) -> Drawn:
    """Adjusted mutual information of k-means at the number of classes, with the classes.

    Vinh, Epps and Bailey, "Information theoretic measures for clusterings comparison", JMLR 2010: 0 for clusters that
    have nothing to do with the classes, 1 for clusters that are the classes. The clusters stay as they are in the
    resamples.

    Args:
        embeddings: float32 (M, D), unit rows.
        labels: int64 (M,).
        resamples: Resamples of the images.
        seed: The seed of k-means.
    """
    # One thread: the same clusters on every machine, and no threads that wait for each other on a busy one.
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different embeddings than classes
        means = KMeans(len(np.unique(labels)), n_init=_STARTS, random_state=seed)
        clusters = means.fit_predict(embeddings)
    value = float(adjusted_mutual_info_score(labels, clusters))
    # A count that was drawn once has the least weight of its image that is not zero.
    drawn = resamples.weights > 0
    once = np.where(drawn, resamples.weights, np.inf).min(axis=1, keepdims=True)
    counts = np.rint(resamples.weights / np.where(np.isfinite(once), once, 1)).astype(np.int64)
    draws = np.array(
        [
            adjusted_mutual_info_score(np.repeat(labels, column), np.repeat(clusters, column))
            if column.any()
            else np.nan
            for column in counts.T
        ]
    )
    # An image that is drawn twice agrees with itself, which lifts all resamples alike.
    return Drawn(value, draws - (np.nanmean(draws) - value), AMI.interval)
