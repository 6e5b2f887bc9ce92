from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import roc_auc_score
from strategies import curve_by_scikit_learn, scored_answers

from samekind.evaluation.metrics.curve import ErrorCurve

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]

PERFECT = np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, True, False, False])
REVERSED = PERFECT[0], ~PERFECT[1]
ALL_ALIKE = np.full(4, 0.5), np.array([True, True, True, False])


def rates_by_definition(scores: np.ndarray, same: np.ndarray, threshold: float) -> tuple[Fraction, Fraction]:
    """(FAR, TAR) by counting."""
    accepted = [answer for score, answer in zip(scores, same, strict=True) if score >= threshold]
    yes = int(same.sum())
    return Fraction(accepted.count(False), len(same) - yes), Fraction(accepted.count(True), yes)


def eer_by_definition(scores: np.ndarray, same: np.ndarray) -> Fraction:
    """Where the line through the points (FAR, FRR) of all thresholds crosses FAR = FRR, in exact arithmetic."""
    thresholds = [np.inf, *sorted(set(scores.tolist()), reverse=True)]
    points = [(far, 1 - tar) for far, tar in (rates_by_definition(scores, same, t) for t in thresholds)]
    for (far, frr), (next_far, next_frr) in pairwise(points):
        if next_far >= next_frr:
            along = (frr - far) / ((frr - far) + (next_far - next_frr))
            return far + along * (next_far - far)
    raise AssertionError


@given(scored_answers())
def test_the_area_is_that_of_scikit_learn(scored: Scored) -> None:
    scores, same, weights = scored
    area = curve_by_scikit_learn(scores, same, weights).area
    assert area == pytest.approx(roc_auc_score(same, scores, sample_weight=weights), abs=1e-12)


@given(scored_answers())
def test_the_equal_error_rate_is_where_the_two_error_rates_meet(scored: Scored) -> None:
    scores, same, _ = scored
    rate = curve_by_scikit_learn(scores, same).equal_error_rate().rate
    assert rate == pytest.approx(float(eer_by_definition(scores, same)), abs=1e-12)


@given(scored_answers())
def test_no_threshold_has_both_error_rates_on_one_side_of_the_equal_error_rate(scored: Scored) -> None:
    scores, same, weights = scored
    curve = curve_by_scikit_learn(scores, same, weights)
    rate = curve.equal_error_rate().rate
    frr = 1 - curve.tar
    assert np.minimum(curve.far, frr).max() <= rate + 1e-12
    assert np.maximum(curve.far, frr).min() >= rate - 1e-12


@given(scored_answers())
def test_the_true_accept_rate_at_a_far_is_the_most_that_keeps_it(scored: Scored) -> None:
    scores, same, _ = scored
    curve = curve_by_scikit_learn(scores, same)
    for far in (0.0, 0.01, 0.25, 0.5, 1.0):
        assert curve.tar_at_far(far) == max(tar for own, tar in zip(curve.far, curve.tar, strict=True) if own <= far)


@pytest.mark.parametrize(
    ("data", "area", "rate", "threshold"),
    [(PERFECT, 1.0, 0.0, 0.8), (REVERSED, 0.0, 1.0, 0.8), (ALL_ALIKE, 0.5, 0.5, 0.5)],
    ids=["perfect", "reversed", "all alike"],
)
def test_extremes(data: tuple[np.ndarray, np.ndarray], area: float, rate: float, threshold: float) -> None:
    curve = curve_by_scikit_learn(*data)
    assert curve.area == area
    assert (curve.equal_error_rate().rate, curve.equal_error_rate().threshold) == (rate, threshold)


def test_the_threshold_of_the_all_no_end_is_not_interpolated() -> None:
    curve = ErrorCurve(np.array([np.inf, 0.4]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert curve.equal_error_rate().threshold == 0.4
