from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from samekind.evaluation.resampling.bootstrap import SMALLEST_CLASS, Resamples, draw
from samekind.evaluation.resampling.intervals import Drawn, Estimate

LABELS = np.repeat([0, 1, 2], [8, 9, 12])
CLASSES = np.repeat(np.arange(10), 3)


def items_weights(resamples: Resamples, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = list(resamples.of_items(items))
    return np.concatenate([weights for _, weights, _ in parts]), np.concatenate([noise for _, _, noise in parts])


def all_items(labels: np.ndarray, size: int) -> np.ndarray:
    return np.array(list(combinations(range(len(labels)), size)))


def test_images_are_drawn_within_their_class() -> None:
    resamples = draw(LABELS, 300, seed=0)
    assert resamples.weights.dtype == np.float32
    for label, size in enumerate(np.bincount(LABELS)):
        weights = resamples.weights[label == LABELS]
        np.testing.assert_allclose(weights.sum(axis=0), size, rtol=1e-5)
        np.testing.assert_allclose(weights.mean(axis=1), 1.0, atol=0.25)
        assert len(np.unique(weights)) > 2


def test_whole_classes_are_drawn_with_all_their_images() -> None:
    resamples = draw(CLASSES, 200, seed=0, whole=np.ones(10, np.bool_))
    by_class = resamples.weights.reshape(10, 3, -1)
    assert (by_class == by_class[:, :1]).all()
    np.testing.assert_allclose(by_class[:, 0].sum(axis=0), 10, rtol=1e-5)


def test_small_classes_are_drawn_as_a_whole() -> None:
    labels = np.repeat([0, 1, 2, 3], [SMALLEST_CLASS - 1, SMALLEST_CLASS - 1, 9, 2])
    resamples = draw(labels, 50, seed=0)
    for label in (0, 1, 3):
        weights = resamples.weights[labels == label]
        assert (weights == weights[0]).all()
    assert not (resamples.weights[labels == 2] == resamples.weights[labels == 2][0]).all()


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("whole", [False, True])
def test_an_item_counts_once_on_average(size: int, whole: bool) -> None:
    labels = CLASSES if whole else LABELS
    resamples = draw(labels, 4_000, seed=1, whole=np.full(labels.max() + 1, whole))
    items = all_items(labels, size)[:: 1 if size == 2 else 9]
    weights, _ = items_weights(resamples, items)
    np.testing.assert_allclose(weights.mean(), 1.0, atol=0.02)
    # ... within each kind of item too, or large kinds would outweigh small ones in the resamples.
    kinds = np.array([len(set(labels[item])) for item in items])
    for kind in np.unique(kinds):
        np.testing.assert_allclose(weights[kinds == kind].mean(), 1.0, atol=0.05)


def test_an_item_counts_as_the_product_of_its_different_units() -> None:
    resamples = draw(CLASSES, 20, seed=2, whole=np.ones(10, np.bool_))
    of_class = resamples.weights[::3]
    items = np.array([[0, 1, 2], [0, 1, 3], [0, 3, 6]])
    weights, noise = items_weights(resamples, items)
    drawn = 9
    np.testing.assert_allclose(weights[0], of_class[0], rtol=1e-5)
    np.testing.assert_allclose(weights[1], of_class[0] * of_class[1] * drawn / (drawn - 1), rtol=1e-5)
    joint = drawn**2 / ((drawn - 1) * (drawn - 2))
    np.testing.assert_allclose(weights[2], of_class[:3].prod(axis=0) * joint, rtol=1e-5)
    assert (noise[0] == 1).all()  # one unit: nothing is inflated
    assert set(np.unique(noise[2]).tolist()) == {0.0, 2.0}
    assert (noise >= 0).all()


def test_a_seed_decides_the_resamples() -> None:
    first, again, other = (draw(LABELS, 10, seed=seed) for seed in (1, 1, 2))
    assert (first.weights == again.weights).all()
    assert (first.signs == again.signs).all()
    assert not (first.weights == other.weights).all()


def of_mean(values: np.ndarray, resamples: Resamples, items: np.ndarray) -> Drawn:
    """The mean of the values of items, as a metric."""
    weights, noise = items_weights(resamples, items)
    return Drawn(
        float(values.mean()),
        values @ weights / weights.sum(axis=0),
        noise=values @ noise / noise.sum(axis=0),
        variance_inflation=float(resamples.inflation_of_items(items).max()),
    )


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


def test_pairs_that_share_images_are_known_to_say_less() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros(60, np.int64)
    items = all_items(labels, 2)
    quality = rng.normal(size=60)
    margin = quality[items].sum(axis=1) + 0.1 * rng.normal(size=len(items))
    found = of_mean(margin, draw(labels, 400, seed=0), items).estimate()
    independent = 3.92 * margin.std() / np.sqrt(len(items))
    truth = 3.92 * 2 / np.sqrt(60)
    assert width(found) == pytest.approx(truth, rel=0.25)
    assert width(found) > 3 * independent


@pytest.mark.parametrize(("size", "inflation"), [(2, np.sqrt(3)), (3, np.sqrt(7))])
def test_items_that_share_no_image_have_no_inflated_interval(size: int, inflation: float) -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros(600 * size, np.int64)
    items = np.arange(600 * size).reshape(-1, size)
    values = rng.normal(size=600)
    found = of_mean(values, draw(labels, 600, seed=0), items)
    truth = 3.92 / np.sqrt(600)
    # The little that is left of a large number is not known well, and never taken for less than of independent items.
    assert 0.9 < width(found.estimate()) / truth < 1.4
    assert 3.92 * found.draws.std() == pytest.approx(inflation * truth, rel=0.2)


def simulated_margin(seed: int, images: int, items: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 1 + rng.normal(0, 0.5, images)[items].sum(axis=1) + rng.normal(0, 1.0, len(items))


@pytest.mark.parametrize(("images", "kept", "at_least"), [(24, 1.0, 0.90), (60, 0.3, 0.90), (60, 0.05, 0.86)])
def test_intervals_cover_the_truth_as_often_as_they_say(images: int, kept: float, at_least: float) -> None:
    """All pairs of few images, a third of them, and a list in which each image is in three pairs only."""
    labels = np.repeat([0, 1], images // 2)
    items = all_items(labels, 2)
    items = items[np.random.default_rng(0).random(len(items)) < kept]
    resamples, times, covered = draw(labels, 200, seed=0), 300, 0
    for seed in range(times):
        found = of_mean(simulated_margin(seed, images, items), resamples, items).estimate()
        covered += found.low <= 1 <= found.high
    assert at_least <= covered / times <= 0.98


def test_what_does_not_vary_has_an_interval_of_no_width() -> None:
    items = all_items(LABELS, 2)
    found = of_mean(np.full(len(items), 0.75), draw(LABELS, 50, seed=0), items).estimate()
    assert [found.value, found.low, found.high] == pytest.approx([0.75, 0.75, 0.75])


def test_the_difference_of_two_models_is_paired() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros(40, np.int64)
    items = all_items(labels, 2)
    resamples = draw(labels, 300, seed=0)
    common = rng.normal(size=40)[items].sum(axis=1)
    this = of_mean(common + 0.1, resamples, items)
    other = of_mean(common + 0.02 * rng.normal(size=len(items)), resamples, items)
    difference = this.minus(other).estimate()
    assert difference.value == pytest.approx(this.value - other.value)
    assert difference.low > 0  # clear, though the intervals of both overlap
    assert width(difference) < 0.1 * width(this.estimate())
    assert this.minus(this).estimate() == Estimate(0.0, 0.0, 0.0)
