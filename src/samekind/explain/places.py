"""What each place of a picture gives to its embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.explain.pooling import Branch, PooledNetwork
from samekind.inference.similarity import Embeddings

# The most by which the parts of the places may miss the embedding, in any dimension: rounding of the network's run.
_TOLERANCE = 1e-4
_LEAST_LENGTH = 1e-12


@dataclass(frozen=True)
class PlacedEmbedding:
    """An embedding as the sum of what each place gives to it.

    Attributes:
        embedding: float32 (D,), of unit length.
        parts: float32 (H, W, D), what each place of the last feature map gives. Their sum is the embedding.
        shares: float32 (H, W), each place's share of what was pooled. Their sum is 1.
    """

    embedding: NDArray[np.float32]
    parts: NDArray[np.float32]
    shares: NDArray[np.float32]

    def less(self, offset: NDArray[np.float32]) -> PlacedEmbedding:
        """The same for an adapted embedding: an offset, float32 (D,), taken away from all places by their shares."""
        length = max(float(np.linalg.norm(self.embedding - offset)), _LEAST_LENGTH)
        embedding = np.asarray((self.embedding - offset) / length, np.float32)
        parts = np.asarray((self.parts - self.shares[..., None] * offset) / length, np.float32)
        return PlacedEmbedding(embedding, parts, self.shares)


def placed_embeddings(
    network: PooledNetwork, embeddings: Embeddings, inner: Mapping[str, NDArray[np.float32]]
) -> list[PlacedEmbedding] | None:
    """Embeddings taken apart into what each place gives; None where the network is not what its graph seemed to be.

    A generalised mean is the root of a mean of powers: a place has that share of it which it has of the powers. What
    comes behind is linear for one picture, since a length is one number for it. The head's bias, and the mean of
    the collection that an adapted model takes away, belong to no place; each place bears its share of them, as
    large as its share of what was pooled. So a place where the network saw nothing answers for nothing.

    Args:
        network: How the embeddings were made.
        embeddings: float32 (N, D), unit rows.
        inner: The values of ``network.taps`` for the same pictures, by name, (N, ...) each.
    """
    pooled = inner[network.pooled].reshape(len(embeddings), -1)
    given = _given(network.branches, pooled, inner)
    if given is None:
        return None
    scale = np.ones((len(embeddings), 1), np.float32)
    constant = np.zeros_like(embeddings)
    for step in network.steps:
        if step.length is not None:
            length = inner[step.length].reshape(-1, 1)
            scale, constant = scale / length, constant / length
        else:
            constant = constant + np.asarray(step.constant, np.float32)
    whole = scale * (pooled @ network.weight.T) + constant
    if not np.abs(whole - embeddings).max(initial=0) <= _TOLERANCE:
        return None
    squares = np.maximum(np.einsum("nc,nc->n", pooled, pooled), _LEAST_LENGTH)
    shares = np.einsum("nhwc,nc->nhw", given, pooled) / squares[:, None, None]
    # One product of two matrices; one of stacks of them would be many small ones.
    projected = (given.reshape(-1, given.shape[3]) @ network.weight.T).reshape(*given.shape[:3], -1)
    parts = scale[:, None, None] * projected + shares[..., None] * constant[:, None, None]
    return [PlacedEmbedding(*found) for found in zip(embeddings, parts, shares, strict=True)]


def _given(
    branches: tuple[Branch, ...], pooled: NDArray[np.float32], inner: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32] | None:
    """What each place gives to each pooled value, float32 (N, H, W, C); their sums are the values."""
    found = []
    first = 0
    for branch in branches:
        averaged = inner[branch.averaged]
        if averaged.ndim != 4 or averaged.shape[2:] != inner[branches[0].averaged].shape[2:]:
            return None
        places = averaged.transpose(0, 2, 3, 1)
        values = pooled[:, first : first + places.shape[3]]
        first += places.shape[3]
        found.append(_shared(places, values) if branch.powers else _plain(places, branch.lengths, inner))
    given = np.concatenate(found, axis=3)
    if given.shape[3] != pooled.shape[1] or not np.abs(given.sum(axis=(1, 2)) - pooled).max(initial=0) <= _TOLERANCE:
        return None
    return given


def _shared(powers: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The root of a mean of powers, shared among the places as the powers are."""
    total = powers.sum(axis=(1, 2), keepdims=True)
    alike = np.float32(1 / (powers.shape[1] * powers.shape[2]))
    shares = np.divide(powers, total, out=np.full_like(powers, alike), where=total > 0)
    shared: NDArray[np.float32] = shares * values[:, None, None]
    return shared


def _plain(
    places: NDArray[np.float32], lengths: tuple[str, ...], inner: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """A plain mean, which is a sum already."""
    given = places / np.float32(places.shape[1] * places.shape[2])
    for length in lengths:
        given = given / inner[length].reshape(-1, 1, 1, 1)
    return given
