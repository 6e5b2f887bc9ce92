"""The protocol's test: accuracy on 32 pairs a class, half of them genuine, drawn ten times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.sampling import sample_pairs
from samekind.errors import DatasetError
from samekind.inference.similarity import Embeddings, paired_similarity

PAIRS_PER_CLASS = 32
DRAWS = 10


@dataclass(frozen=True)
class ProtocolAccuracy:
    """The accuracy on ten independent draws of test pairs: the mean and the extremes.

    Attributes:
        mean: The mean over the draws.
        smallest: The smallest of them.
        largest: The largest of them.
    """

    mean: float
    smallest: float
    largest: float


def protocol_accuracy(
    embeddings: Embeddings, labels: NDArray[np.int64], threshold: float, seed: int
) -> ProtocolAccuracy | None:
    """Judge the protocol's pairs at a threshold; None where the images are too few for them.

    Args:
        embeddings: float32 (M, D).
        labels: int64 (M,).
        threshold: The similarity at or above which two are called the same.
        seed: Decides the draws.
    """
    draws = []
    for number in range(DRAWS):
        try:
            pairs = sample_pairs(labels, PAIRS_PER_CLASS, seed + number)
        except DatasetError:
            return None
        similarity = paired_similarity(*(embeddings[pairs.images[:, i]] for i in range(2)))
        draws.append(float(((similarity >= threshold) == pairs.same).mean()))
    return ProtocolAccuracy(float(np.mean(draws)), min(draws), max(draws))
