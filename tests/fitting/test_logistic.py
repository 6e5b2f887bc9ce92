"""The fit is scipy's minimum under the same bounds, found by other means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from samekind.fitting.logistic import fit_logistic


def by_scipy(x: np.ndarray, target: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """The bounded minimum, from two starts."""

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        score = x @ parameters[:-1] + parameters[-1]
        error = mass * (1 / (1 + np.exp(-score)) - target)
        return float(mass @ (np.logaddexp(0, score) - target * score)), np.append(error @ x, error.sum())

    bounds = [(0, None)] * x.shape[1] + [(None, None)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000, "maxfun": 50_000}
    found = [
        minimize(loss_and_gradient, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
        for start in (np.zeros(x.shape[1] + 1), np.append(np.full(x.shape[1], 5.0), -2.5))
    ]
    return min(found, key=lambda one: one.fun).x


def problem(seed: int, width: int, gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    same = rng.random(300) < 0.3
    same[:2] = True, False
    x = rng.normal(np.where(same, gap, 0)[:, None] * rng.normal(1, 1, width), 0.3, (300, width))
    return x, np.where(same, 0.99, 0.01), np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())


@given(st.integers(0, 10_000), st.integers(1, 3), st.floats(0.1, 1.5))
@settings(max_examples=25)
def test_it_is_the_bounded_minimum(seed: int, width: int, gap: float) -> None:
    x, target, mass = problem(seed, width, gap)
    found, expected = fit_logistic(x, target, mass), by_scipy(x, target, mass)
    assert (found[:-1] >= 0).all()
    assert found == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_a_feature_that_misleads_weighs_nothing() -> None:
    x, target, mass = problem(0, 2, 1.0)
    x[:, 1] = -x[:, 0] + np.random.default_rng(1).normal(0, 0.1, len(x))
    weights = fit_logistic(np.stack([np.abs(x[:, 0]) * np.sign(target - 0.5), x[:, 1]], axis=1), target, mass)
    assert weights[0] > 0
    assert weights[1] >= 0


def test_features_that_are_copies_of_each_other_have_a_minimum_all_the_same() -> None:
    x, target, mass = problem(2, 1, 1.0)
    alone = fit_logistic(x, target, mass)
    twice = fit_logistic(np.repeat(x, 2, axis=1), target, mass)
    assert twice[:2].sum() == pytest.approx(alone[0], rel=1e-6)
    assert twice[2] == pytest.approx(alone[1], rel=1e-6)
