from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest

from samekind.errors import DatasetError
from samekind.evaluation.bootstrap import Estimate, bootstrap_over_images

Weights = np.ndarray | None

LABELS = np.array([0, 1, 0, 1, 1, 0, 2, 2])
ALL_PAIRS = np.array(list(combinations(range(len(LABELS)), 2)))


def mean_of(values: np.ndarray) -> Callable[[Weights], dict[str, float]]:
    return lambda weights: {"mean": float(np.average(values, weights=weights))}


def weights_seen(items: np.ndarray, labels: np.ndarray, resamples: int, seed: int) -> list[np.ndarray]:
    seen = []

    def measure(weights: Weights) -> dict[str, float]:
        if weights is not None:
            seen.append(weights)
        return {}

    bootstrap_over_images(measure, items, labels, resamples=resamples, seed=seed)
    return seen


def image_counts(labels: np.ndarray, resamples: int, seed: int) -> list[np.ndarray]:
    """How often each image comes in each resample: the weights of items of one image."""
    return weights_seen(np.arange(len(labels))[:, None], labels, resamples, seed)


def test_each_class_keeps_its_number_of_images() -> None:
    for counts in image_counts(LABELS, 50, seed=0):
        assert (counts == counts.astype(int)).all()
        assert np.bincount(LABELS, counts).tolist() == [3, 3, 2]


def test_every_image_comes_once_on_average() -> None:
    counts = np.array(image_counts(LABELS, 2_000, seed=0))
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.1)
    assert (counts.max(axis=0) >= 2).all()


@pytest.mark.parametrize("size", [2, 3])
def test_an_item_counts_as_often_as_its_images_together(size: int) -> None:
    items = np.array(list(combinations(range(len(LABELS)), size)))
    for weights, counts in zip(weights_seen(items, LABELS, 20, seed=3), image_counts(LABELS, 20, seed=3), strict=True):
        assert weights.tolist() == [np.prod([counts[i] for i in item]) for item in items]


def test_the_interval_is_that_of_repeating_the_items_by_hand() -> None:
    values = np.random.default_rng(0).normal(size=len(ALL_PAIRS))
    by_hand = []
    for counts in image_counts(LABELS, 200, seed=5):
        repeated = [
            value
            for (i, j), value in zip(ALL_PAIRS, values, strict=True)
            for _ in range(int(counts[i]) * int(counts[j]))
        ]
        by_hand.append(np.mean(repeated))
    found = bootstrap_over_images(mean_of(values), ALL_PAIRS, LABELS, resamples=200, seed=5)["mean"]
    assert found.value == pytest.approx(values.mean())
    assert [found.low, found.high] == pytest.approx(np.quantile(by_hand, [0.025, 0.975]).tolist())


def test_a_seed_decides_the_interval() -> None:
    measure = mean_of(np.random.default_rng(0).normal(size=len(ALL_PAIRS)))
    first, again, other = (
        bootstrap_over_images(measure, ALL_PAIRS, LABELS, resamples=50, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["mean"].value == other["mean"].value
    assert first["mean"].low != other["mean"].low


def test_what_does_not_vary_has_an_interval_of_no_width() -> None:
    measure = mean_of(np.full(len(ALL_PAIRS), 0.75))
    assert bootstrap_over_images(measure, ALL_PAIRS, LABELS, resamples=50)["mean"] == Estimate(0.75, 0.75, 0.75)


def test_the_interval_holds_the_value() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        measure = mean_of(rng.normal(size=len(ALL_PAIRS)))
        found = bootstrap_over_images(measure, ALL_PAIRS, LABELS, resamples=100, seed=seed)["mean"]
        assert found.low <= found.value <= found.high


def test_resamples_that_cannot_be_measured_are_left_out() -> None:
    values = np.arange(len(ALL_PAIRS), dtype=np.float64)
    calls = 0

    def measure(weights: Weights) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise DatasetError("one answer only")
        return {"mean": float(np.average(values, weights=weights)), "rare": np.nan if calls % 3 else 0.25}

    found = bootstrap_over_images(measure, ALL_PAIRS, LABELS, resamples=60)
    assert found["mean"].low < found["mean"].value < found["mean"].high
    assert [found["rare"].low, found["rare"].high] == [0.25, 0.25]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outcome", [DatasetError("one answer only"), np.nan])
def test_without_any_resample_the_interval_is_unknown(outcome: DatasetError | float) -> None:
    def measure(weights: Weights) -> dict[str, float]:
        if weights is None:
            return {"accuracy": 1.0}
        if isinstance(outcome, DatasetError):
            raise outcome
        return {"accuracy": outcome}

    found = bootstrap_over_images(measure, ALL_PAIRS, LABELS, resamples=5)["accuracy"]
    assert found.value == 1.0
    assert np.isnan([found.low, found.high]).all()


def shared_pairs(seed: int, images: int = 25, classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of images, some of which are harder than others: (margin of each pair, pairs, labels).

    The mean margin is 1 in the long run; the difficulty of an image has a variance of 1/4, as has the rest.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    pairs = np.stack(np.triu_indices(len(labels), 1), axis=1)
    difficulty = rng.normal(0, 0.5, len(labels))
    return 1 - difficulty[pairs].sum(axis=1) + rng.normal(0, 0.5, len(pairs)), pairs, labels


def test_pairs_that_share_images_are_known_to_say_less() -> None:
    margin, pairs, labels = shared_pairs(seed=0)
    found = bootstrap_over_images(mean_of(margin), pairs, labels, resamples=200)["mean"]
    rng = np.random.default_rng(0)
    over_pairs = [margin[rng.integers(0, len(pairs), len(pairs))].mean() for _ in range(200)]
    naive_low, naive_high = np.quantile(over_pairs, [0.025, 0.975])
    assert found.high - found.low > 3 * (naive_high - naive_low)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    simulations = 150
    truth = {"mean": 1.0, "accuracy": NormalDist().cdf(1 / np.sqrt(2 * 0.25 + 0.25))}
    covered = dict.fromkeys(truth, 0)
    for seed in range(simulations):
        margin, pairs, labels = shared_pairs(seed)
        right = margin > 0

        def measure(weights: Weights, margin: np.ndarray = margin, right: np.ndarray = right) -> dict[str, float]:
            weights = np.ones(len(margin)) if weights is None else weights
            return {"mean": weights @ margin / weights.sum(), "accuracy": weights @ right / weights.sum()}

        for name, found in bootstrap_over_images(measure, pairs, labels, resamples=150, seed=seed).items():
            covered[name] += found.low <= truth[name] <= found.high
    for name, times in covered.items():
        assert 0.88 <= times / simulations <= 0.99, f"{name}: {times} of {simulations}"


def test_the_interval_of_a_biased_metric_is_moved_down_by_its_bias() -> None:
    labels = np.zeros(40, np.int64)
    items = np.arange(40).reshape(-1, 2)
    noise = np.random.default_rng(0).normal(size=len(items))

    def distance_from_zero(weights: np.ndarray | None) -> dict[str, float]:
        return {"distance": abs(float(np.average(noise - noise.mean() + 0.01, weights=weights)))}

    plain = bootstrap_over_images(distance_from_zero, items, labels)["distance"]
    moved = bootstrap_over_images(distance_from_zero, items, labels, biased=frozenset({"distance"}))["distance"]
    assert plain.value == moved.value == pytest.approx(0.01)
    assert moved.low == 0.0
    assert moved.low <= moved.value <= moved.high < plain.high
