from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve
from strategies import curve_by_scikit_learn, rates_by_counting, scored_answers

from samekind.errors import DatasetError
from samekind.evaluation.metrics.reliability import BINS
from samekind.evaluation.metrics.scores import Scores, Side, equal_error_rate
from samekind.evaluation.metrics.verification import balanced_accuracy

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
    whole = curve_by_scikit_learn(scores, same, weights if with_weights else None)
    corners = (weighted(scores, same, weights) if with_weights else Scores.of(scores, same)).curve()
    assert corners.area == pytest.approx(whole.area)
    assert corners.equal_error_rate().rate == pytest.approx(whole.equal_error_rate().rate)
    for far in (0.001, 0.1, 0.35, 0.9):
        assert corners.tar_at_far(far) == pytest.approx(whole.tar_at_far(far))


@given(scored_answers())
def test_area_and_rates_are_those_of_scikit_learn(scored: Scored) -> None:
    scores, same, weights = scored
    found = weighted(scores, same, weights)
    assert found.curve().area == pytest.approx(roc_auc_score(same, scores, sample_weight=weights))
    far, tar, thresholds = roc_curve(same, scores, sample_weight=weights, drop_intermediate=False)
    for expected_far, expected_tar, threshold in zip(far[1:], tar[1:], thresholds[1:], strict=True):
        assert found.rates(threshold) == pytest.approx((expected_far, expected_tar))


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
    assert scores.curve().area == 0.5
    assert scores.curve().equal_error_rate().rate == 0.5
    assert scores.rates(0.5) == (1, 1)
    assert balanced_accuracy(*scores.rates(0.6)) == 0.5


@given(scored_answers())
def test_the_curve_and_what_is_read_off_it_do_not_depend_on_the_order_of_items(scored: Scored) -> None:
    scores, same, _ = scored
    turned = Scores.of(scores[::-1], same[::-1]).curve()
    np.testing.assert_array_equal(turned.tar, Scores.of(scores, same).curve().tar)


@given(scored_answers(most=20), st.integers(0, 1000))
def test_a_whole_weight_is_as_many_items(scored: Scored, seed: int) -> None:
    scores, same, _ = scored
    counts = np.random.default_rng(seed).integers(0, 4, len(scores))
    counts[:2] += 1
    light = weighted(scores, same, counts.astype(np.float64))
    many = Scores.of(scores.repeat(counts), same.repeat(counts))
    assert light.rates(0.5) == pytest.approx(many.rates(0.5))
    assert light.curve().area == pytest.approx(many.curve().area)
    assert light.curve().equal_error_rate().rate == pytest.approx(many.curve().equal_error_rate().rate)
    assert light.reliability(np.asarray).ece == pytest.approx(many.reliability(np.asarray).ece)
    for far in (0.0, 0.2, 1.0):
        assert light.curve().tar_at_far(far) == pytest.approx(many.curve().tar_at_far(far))


def by_definition(scores: np.ndarray, same: np.ndarray, threshold: float) -> tuple[Fraction, Fraction]:
    accepted = scores >= threshold
    return Fraction(int(accepted[~same].sum()), int((~same).sum())), Fraction(
        int(accepted[same].sum()), int(same.sum())
    )


@given(scored_answers(), st.one_of(st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1)))
def test_the_threshold_at_a_far_accepts_the_most_of_all_that_keep_the_promise(scored: Scored, far: float) -> None:
    scores, same, _ = scored
    threshold = Scores.of(scores, same).threshold_at_far(far)
    keeping = [t for t in [np.inf, *set(scores.tolist())] if float(by_definition(scores, same, t)[0]) <= far]
    assert threshold == min(keeping)


def test_a_promise_that_is_kept_to_the_last_item_is_kept() -> None:
    same = np.arange(2_000) % 2 == 0
    scores = np.random.default_rng(0).permutation(2_000) / 2_000
    for accepted in (1, 3, 10, 70, 999):
        far = accepted / 1_000
        threshold = Scores.of(scores, same).threshold_at_far(far)
        assert (scores[~same] >= threshold).sum() == accepted


def test_where_many_share_the_highest_score_only_accepting_nothing_keeps_a_promise() -> None:
    scores = Scores.of(np.array([0.5, 0.9, 0.9, 0.9]), np.array([True, True, False, False]))
    assert scores.threshold_at_far(0.1) == np.inf


def test_scores_of_single_precision_keep_their_thresholds() -> None:
    values = np.array([0.1, 0.2, 0.7, 0.9], np.float32)
    same = np.array([False, True, False, True])
    threshold = Scores.of(values, same).threshold_at_far(0.5)
    assert threshold == values[1]
    assert Scores.of(values, same).rates(threshold) == rates_by_counting(values, same, threshold) == (0.5, 1.0)


def test_the_threshold_of_the_equal_error_rate_has_equal_errors() -> None:
    rng = np.random.default_rng(0)
    same = np.arange(40_000) % 2 == 0
    scores = rng.normal(same * 2.0, 1.0)
    found = equal_error_rate(scores, same)
    far, tar = Scores.of(scores, same).rates(found.threshold)
    assert far == pytest.approx(found.rate, abs=1e-4)
    assert 1 - tar == pytest.approx(found.rate, abs=1e-4)
    assert found.rate == pytest.approx(0.1587, abs=0.005)  # two unit normals two apart: the tail beyond one


@pytest.mark.parametrize(
    ("probability", "same", "error"),
    [
        ([1.0, 0.0], [True, False], 0.0),
        ([1.0, 0.0], [False, True], 1.0),
        ([0.8] * 4 + [0.2] * 4, [True] * 4 + [False] * 4, 0.2),
        ([0.5, 0.5], [True, False], 0.0),
        ([0.1, 0.9], [True, False], 0.9),
    ],
)
def test_calibration_errors_that_are_plain_to_see(probability: list[float], same: list[bool], error: float) -> None:
    assert Scores.of(np.array(probability), np.array(same)).reliability(np.asarray).ece == pytest.approx(error)
