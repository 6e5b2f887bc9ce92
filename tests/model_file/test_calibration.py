from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from conftest import make_card
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from samekind.errors import OperatingPointError
from samekind.model_file.calibration import (
    PairCalibration,
    TrioCalibration,
    choose_threshold,
    logistic,
    pair_probability,
    trio_probability,
)

PAIR, TRIO = make_card().pair, make_card().trio
assert TRIO is not None

similarity = st.floats(-1, 1, width=32)
weight = st.floats(0, 100)
bias = st.floats(-50, 50)


def trio_link(weights: tuple[float, float, float], offset: float) -> TrioCalibration:
    return TRIO.model_copy(update={"weights": weights, "bias": offset})


@given(arrays(np.float64, 20, elements=st.floats(-800, 800)))
def test_logistic_is_that_of_scipy(score: np.ndarray) -> None:
    np.testing.assert_allclose(logistic(score), expit(score), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("score", [0.0, -0.0, 1e308, -1e308, np.inf, -np.inf, 1e-308, 745.2, -745.2])
def test_logistic_of_extremes_is_exact_and_silent(score: float) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert logistic(np.array([score])) == expit(np.array([score]))


@given(st.floats(1e-3, 100), bias, st.lists(similarity, min_size=2, max_size=20))
def test_pair_probability_rises_with_similarity(scale: float, offset: float, similarities: list[float]) -> None:
    link = PAIR.model_copy(update={"scale": scale, "bias": offset})
    probability = pair_probability(link, np.sort(np.array(similarities, np.float32)))
    # One unit in the last place is the rounding of exp and log.
    assert (np.diff(probability) >= -np.spacing(probability[1:])).all()
    assert probability.min() >= 0
    assert probability.max() <= 1


def test_pair_probability_rises_strictly_over_the_range() -> None:
    assert (np.diff(pair_probability(PAIR, np.linspace(-1, 1, 1001))) > 0).all()


def test_pair_probability_is_platt_scaling() -> None:
    values = np.linspace(-1, 1, 9)
    assert pair_probability(PAIR, values) == pytest.approx(expit(10.0 * values - 5.0), rel=1e-12)


@pytest.mark.parametrize("shape", [(), (0,), (3,)])
def test_pair_probability_keeps_the_shape(shape: tuple[int, ...]) -> None:
    probability = pair_probability(PAIR, np.zeros(shape, np.float32))
    assert np.shape(probability) == shape
    assert probability.dtype == np.float64


@given(st.tuples(similarity, similarity, similarity), st.tuples(weight, weight, weight), bias)
def test_trio_probability_is_the_same_to_the_bit_in_every_order(
    trio: tuple[float, float, float], weights: tuple[float, float, float], offset: float
) -> None:
    link = trio_link(weights, offset)
    alone = {trio_probability(link, np.array([order]))[0].tobytes() for order in permutations(trio)}
    together = {value.tobytes() for value in trio_probability(link, np.array(list(permutations(trio))))}
    assert len(alone | together) == 1


@given(st.tuples(similarity, similarity, similarity), st.integers(0, 2), similarity, st.tuples(weight, weight, weight))
def test_trio_probability_never_falls_as_two_come_closer(
    trio: tuple[float, float, float], which: int, other: float, weights: tuple[float, float, float]
) -> None:
    further, closer = list(trio), list(trio)
    further[which], closer[which] = sorted((trio[which], other))
    before, after = trio_probability(trio_link(weights, -5.0), np.array([further, closer]))
    assert after >= before - 1e-14


def test_trio_probability_weighs_from_the_most_alike_down() -> None:
    expected = expit(10.0 * 0.9 + 1.0 * 0.2 + 0.5 * -0.3 - 6.0)
    assert trio_probability(TRIO, np.array([[0.2, 0.9, -0.3]])) == pytest.approx([expected], rel=1e-12)


def test_no_trios_have_no_probabilities() -> None:
    assert trio_probability(TRIO, np.empty((0, 3), np.float32)).shape == (0,)


@pytest.mark.parametrize("link", [PAIR, TRIO], ids=["pair", "trio"])
def test_operating_points_are_found_by_name(link: PairCalibration | TrioCalibration) -> None:
    assert choose_threshold(link, "strict", None) == ("strict", 0.8)
    assert choose_threshold(link, None, None) == ("balanced", 0.5)


@pytest.mark.parametrize("name", ["loose", "", "very"])
def test_unknown_operating_point_lists_the_known(name: str) -> None:
    with pytest.raises(OperatingPointError) as caught:
        choose_threshold(PAIR, name, None)
    assert str(caught.value) == f"no operating point {name!r}; this model has balanced, strict"


@pytest.mark.parametrize(("name", "needed"), [("strict", "1,000"), ("very_strict", "10,000")])
def test_a_missing_operating_point_says_why_and_what_would_give_it(name: str, needed: str) -> None:
    points = {"balanced": PAIR.operating_points["balanced"]}
    few = PAIR.model_copy(update={"operating_points": points})
    with pytest.raises(OperatingPointError) as caught:
        choose_threshold(few, name, None)
    said = str(caught.value)
    assert said.startswith(f"no operating point {name!r}; this model has balanced: it was calibrated with ")
    assert f"takes at least {needed}; `samekind calibrate MODEL IMAGES` with more images gives it" in said


def test_a_missing_operating_point_in_spite_of_enough_pairs() -> None:
    measured = PAIR.measured_on.model_copy(update={"negatives": 5_000})
    points = {"balanced": PAIR.balanced}
    alike = PAIR.model_copy(update={"operating_points": points, "measured_on": measured})
    with pytest.raises(OperatingPointError, match="too many pairs of different kinds are as alike as can be"):
        choose_threshold(alike, "strict", None)


def test_a_name_that_is_nearly_right() -> None:
    with pytest.raises(OperatingPointError, match=r"Did you mean balanced\?"):
        choose_threshold(PAIR, "Balanced", None)
