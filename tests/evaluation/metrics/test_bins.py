from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samekind.evaluation.metrics.bins import at_least, bin_edges, bin_of, bin_values


@given(st.floats(-1, 1, width=32), st.floats(-1e-8, 1e-8))
def test_a_threshold_in_the_type_of_the_scores_lets_the_same_ones_pass(score: float, offset: float) -> None:
    threshold = score + offset
    assert (np.float32(score) >= at_least(np.array([threshold]), np.dtype(np.float32))[0]) == (score >= threshold)


@given(arrays(np.float32, st.integers(1, 300), elements=st.floats(-1, 1, width=32)), st.floats(-0.9, 0.9))
def test_each_score_is_in_the_bin_that_stands_for_it(scores: np.ndarray, threshold: float) -> None:
    scores = np.sort(scores)
    edges = bin_edges([scores], [threshold], most=16)
    assert len(edges) < 40
    index, values = bin_of(scores, edges), bin_values([scores], edges)
    assert (index >= 0).all()
    assert (np.diff(values) > 0).all()
    # Rates at a threshold are exact, whatever the bins.
    assert ((values[index] >= threshold) == (scores.astype(np.float64) >= threshold)).all()


def test_few_different_scores_have_a_bin_each() -> None:
    scores = np.sort(np.random.default_rng(0).choice(np.linspace(-1, 1, 30).astype(np.float32), 5_000))
    values = bin_values([scores], bin_edges([scores], []))
    assert set(np.unique(scores).tolist()) <= set(values.tolist())
