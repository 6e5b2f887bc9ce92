"""The similarity of two pictures as a sum over pairs of places, and the places that correspond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.explain.explanation import Correspondence, Map
from samekind.explain.places import PlacedEmbedding

_MOST_LINES = 5
# A line that is fainter than this share of the strongest one says nothing.
_FAINTEST = 0.3
# Nor does a line from a place that adds less than this share of what its picture's strongest place adds.
_LEAST = 0.25
# In places of the feature map: nearer ends are the same spot.
_APART = 1.5


def contributions(first: PlacedEmbedding, second: PlacedEmbedding) -> NDArray[np.float32]:
    """What each pair of places contributes to the similarity of two pictures: float32 (H, W, H, W), whose sum it is.

    Stylianou, Souvenir and Pless, "Visualizing deep similarity networks", 2019, and Zhu, Yang and Chen, "Visual
    explanation for deep metric learning", 2021, take a cosine apart so behind a plain mean.
    """
    places, others = first.parts.shape[:2], second.parts.shape[:2]
    dimension = first.parts.shape[2]
    found: NDArray[np.float32] = first.parts.reshape(-1, dimension) @ second.parts.reshape(-1, dimension).T
    return found.reshape(*places, *others)


def maps_of(pairs: NDArray[np.float32]) -> tuple[Map, Map]:
    """What each place of the one and of the other picture contributes, float32 (H, W) each."""
    return pairs.sum(axis=(2, 3)), pairs.sum(axis=(0, 1))


def correspondences(pairs: NDArray[np.float32]) -> tuple[Correspondence, ...]:
    """The places that correspond: the pairs that contribute the most, each place in one of them, the strongest first.

    Args:
        pairs: float32 (H, W, H, W), as ``contributions`` gives them.
    """
    height, width, other_height, other_width = pairs.shape
    flat = pairs.reshape(height * width, -1)
    ends = [found.ravel() >= max(0.0, _LEAST * float(found.max())) for found in maps_of(pairs)]
    flat = np.where(np.outer(*ends), flat, 0)
    faintest = max(0.0, _FAINTEST * float(flat.max()))
    one, other = np.divmod(
        np.argsort(-flat, axis=None, kind="stable")[: np.count_nonzero(flat > faintest)], flat.shape[1]
    )
    chosen: list[tuple[int, int]] = []
    for i, j in zip(one.tolist(), other.tolist(), strict=True):
        if all(_distance(i, k, width) >= _APART and _distance(j, m, other_width) >= _APART for k, m in chosen):
            chosen.append((i, j))
        if len(chosen) == _MOST_LINES:
            break
    return tuple(
        Correspondence(_centre(i, height, width), _centre(j, other_height, other_width), float(flat[i, j]))
        for i, j in chosen
    )


def _distance(one: int, other: int, width: int) -> float:
    rows, columns = one // width - other // width, one % width - other % width
    return float(np.hypot(rows, columns))


def _centre(place: int, height: int, width: int) -> tuple[float, float]:
    return (place % width + 0.5) / width, (place // width + 0.5) / height
