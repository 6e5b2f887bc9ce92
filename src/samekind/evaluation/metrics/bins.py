"""Bins over scores, such that a metric of the bins is as good as one of the scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def at_least(thresholds: Floats, kind: np.dtype[np.floating]) -> Floats:
    """The lowest values of a type that are not below the thresholds: nothing of that type lies between."""
    rounded = thresholds.astype(kind)
    return np.where(rounded < thresholds, np.nextafter(rounded, np.array(np.inf, kind)), rounded)


def bin_edges(scores: Sequence[Floats], thresholds: Sequence[float], most: int = 1_000) -> Floats:
    """Lower edges of the bins.

    Each of ``scores`` is cut at ``most`` places of equal rank, and ever finer towards both ends, where low error rates
    are decided; where it has no more different values than that, each has a bin of its own. A threshold is an edge, so
    rates at it are exact.

    Args:
        scores: Ascending arrays, such as those of genuine and of impostor pairs.
        thresholds: Where rates are wanted.
        most: How many places.

    Returns:
        Ascending, distinct, of the type of the scores; the first is not above any score.
    """
    kind = scores[0].dtype
    edges = [at_least(np.asarray(thresholds, np.float64), kind)]
    for values in scores:
        last = max(len(values) - 1, 0)
        even = np.linspace(0, last, min(most, len(values)))
        towards = np.geomspace(1, max(last, 1), most // 4)
        ranks = np.unique(np.concatenate([even, towards, last - towards]).round().astype(np.int64).clip(0, last))
        edges.append(values[ranks] if len(values) else values)
    return np.unique(np.concatenate(edges))


def bin_of(scores: Floats, edges: Floats) -> NDArray[np.int64]:
    """The number of each score's bin."""
    return np.asarray(np.searchsorted(edges, scores, "right") - 1, np.int64)


def bin_values(scores: Sequence[Floats], edges: Floats) -> NDArray[np.float64]:
    """One score to stand for each bin: the mean of those in it, which lies in the bin; of an empty one its edge."""
    count, total = np.zeros(len(edges)), np.zeros(len(edges))
    for values in scores:
        index = bin_of(values, edges)
        count += np.bincount(index, minlength=len(edges))
        total += np.bincount(index, values, len(edges))
    lower = edges.astype(np.float64)
    mean = np.divide(total, count, out=lower.copy(), where=count > 0)
    upper = np.append(np.nextafter(lower[1:], -np.inf), np.inf)
    return np.clip(mean, lower, upper)
