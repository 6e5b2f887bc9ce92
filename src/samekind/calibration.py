"""From similarities to probabilities: applying the pair and trio links of a card (``evaluation.links`` fits them)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.card import PairCalibration, TrioCalibration
from samekind.errors import OperatingPointError

Floats = NDArray[np.float64]

DEFAULT_OPERATING_POINT = "balanced"


def logistic(score: Floats) -> Floats:
    """1 / (1 + exp(-score)), without overflow.

    Example:
        >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.exp(-np.logaddexp(0.0, -score))


def pair_probability(link: PairCalibration, similarity: NDArray[np.floating]) -> Floats:
    """P(same class) for each similarity.

    Args:
        link: The pair link of a card.
        similarity: (N,) or scalar, in [-1, 1].

    Returns:
        float64, the shape of ``similarity``, in [0, 1].
    """
    return logistic(link.scale * np.asarray(similarity, np.float64) + link.bias)


def trio_probability(link: TrioCalibration, similarities: NDArray[np.floating]) -> Floats:
    """P(at least two of three share a class) for each trio.

    Args:
        link: The trio link of a card.
        similarities: (N, 3), the similarities of the three pairs of each trio, in any order.

    Returns:
        float64 (N,), in [0, 1]; the same to the bit for every order of the three.
    """
    descending = -np.sort(-np.asarray(similarities, np.float64), axis=1)
    # One product at a time: a matrix product may sum in an order that depends on the batch.
    first, second, third = (descending[:, i] * link.weights[i] for i in range(3))
    return logistic(first + second + third + link.bias)


def choose_threshold(
    link: PairCalibration | TrioCalibration, operating_point: str | None, threshold: float | None
) -> tuple[str | None, float]:
    """The threshold to judge at, by name or as a number; with neither, that of ``balanced``.

    Args:
        link: The link of a card: its thresholds are similarities for pairs, probabilities for trios.
        operating_point: A name, or None.
        threshold: A number, or None.

    Returns:
        The name (None for a number) and the threshold.

    Raises:
        OperatingPointError: The model has none of that name, both were given, or the number is out of range.
    """
    if threshold is None:
        name = DEFAULT_OPERATING_POINT if operating_point is None else operating_point
        if name not in link.operating_points:
            known = ", ".join(link.operating_points)
            raise OperatingPointError(f"no operating point {name!r}; this model has {known}")
        return name, link.operating_points[name].threshold
    if operating_point is not None:
        raise OperatingPointError("give an operating point or a threshold, not both")
    scale, lowest = ("similarity", -1.0) if isinstance(link, PairCalibration) else ("probability", 0.0)
    if not lowest <= threshold <= 1.0:
        raise OperatingPointError(f"the threshold is a {scale}, from {lowest:g} to 1; got {threshold:g}")
    return None, float(threshold)
