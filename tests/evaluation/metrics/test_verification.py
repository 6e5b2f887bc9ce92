from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_score, recall_score
from strategies import rates_by_counting, scored_answers

from samekind.evaluation.metrics.metric import accuracy_at, precision_at, tar_at
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import rate_metrics, verdict_rates

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]


def balanced(same: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Weights by which yes and no weigh the same in all."""
    weights = np.ones(len(same)) if weights is None else weights
    return np.where(same, weights / weights[same].sum(), weights / weights[~same].sum())


@given(scored_answers(), st.floats(0, 1))
def test_precision_and_recall_are_those_of_scikit_learn(scored: Scored, threshold: float) -> None:
    scores, same, _ = scored
    predicted = scores >= threshold
    metrics = rate_metrics("x", *Scores.of(scores, same).rates(threshold))
    weight = balanced(same)
    assert metrics[tar_at("x")] == pytest.approx(recall_score(same, predicted))
    assert metrics[accuracy_at("x")] == pytest.approx(weight @ (predicted == same) / 2)
    if predicted.any():
        assert metrics[precision_at("x")] == pytest.approx(precision_score(same, predicted, sample_weight=weight))
    else:
        assert np.isnan(metrics[precision_at("x")])


@given(scored_answers(), st.sampled_from([-1.0, 0.0, 0.3, 0.5, 1.0, 2.0]))
def test_rates_of_verdicts_are_what_counting_gives(scored: Scored, threshold: float) -> None:
    scores, same, _ = scored
    assert verdict_rates(scores >= threshold, same) == rates_by_counting(scores, same, threshold)
