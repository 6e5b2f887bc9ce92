from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, precision_score, recall_score, roc_auc_score, roc_curve
from strategies import scored_answers

from samekind.errors import DatasetError
from samekind.evaluation.metrics import balanced_accuracy, rate_metrics
from samekind.evaluation.scores import BINS, Scores, Side, at_least, bin_edges, bin_of, bin_values
from samekind.evaluation.verification import area_under_curve, curve_eer, curve_threshold_at_far, error_curve

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]


def weighted(scores: np.ndarray, same: np.ndarray, weights: np.ndarray) -> Scores:
    sides = []
    for answer in (True, False):
        order = np.argsort(scores[same == answer], kind="stable")
        sides.append(Side(scores[same == answer][order], weights[same == answer][order]))
    return Scores(*sides)


def balanced(same: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Weights by which yes and no weigh the same in all."""
    weights = np.ones(len(same)) if weights is None else weights
    return np.where(same, weights / weights[same].sum(), weights / weights[~same].sum())


@given(scored_answers(), st.booleans())
def test_the_corners_of_the_curve_make_the_whole_curve(scored: Scored, with_weights: bool) -> None:
    scores, same, weights = scored
    whole = error_curve(scores, same, weights if with_weights else None)
    corners = (weighted(scores, same, weights) if with_weights else Scores.of(scores, same)).curve()
    assert area_under_curve(corners) == pytest.approx(area_under_curve(whole))
    assert curve_eer(corners).rate == pytest.approx(curve_eer(whole).rate)
    for far in (0.001, 0.1, 0.35, 0.9):
        assert curve_threshold_at_far(corners, far)[2] == pytest.approx(curve_threshold_at_far(whole, far)[2])


@given(scored_answers())
def test_area_and_rates_are_those_of_scikit_learn(scored: Scored) -> None:
    scores, same, weights = scored
    found = weighted(scores, same, weights)
    assert area_under_curve(found.curve()) == pytest.approx(roc_auc_score(same, scores, sample_weight=weights))
    far, tar, thresholds = roc_curve(same, scores, sample_weight=weights, drop_intermediate=False)
    for expected_far, expected_tar, threshold in zip(far[1:], tar[1:], thresholds[1:], strict=True):
        assert found.rates(threshold) == pytest.approx((expected_far, expected_tar))


@given(scored_answers(), st.floats(0, 1))
def test_precision_and_recall_are_those_of_scikit_learn(scored: Scored, threshold: float) -> None:
    scores, same, _ = scored
    predicted = scores >= threshold
    metrics = rate_metrics("x", *Scores.of(scores, same).rates(threshold))
    weight = balanced(same)
    assert metrics["TAR at x"] == pytest.approx(recall_score(same, predicted))
    assert metrics["accuracy at x"] == pytest.approx(weight @ (predicted == same) / 2)
    if predicted.any():
        assert metrics["precision at x"] == pytest.approx(precision_score(same, predicted, sample_weight=weight))
    else:
        assert np.isnan(metrics["precision at x"])


@given(scored_answers(), st.booleans())
def test_brier_and_log_loss_are_those_of_scikit_learn(scored: Scored, with_weights: bool) -> None:
    scores, same, weights = scored
    found = (weighted(scores, same, weights) if with_weights else Scores.of(scores, same)).reliability(np.asarray)
    weight = balanced(same, weights if with_weights else None)
    assert found.brier == pytest.approx(brier_score_loss(same, scores, sample_weight=weight))
    assert found.log_loss == pytest.approx(log_loss(same, scores, sample_weight=weight))


@given(
    arrays(np.float64, 40, elements=st.floats(0.01, 0.99)).filter(lambda p: not np.isclose(p * BINS % 1, 0).any()),
)
def test_the_reliability_diagram_is_that_of_scikit_learn(probability: np.ndarray) -> None:
    same = np.arange(40) % 2 == 0  # as many of both, so that no weights are needed
    found = Scores.of(probability, same).reliability(np.asarray)
    frequency, mean = calibration_curve(same, probability, n_bins=BINS)
    filled = found.share > 0
    np.testing.assert_allclose(found.frequency[filled], frequency)
    np.testing.assert_allclose(found.probability[filled], mean)
    assert found.ece == pytest.approx(found.share[filled] @ np.abs(frequency - mean))
    assert found.share.sum() == pytest.approx(1)


@pytest.mark.parametrize("answer", [True, False])
def test_one_answer_has_no_curve(answer: bool) -> None:
    scores = Scores.of(np.array([0.1, 0.2]), np.array([answer, answer]))
    with pytest.raises(DatasetError, match="both answers"):
        scores.curve()


def test_scores_that_are_all_alike_are_chance() -> None:
    scores = Scores.of(np.full(6, 0.5, np.float32), np.arange(6) < 2)
    assert area_under_curve(scores.curve()) == 0.5
    assert curve_eer(scores.curve()).rate == 0.5
    assert scores.rates(0.5) == (1, 1)
    assert balanced_accuracy(*scores.rates(0.6)) == 0.5


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
