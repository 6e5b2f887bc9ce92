from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.evaluation.metrics.metric import Interval
from samekind.evaluation.resampling.intervals import Drawn


@given(st.floats(0, 1), st.floats(0, 0.02), st.integers(1, 100))
def test_the_interval_of_a_share_holds_it_and_stays_within_0_and_1(value: float, spread: float, fewest: int) -> None:
    draws = value + spread * np.array([-1.0, 0.0, 1.0])
    found = Drawn(value, draws, Interval.SHARE, effective_n=fewest).estimate()
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("interval", [Interval.SHARE, Interval.SKEWED_SHARE])
def test_no_errors_seen_are_not_no_errors(interval: Interval) -> None:
    found = Drawn(0.0, np.zeros(100), interval, effective_n=50).estimate()
    assert found.low == 0
    assert found.high == pytest.approx(1 - 1 / (1 + 1.96**2 / 50), abs=1e-3)  # Wilson's, of none in 50


def test_resamples_that_cannot_be_measured_are_left_out() -> None:
    found = Drawn(0.5, np.array([np.nan, 0.4, 0.5, 0.6])).estimate()
    assert 0.4 <= found.low < 0.5 < found.high <= 0.6


@pytest.mark.filterwarnings("error")
def test_without_any_resample_the_interval_is_unknown() -> None:
    found = Drawn(1.0, np.array([np.nan, np.nan])).estimate()
    assert found.value == 1.0
    assert np.isnan([found.low, found.high]).all()


def test_the_interval_of_a_biased_metric_is_moved_down_by_its_bias() -> None:
    draws = np.linspace(0.02, 0.1, 200)
    plain, moved = (Drawn(0.03, draws, kind).estimate() for kind in (Interval.PERCENTILE, Interval.BIAS_CORRECTED))
    assert moved.low == 0.0
    assert moved.high == pytest.approx(plain.high - (draws.mean() - 0.03))


def test_a_skewed_share_has_the_percentiles_of_its_resamples() -> None:
    draws = np.linspace(0.2, 0.9, 200)
    skewed, plain = (Drawn(0.8, draws, kind).estimate() for kind in (Interval.SKEWED_SHARE, Interval.PERCENTILE))
    assert skewed == plain
