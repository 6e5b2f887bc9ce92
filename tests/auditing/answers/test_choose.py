import numpy as np
import pytest
from auditing.conftest import clustered
from hypothesis import given
from hypothesis import strategies as st

from samekind.auditing.answers.choose import choose_pairs

SCALE, BIAS = 12.0, -6.0


def probability(rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    similarity = np.einsum("nd,nd->n", rows[pairs[:, 0]], rows[pairs[:, 1]])
    return 1 / (1 + np.exp(-(SCALE * similarity + BIAS)))


def test_uncertain_pairs_come_more_often_than_by_lot() -> None:
    rows, _ = clustered(20, 10, noise=0.25)
    chosen = probability(rows, choose_pairs(rows, SCALE, BIAS, 100).pairs)
    everything = probability(rows, np.column_stack(np.triu_indices(len(rows), 1)))
    uncertain = lambda p: ((p > 0.1) & (p < 0.9)).mean()  # noqa: E731
    assert uncertain(chosen) > 3 * uncertain(everything)


def test_weights_make_of_them_the_pairs_of_all() -> None:
    """The weighted mean of anything is that of all pairs, in the mean over lots."""
    rows, _ = clustered(12, 8, noise=0.3)
    first, second = np.triu_indices(len(rows), 1)
    truth = (rows @ rows.T)[first, second].mean()
    found = []
    for seed in range(40):
        pairs, weight = choose_pairs(rows, SCALE, BIAS, 60, seed)
        found.append(np.average(np.einsum("nd,nd->n", rows[pairs[:, 0]], rows[pairs[:, 1]]), weights=weight))
    assert np.mean(found) == pytest.approx(truth, abs=0.02)


@given(st.integers(2, 12), st.integers(1, 80), st.integers(0, 5))
def test_pairs_are_different_and_as_many_as_there_can_be(count: int, wanted: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs, weight = choose_pairs(rows, SCALE, BIAS, wanted, seed)
    assert len(pairs) == len(weight) == min(wanted, count * (count - 1) // 2)
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == len(pairs)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert weight.mean() == pytest.approx(1)
    assert (weight > 0).all()


def test_images_take_turns() -> None:
    rows, _ = clustered(20, 10, noise=0.25)
    pairs = choose_pairs(rows, SCALE, BIAS, 100).pairs
    assert np.bincount(pairs.ravel()).max() <= 4
