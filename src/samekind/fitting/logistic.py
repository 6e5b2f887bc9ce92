"""Logistic regression of a few features, whose weights are not negative, by numpy alone.

So calibrating needs no library that judging does not: scipy is as large as the core's other half.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from samekind.model_file.calibration import Floats, logistic

_STEPS, _HALVINGS = 200, 40
# A step that lowers the loss by so little is the last: it squares what is wrong, so nothing is left.
_LAST_GAIN = 1e-12


def fit_logistic(features: Floats, target: Floats, mass: Floats) -> Floats:
    """The weights, none of them negative, and the bias that fit best.

    The loss is convex. So its minimum is that over the weights which are not zero there, and with the few that there
    are each choice of these is tried.

    Args:
        features: float64 (N, K), K at most three or so.
        target: float64 (N,), the probability that each item should have, in [0, 1].
        mass: float64 (N,), how much each item weighs; all together one.

    Returns:
        float64 (K + 1,): the weights, then the bias.

    Example:
        >>> x = np.array([[0.0], [0.2], [0.8], [1.0]])
        >>> weight, bias = fit_logistic(x, np.array([0.1, 0.2, 0.8, 0.9]), np.full(4, 0.25))
        >>> bool(weight > 0), bool(abs(weight / 2 + bias) < 1e-9)
        (True, True)
    """
    x = np.column_stack([features, np.ones(len(features))])
    width = features.shape[1]
    best, least = np.zeros(width + 1), np.inf
    for used in _choices(width):
        found = np.zeros(width + 1)
        columns = [*used, width]
        found[columns] = _newton(x[:, columns], target, mass)
        if (found[:width] < 0).any():
            continue
        if len(used) == width:  # nothing holds it back, so nothing is better
            return found
        if (loss := _loss(x @ found, target, mass)) < least:
            best, least = found, loss
    return best


def _choices(width: int) -> Iterator[tuple[int, ...]]:
    """The sets of features, the largest first."""
    for size in range(width, -1, -1):
        yield from combinations(range(width), size)


def _newton(x: Floats, target: Floats, mass: Floats) -> Floats:
    """Newton's method with steps that are halved until the loss falls."""
    found = np.zeros(x.shape[1])
    loss = _loss(x @ found, target, mass)
    for _ in range(_STEPS):
        probability = logistic(x @ found)
        gradient = (mass * (probability - target)) @ x
        curvature = (x * (mass * probability * (1 - probability))[:, None]).T @ x
        # Features that are multiples of each other leave a direction without curvature.
        step: Floats = np.asarray(np.linalg.lstsq(curvature, gradient, rcond=None)[0], np.float64)
        if gradient @ step < _LAST_GAIN:
            return found - step
        for _ in range(_HALVINGS):
            lower = _loss(x @ (found - step), target, mass)
            if lower <= loss:
                break
            step = step / 2
        else:  # as near as the numbers allow
            break
        found, loss = found - step, lower
    return found


def _loss(score: Floats, target: Floats, mass: Floats) -> float:
    return float(mass @ (np.logaddexp(0.0, score) - target * score))
