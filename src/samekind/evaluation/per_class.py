"""Each class by itself: how often it is recognised, how often something else is taken for it, what it is taken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import Interval
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import Resamples
from samekind.evaluation.resampling.intervals import Drawn


@dataclass(frozen=True)
class PerClass:
    """Rates of each class at one threshold.

    Attributes:
        tar: The true accept rate of each class, over its genuine pairs.
        far: The false accept rate of each class, over the pairs of one of its images with one of another class.
        similarity: float64 (C, C), the mean similarity of two different images of one class and of two classes.
    """

    tar: list[Drawn]
    far: list[Drawn]
    similarity: NDArray[np.float64]


def per_class(pairs: AllPairs, resamples: Resamples, threshold: float) -> PerClass:
    """Measure each class over all pairs that one of its images is in.

    Args:
        pairs: The images; each class has at least two.
        resamples: Resamples of images within their class, so that a class has an interval of its own.
        threshold: The verdict is "same" at or above it.
    """
    labels = pairs.labels
    sizes = np.bincount(labels)
    classes, width = len(sizes), resamples.weights.shape[1]
    # Matrix products give the accepted mass of an image's pairs, for the images as they are (the first column), for all
    # resamples, and for the signs by which noise is told apart.
    weights = np.hstack([np.ones((len(labels), 1), np.float32), resamples.weights, resamples.signs])
    member = np.eye(classes, dtype=np.float32)[labels]
    by_class = (member.T @ weights).astype(np.float64)
    squares = (member.T @ weights**2).astype(np.float64)
    accepted = np.zeros((2, *by_class.shape))  # genuine, counted from both sides; impostor
    similarity = np.zeros((classes, classes))
    for start, block in pairs.blocks():
        rows = slice(start, start + len(block))
        block[np.arange(len(block)), np.arange(len(labels))[rows]] = 0
        similarity += member[rows].T @ (block @ member)
        yes = (block >= threshold).astype(np.float32)
        yes[np.arange(len(block)), np.arange(len(labels))[rows]] = 0
        everyone = weights[rows] * (yes @ weights)
        for label in np.unique(labels[rows]):
            inside, own = np.flatnonzero(labels[rows] == label), np.flatnonzero(labels == label)
            genuine = weights[rows][inside] * (yes[np.ix_(inside, own)] @ weights[own])
            accepted[0, label] += genuine.sum(axis=0)
            accepted[1, label] += (everyone[inside] - genuine).sum(axis=0)
    mass = np.stack([by_class**2 - squares, by_class * (by_class.sum(axis=0) - by_class)])
    images = np.diag(sizes) * -1 + np.outer(sizes, sizes)
    drawn = []
    for kind in (0, 1):
        count = mass[kind, :, :1]
        with np.errstate(invalid="ignore"):
            noise = (accepted[kind, :, :1] + accepted[kind, :, width + 1 :]) / (count + mass[kind, :, width + 1 :])
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = accepted[kind, :, : width + 1] / mass[kind, :, : width + 1]
        drawn.append(
            [
                Drawn(
                    float(rate[0]),
                    rate[1:],
                    Interval.SHARE,
                    own,
                    resamples.variance_inflation,
                    effective_n=max(1, int(size) // (2 - kind)),
                )
                for rate, own, size in zip(rates, noise, sizes, strict=True)
            ]
        )
    return PerClass(drawn[0], drawn[1], similarity / np.maximum(images, 1))
