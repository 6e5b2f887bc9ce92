"""A linear head computed from the training features themselves, to start from rather than from noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from samekind.training.network.siamese import SiameseNetwork

_BATCH = 256


@dataclass(frozen=True)
class Whitening:
    """How far a head is whitened.

    Attributes:
        shrinkage: The part of the within-class covariance that is taken from a multiple of the identity.
        within: The power to which that covariance is taken, negated; with 0.5 all directions vary alike in classes.
        total: The power to which what varies then is taken, negated.
        centring: The part of the mean that is taken away.
    """

    shrinkage: float
    within: float
    total: float
    centring: float


WHITENINGS = {
    # Chosen on Caltech-101 classes that none of the matrices had seen (BENCHMARKS.md). All the way would blow up
    # directions in which a handful of classes happen to vary little.
    "part": Whitening(shrinkage=0.6, within=0.25, total=0.1, centring=0.5),
    # Chosen on lists of pairs of Imagenette's training images, measured on all pairs of its validation images.
    "full": Whitening(shrinkage=0.4, within=0.5, total=0.4, centring=1.0),
}
# The groups that a head finds by itself are large, so their covariance needs less shrinking.
WHITENINGS["grouped"] = replace(WHITENINGS["full"], shrinkage=0.2)
Regrouping = Callable[[NDArray[np.float32]], NDArray[np.int64]]


def whiten_head(
    network: SiameseNetwork,
    features: NDArray[np.float16],
    labels: NDArray[np.int64],
    sources: NDArray[np.int64],
    on_progress: Callable[[int], None] | None = None,
    *,
    whitening: Whitening = WHITENINGS["part"],
    regroup: Regrouping | None = None,
) -> None:
    """Set a network's linear head to the whitened projection of what it will get for the training images.

    Args:
        network: Changed in place.
        features: float16 (N, V, C, H, W), the cached features of all views of the training images.
        labels: int64 (N,), their classes.
        sources: int64 (C,), the data set of each class.
        on_progress: Called with the number of images done so far.
        whitening: How far to go.
        regroup: If given, the head is whitened twice: by these labels, fully, and then by those that this makes of the
            embeddings, float32 (N, D), unit rows, each the mean of an image's views.
    """
    rows = []
    with torch.inference_mode():
        for start in range(0, len(labels), _BATCH):
            # All views of an image are of its class, and what tells them apart varies within it.
            batch = torch.from_numpy(features[start : start + _BATCH].astype(np.float32)).flatten(0, 1)
            rows.append(network.head_inputs(batch).numpy())
            if on_progress:
                on_progress(min(start + _BATCH, len(labels)))
    head = network.head
    assert isinstance(head, nn.Linear)  # the recipe allows no other
    inputs, views = np.concatenate(rows), features.shape[1]
    if regroup is not None:
        first = whitened_projection(inputs, np.repeat(labels, views), sources, head.out_features, WHITENINGS["full"])
        labels = regroup(_embedded(inputs, views, *first))
        sources = np.zeros(int(labels.max()) + 1, np.int64)
    weight, bias = whitened_projection(inputs, np.repeat(labels, views), sources, head.out_features, whitening)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(bias))


def _embedded(
    inputs: NDArray[np.float32], views: int, weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The mean embedding of each image's views, of unit length."""
    of_views = (inputs @ weight.T + bias).reshape(-1, views, len(bias))
    of_views /= np.linalg.norm(of_views, axis=2, keepdims=True)
    mean = of_views.mean(axis=1)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def whitened_projection(
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    sources: NDArray[np.int64],
    dimension: int,
    whitening: Whitening = WHITENINGS["part"],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The projection to the directions in which images differ most, once what varies within classes is damped.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for
    SVM-based speaker recognition", 2006), shrunk towards a multiple of the identity and taken only part of the way;
    then principal components, slightly whitened, and part of the mean taken away. Every data set weighs the same, and
    in it every class.

    Args:
        inputs: float32 (N, C).
        labels: int64 (N,), the class of each row.
        sources: int64 (C,), the data set of each class.
        dimension: D, at most C.
        whitening: How far to go.

    Returns:
        Weight, float32 (D, C), and bias, float32 (D,), of a linear layer.

    Raises:
        ValueError: D is more than C.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows, labels = rng.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 3
        >>> weight, bias = whitened_projection(rows, labels, np.array([0, 0, 0]), 4)
        >>> weight.shape, bias.shape
        ((4, 8), (4,))
    """
    channels = inputs.shape[1]
    if dimension > channels:
        raise ValueError(f"a projection of {channels} channels has at most {channels} dimensions, not {dimension}")
    present, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    _, of_class, sizes = np.unique(sources[present], return_inverse=True, return_counts=True)
    weights = np.asarray(1 / (counts * sizes[of_class] * len(sizes)), np.float32)[classes]
    means = np.zeros((len(counts), channels), np.float32)
    np.add.at(means, classes, inputs)
    means /= counts[:, None].astype(np.float32)
    within = _covariance(inputs - means[classes], weights)
    scale = max(float(np.trace(within)) / channels, 1e-30)
    shrunk = (1 - whitening.shrinkage) * within / scale + whitening.shrinkage * np.eye(channels, dtype=np.float32)
    values, vectors = np.linalg.eigh(shrunk)
    damping = (vectors * values**-whitening.within) @ vectors.T

    damped = inputs @ damping
    mean = weights @ damped
    values, vectors = np.linalg.eigh(_covariance(damped - mean, weights))
    values, vectors = values[-dimension:], vectors[:, -dimension:]
    spread = np.maximum(values, 1e-6 * values[-1])
    projection = vectors * spread**-whitening.total if values[-1] > 0 else vectors
    weight = (damping @ projection).T
    bias = -whitening.centring * (mean @ projection)
    return np.ascontiguousarray(weight, np.float32), np.asarray(bias, np.float32)


def _covariance(rows: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((rows * weights[:, None]).T @ rows, np.float32)
