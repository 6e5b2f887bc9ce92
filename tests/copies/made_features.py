"""Features and small pictures made for many pictures at once, some of them copies of earlier ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.copies.features import Features


def made_features(count: int, copies: int, each: int = 40, seed: int = 0) -> tuple[list[Features], NDArray[np.int64]]:
    """Features of pictures, of which the last are copies of others, in which six of 128 bits are others.

    Returns:
        The features, and for each copy the number of what it is a copy of.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.random((count, 128)) < 0.5  # features of pictures are like one another
    features = []
    of = rng.choice(count - copies, copies, replace=False)
    for _ in range(count - copies):
        bits = kinds[rng.integers(0, count, each)] ^ (rng.random((each, 128)) < 0.25)
        features.append(_features(bits, rng.uniform(4, 40, each), rng.uniform(0, 360, each)))
    for number in of:
        original = features[number]
        bits = np.unpackbits(original.bits, axis=1).astype(bool) ^ (rng.random((each, 128)) < 6 / 128)
        features.append(_features(bits, original.scales * 0.8, original.angles + 30))
    return features, of


def _features(bits: NDArray[np.bool_], scales: NDArray[np.floating], angles: NDArray[np.floating]) -> Features:
    points = np.zeros((len(bits), 2), np.float32)
    return Features(points, scales.astype(np.float32), (angles % 360).astype(np.float32), np.packbits(bits, axis=1))


def made_greys(count: int, copies: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Smooth small pictures, uint8 (24, 24), the last of them earlier ones turned, mirrored or darker."""
    rng = np.random.default_rng(seed)
    slopes = np.outer(np.cos(np.linspace(0, np.pi, 24)), np.ones(24))
    waves = [slopes, slopes.T, slopes * slopes.T, slopes**2 - 0.5, slopes.T**2 - 0.5]
    weights = rng.normal(size=(count - copies, len(waves)))
    greys = [
        np.asarray((128 + 40 * np.tensordot(some / np.abs(some).sum(), waves, 1)).clip(0, 255), np.uint8)
        for some in weights
    ]
    for number in rng.choice(count - copies, copies, replace=False):
        turned = np.rot90(greys[number], rng.integers(0, 4))
        greys.append(np.ascontiguousarray(turned[:, :: rng.choice([1, -1])] // rng.integers(1, 3)))
    return greys
