from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve
from strategies import scored_answers

from samekind.errors import DatasetError
from samekind.evaluation.verification import (
    accuracy,
    area_under_curve,
    curve_eer,
    curve_threshold_at_far,
    equal_error_rate,
    error_curve,
    expected_calibration_error,
    rates_at,
)

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]

PERFECT = np.array([0.9, 0.8, 0.3, 0.2]), np.array([True, True, False, False])
REVERSED = PERFECT[0], ~PERFECT[1]
ALL_ALIKE = np.full(4, 0.5), np.array([True, True, True, False])


def rates_by_definition(scores: np.ndarray, same: np.ndarray, threshold: float) -> tuple[Fraction, Fraction]:
    """(FAR, TAR) by counting."""
    accepted = [answer for score, answer in zip(scores, same, strict=True) if score >= threshold]
    yes = int(same.sum())
    return Fraction(accepted.count(False), len(same) - yes), Fraction(accepted.count(True), yes)


def rates_at_all_thresholds(scores: np.ndarray, same: np.ndarray) -> list[tuple[Fraction, Fraction]]:
    return [rates_by_definition(scores, same, t) for t in [np.inf, *sorted(set(scores.tolist()), reverse=True)]]


@given(scored_answers(), st.booleans())
def test_the_curve_is_that_of_scikit_learn(scored: Scored, weighted: bool) -> None:
    scores, same, weights = scored
    curve = error_curve(scores, same, weights if weighted else None)
    far, tar, thresholds = roc_curve(same, scores, sample_weight=weights if weighted else None, drop_intermediate=False)
    np.testing.assert_allclose(curve.far, far, atol=1e-12)
    np.testing.assert_allclose(curve.tar, tar, atol=1e-12)
    np.testing.assert_array_equal(curve.threshold, thresholds)


@given(scored_answers())
def test_the_curve_holds_what_counting_at_each_threshold_gives(scored: Scored) -> None:
    scores, same, _ = scored
    curve = error_curve(scores, same)
    assert [*zip(curve.far, curve.tar, strict=True)] == [
        (float(far), float(tar)) for far, tar in rates_at_all_thresholds(scores, same)
    ]


@given(scored_answers(), st.booleans())
def test_the_area_is_that_of_scikit_learn(scored: Scored, weighted: bool) -> None:
    scores, same, weights = scored
    chosen = weights if weighted else None
    assert area_under_curve(error_curve(scores, same, chosen)) == pytest.approx(
        roc_auc_score(same, scores, sample_weight=chosen), abs=1e-12
    )


@given(scored_answers())
def test_accuracy_is_that_of_scikit_learn(scored: Scored) -> None:
    scores, same, weights = scored
    predicted = scores >= 0.5
    assert accuracy(predicted, same) == pytest.approx(accuracy_score(same, predicted))
    assert accuracy(predicted, same, weights) == pytest.approx(accuracy_score(same, predicted, sample_weight=weights))


@given(scored_answers(), st.sampled_from([-1.0, 0.0, 0.3, 0.5, 1.0, 2.0]))
def test_rates_at_a_threshold_are_what_counting_gives(scored: Scored, threshold: float) -> None:
    scores, same, _ = scored
    assert rates_at(scores, same, threshold) == tuple(map(float, rates_by_definition(scores, same, threshold)))


@given(scored_answers())
def test_rates_of_verdicts_are_those_of_the_scores_behind_them(scored: Scored) -> None:
    scores, same, weights = scored
    assert rates_at(scores >= 0.5, same, 0.5, weights) == rates_at(scores, same, 0.5, weights)


def eer_by_definition(scores: np.ndarray, same: np.ndarray) -> Fraction:
    """Where the line through the points (FAR, FRR) of all thresholds crosses FAR = FRR, in exact arithmetic."""
    points = [(far, 1 - tar) for far, tar in rates_at_all_thresholds(scores, same)]
    for (far, frr), (next_far, next_frr) in pairwise(points):
        if next_far >= next_frr:
            along = (frr - far) / ((frr - far) + (next_far - next_frr))
            return far + along * (next_far - far)
    raise AssertionError


@given(scored_answers())
def test_the_equal_error_rate_is_where_the_two_error_rates_meet(scored: Scored) -> None:
    scores, same, _ = scored
    assert equal_error_rate(scores, same).rate == pytest.approx(float(eer_by_definition(scores, same)), abs=1e-12)


@given(scored_answers())
def test_no_threshold_has_both_error_rates_on_one_side_of_the_equal_error_rate(scored: Scored) -> None:
    scores, same, weights = scored
    curve = error_curve(scores, same, weights)
    rate = curve_eer(curve).rate
    frr = 1 - curve.tar
    assert np.minimum(curve.far, frr).max() <= rate + 1e-12
    assert np.maximum(curve.far, frr).min() >= rate - 1e-12


def test_the_threshold_of_the_equal_error_rate_has_equal_errors() -> None:
    rng = np.random.default_rng(0)
    same = np.arange(40_000) % 2 == 0
    scores = rng.normal(same * 2.0, 1.0)
    found = equal_error_rate(scores, same)
    far, tar = rates_at(scores, same, found.threshold)
    assert far == pytest.approx(found.rate, abs=1e-4)
    assert 1 - tar == pytest.approx(found.rate, abs=1e-4)
    assert found.rate == pytest.approx(0.1587, abs=0.005)  # two unit normals two apart: the tail beyond one


@given(scored_answers(), st.one_of(st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1)))
def test_the_threshold_at_a_far_accepts_the_most_of_all_that_keep_the_promise(scored: Scored, far: float) -> None:
    scores, same, _ = scored
    threshold, measured_far, measured_tar = curve_threshold_at_far(error_curve(scores, same), far)
    assert measured_far <= far
    assert (measured_far, measured_tar) == rates_at(scores, same, threshold)
    keeping = [
        (rates, t) for t in [np.inf, *set(scores.tolist())] if (rates := rates_by_definition(scores, same, t))[0] <= far
    ]
    assert measured_tar == float(max(tar for (_, tar), _ in keeping))
    assert threshold == min(t for _, t in keeping)


def probabilities(most: int = 50) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return st.integers(1, most).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, n, elements=st.floats(0, 1)),
            arrays(np.bool_, n),
            arrays(np.float64, n, elements=st.floats(0.1, 5)),
        )
    )


def ece_by_definition(probability: np.ndarray, same: np.ndarray, weights: np.ndarray, bins: int) -> float:
    error = 0.0
    for k in range(bins):
        inside = (probability >= k / bins) & ((probability < (k + 1) / bins) | (k == bins - 1))
        if inside.any():
            share = weights[inside].sum() / weights.sum()
            stated = np.average(probability[inside], weights=weights[inside])
            found = np.average(same[inside], weights=weights[inside])
            error += share * abs(stated - found)
    return error


@given(probabilities(), st.integers(1, 20))
def test_the_calibration_error_is_that_of_its_definition(data: Scored, bins: int) -> None:
    probability, same, weights = data
    edges = np.arange(bins + 1) / bins
    assume(np.isin(probability, edges).all() or np.abs(probability[:, None] - edges).min() > 1e-12)
    assert expected_calibration_error(probability, same, weights, bins) == pytest.approx(
        ece_by_definition(probability, same, weights, bins), abs=1e-12
    )


@pytest.mark.parametrize(
    ("probability", "same", "error"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 0.0], [False, True], 1.0),
        ([0.8] * 5, [True] * 4 + [False], 0.0),
        ([0.8] * 5, [True] * 2 + [False] * 3, 0.4),
        ([0.1, 0.9], [True, False], 0.9),
    ],
)
def test_calibration_errors_that_are_plain_to_see(probability: list[float], same: list[bool], error: float) -> None:
    assert expected_calibration_error(np.array(probability), np.array(same)) == pytest.approx(error)


MEASURES: dict[str, Callable[..., object]] = {
    "curve": lambda s, a, w: np.concatenate(list(vars(error_curve(s, a, w)).values())),
    "area": lambda s, a, w: area_under_curve(error_curve(s, a, w)),
    "equal error rate": lambda s, a, w: equal_error_rate(s, a, w).rate,
    "tar at far": lambda s, a, w: curve_threshold_at_far(error_curve(s, a, w), 0.2)[2],
    "rates": lambda s, a, w: rates_at(s, a, 0.5, w),
    "accuracy": lambda s, a, w: accuracy(s >= 0.5, a, w),
    "calibration": expected_calibration_error,
}


@pytest.mark.parametrize("name", MEASURES)
@given(scored=scored_answers(most=20), seed=st.integers(0, 1000))
def test_a_whole_weight_is_as_many_items(name: str, scored: Scored, seed: int) -> None:
    scores, same, _ = scored
    counts = np.random.default_rng(seed).integers(0, 4, len(scores))
    counts[:2] += 1
    weighted = MEASURES[name](scores, same, counts.astype(np.float64))
    repeated = MEASURES[name](scores.repeat(counts), same.repeat(counts), None)
    if name == "curve":  # a weight of nothing leaves its threshold on the curve, as a step of no height
        weighted = MEASURES[name](scores[counts > 0], same[counts > 0], counts[counts > 0].astype(np.float64))
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
@given(scored=scored_answers(), factor=st.sampled_from([0.25, 1.0, 8.0]))
def test_equal_weights_are_no_weights(name: str, scored: Scored, factor: float) -> None:
    scores, same, _ = scored
    weighted, plain = (MEASURES[name](scores, same, w) for w in (np.full(len(scores), factor), None))
    np.testing.assert_allclose(weighted, plain, atol=1e-12)


@given(scored_answers(), st.randoms(use_true_random=False))
def test_the_order_of_items_makes_no_difference(scored: Scored, random: object) -> None:
    scores, same, weights = scored
    order = np.random.default_rng(random.randrange(1000)).permutation(len(scores))  # type: ignore[attr-defined]
    for measure in MEASURES.values():
        np.testing.assert_allclose(
            measure(scores[order], same[order], weights[order]), measure(scores, same, weights), atol=1e-12
        )


@pytest.mark.parametrize(
    ("data", "area", "rate", "threshold"),
    [(PERFECT, 1.0, 0.0, 0.8), (REVERSED, 0.0, 1.0, 0.8), (ALL_ALIKE, 0.5, 0.5, 0.5)],
    ids=["perfect", "reversed", "all alike"],
)
def test_extremes(data: tuple[np.ndarray, np.ndarray], area: float, rate: float, threshold: float) -> None:
    curve = error_curve(*data)
    assert area_under_curve(curve) == area
    assert curve_eer(curve).rate == rate
    assert curve_eer(curve).threshold == threshold


@pytest.mark.parametrize(("data", "tar"), [(PERFECT, 1.0), (REVERSED, 0.0), (ALL_ALIKE, 0.0)])
def test_no_false_accepts_at_all_can_be_asked_for(data: tuple[np.ndarray, np.ndarray], tar: float) -> None:
    assert curve_threshold_at_far(error_curve(*data), 0.0)[1:] == (0.0, tar)


def test_scores_of_single_precision_keep_their_thresholds() -> None:
    scores = np.array([0.1, 0.2, 0.7, 0.9], np.float32)
    same = np.array([False, True, False, True])
    threshold, *rates = curve_threshold_at_far(error_curve(scores, same), 0.5)
    assert threshold == scores[1]
    assert rates_at(scores, same, threshold) == tuple(rates)


@pytest.mark.parametrize(
    ("same", "weights"),
    [
        ([True, True], None),
        ([False, False], None),
        ([], None),
        ([True, False], [1.0, 0.0]),
        ([True, False], [0.0, 1.0]),
        ([True, False], [0.0, 0.0]),
    ],
)
def test_rates_without_items_of_both_answers_are_refused(same: list[bool], weights: list[float] | None) -> None:
    scores = np.linspace(0, 1, len(same))
    with pytest.raises(DatasetError, match="items of both answers"):
        error_curve(scores, np.array(same, np.bool_), None if weights is None else np.array(weights))


def test_the_accuracy_of_items_that_weigh_nothing_is_unknown() -> None:
    assert np.isnan(accuracy(np.array([True]), np.array([True]), np.array([0.0])))
