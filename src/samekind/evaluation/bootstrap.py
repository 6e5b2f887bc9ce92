"""Confidence intervals by resampling images.

Pairs that share an image are not independent, so resampling pairs would give intervals that are too narrow. Here the
images of each class are resampled, and an item counts as often as the product of its images' counts.

Efron and Tibshirani, "An introduction to the bootstrap", 1993: the percentile interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap_over_images(
    measure: Callable[[NDArray[np.float64] | None], Metrics],
    items: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    resamples: int = 500,
    seed: int = 0,
    biased: frozenset[str] = frozenset(),
) -> dict[str, Estimate]:
    """Values of metrics with 95 % percentile intervals.

    Where each image is in a few items only, the product of counts overstates the noise of single items, and the
    intervals are too wide: up to √3 times for pairs and √7 times for trios (Owen, "The pigeonhole bootstrap", 2007).
    More items for the same images make them tighter.

    Args:
        measure: Takes the weights of the items, float64 (N,), or None for the items as they are; gives metrics by name.
        items: int64 (N, 2) or (N, 3), the images of each pair or trio.
        labels: int64 (M,), the class of each image; images are resampled within their class.
        resamples: How many times.
        seed: Decides the resamples.
        biased: Names of metrics that noise can only push up, such as a calibration error. A resample is noisier than
            the sample, so their intervals are moved down by the bias seen, and not below zero.

    Returns:
        An estimate for each metric that ``measure`` gives.
    """
    values = measure(None)
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(resamples):
        weights = _resampled_counts(labels, rng)[items].prod(axis=1)
        try:
            resampled = measure(weights)
        except DatasetError:  # a tiny set may by chance lose all items of one answer
            continue
        for name, value in resampled.items():
            if not np.isnan(value):  # ... or all items that a metric is about
                draws[name].append(value)
    estimates = {}
    for name, value in values.items():
        low, high = np.quantile(draws[name], [0.025, 0.975]) if draws[name] else (np.nan, np.nan)
        if name in biased and draws[name]:
            bias = float(np.mean(draws[name])) - value
            low, high = max(0.0, low - bias), max(0.0, high - bias)
        estimates[name] = Estimate(float(value), float(low), float(high))
    return estimates


def _resampled_counts(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each image comes in one resample, drawing with replacement within its class."""
    counts = np.zeros(len(labels))
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        counts[members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)))
    return counts
