"""Classes that overlap as wholes, and classes that fall apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.auditing.labels.left_out import Labels
from samekind.inference.similarity import Embeddings

# Two classes are worth a question from half of what two halves of one class by lot would have.
_OVERLAP = 0.5
# A part of a class is a kind of its own from so many images, and this part of the class, on.
_FEWEST, _LEAST_SHARE = 4, 0.15
# How far apart two parts must lie, where the halves of the class in the middle lie 1 apart; and classes for a middle.
_APART, _FEWEST_CLASSES = 2.5, 5
_STEPS = 20


@dataclass(frozen=True)
class Overlap:
    """Two classes that may be one.

    Attributes:
        first: The name of one.
        second: The name of the other.
        overlap: 1 if nobody could tell them apart, 0 if all can.
    """

    first: str
    second: str
    overlap: float


@dataclass(frozen=True)
class Divided:
    """A class that may be two.

    Attributes:
        name: The class.
        apart: How far its two parts lie apart, where those of the class in the middle lie 1 apart.
        parts: The places of the images of each part, the most typical first.
    """

    name: str
    apart: float
    parts: tuple[tuple[int, ...], tuple[int, ...]]


def overlapping(probability: NDArray[np.float32], labels: Labels, names: tuple[str, ...]) -> list[Overlap]:
    """Pairs of classes that are hard to tell apart, the hardest first.

    Args:
        probability: float32 (N, C), of each class for each image, the image left out.
        labels: int64 (N,).
        names: Of the C classes.
    """
    found = []
    members = [np.flatnonzero(labels == label) for label in range(len(names))]
    means = np.stack([probability[own].mean(axis=0) if len(own) else np.zeros(len(names)) for own in members])
    # The two shares of a pair that is worth a question are at least as large as this in the mean.
    for first, second in np.argwhere(np.triu(means + means.T, 1) > _OVERLAP / 4).tolist():
        both = np.concatenate([members[first], members[second]])
        if min(len(members[first]), len(members[second])) < 2:
            continue
        own = probability[both, labels[both]]
        other = probability[both, first + second - labels[both]]
        overlap = min(1.0, 2 * float(np.mean(other / np.maximum(own + other, 1e-9))))
        if overlap >= _OVERLAP:
            found.append(Overlap(names[first], names[second], overlap))
    return sorted(found, key=lambda pair: -pair.overlap)


def falling_apart(embeddings: Embeddings, labels: Labels, names: tuple[str, ...]) -> list[Divided]:
    """Classes whose two parts lie much further apart than those of other classes, the furthest first.

    Args:
        embeddings: float32 (N, D), unit rows, less what the collection has in common.
        labels: int64 (N,).
        names: Of the C classes; with fewer than five nobody knows how far apart is usual.
    """
    divided = []
    for label, name in enumerate(names):
        own = np.flatnonzero(labels == label)
        if len(own) < 2 * _FEWEST:
            continue
        second = _two_parts(embeddings[own])
        parts = own[~second], own[second]
        if min(map(len, parts)) >= 2:
            divided.append((name, parts, _distance(*(embeddings[part] for part in parts))))
    if len(divided) < _FEWEST_CLASSES:
        return []
    usual = max(float(np.median([apart for _, _, apart in divided])), 1e-6)
    found = []
    for name, parts, apart in divided:
        size = sum(map(len, parts))
        if apart / usual >= _APART and min(map(len, parts)) >= max(_FEWEST, _LEAST_SHARE * size):
            first, second_part = (_typical_first(embeddings, part) for part in parts)
            found.append(Divided(name, apart / usual, (first, second_part)))
    return sorted(found, key=lambda one: -one.apart)


def _distance(first: Embeddings, second: Embeddings) -> float:
    """How much less alike images of two groups are to each other than images of one: a difference of mean cosines."""
    sums = first.sum(axis=0, dtype=np.float64), second.sum(axis=0, dtype=np.float64)
    sizes = len(first), len(second)
    within = [(s @ s - n) / (n * (n - 1)) for s, n in zip(sums, sizes, strict=True)]
    return float(np.mean(within) - sums[0] @ sums[1] / (sizes[0] * sizes[1]))


def _two_parts(rows: Embeddings) -> NDArray[np.bool_]:
    """Two means by cosine, begun on the two sides of the widest direction."""
    centred = rows - rows.mean(axis=0)
    second = np.asarray(np.linalg.svd(centred, full_matrices=False)[0][:, 0] > 0, np.bool_)
    for _ in range(_STEPS):
        if second.all() or not second.any():
            return second
        means = [rows[part].mean(axis=0) for part in (~second, second)]
        cosines = [rows @ (mean / max(float(np.linalg.norm(mean)), 1e-9)) for mean in means]
        moved = np.asarray(cosines[1] > cosines[0], np.bool_)
        if (moved == second).all():
            break
        second = moved
    return second


def _typical_first(embeddings: Embeddings, part: NDArray[np.int64]) -> tuple[int, ...]:
    cosine = embeddings[part] @ embeddings[part].mean(axis=0)
    return tuple(part[np.argsort(-cosine)].tolist())
