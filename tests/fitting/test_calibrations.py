from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from strategies import rates_by_counting as rates_at

from samekind.datasets.sampling import sample_at_most, sample_trios
from samekind.errors import DatasetError
from samekind.evaluation.metrics.scores import Scores
from samekind.fitting import calibrations
from samekind.fitting.calibrations import fit_pair_calibration, fit_trio_calibration, trio_items
from samekind.inference.similarity import similarity_matrix, trio_similarities
from samekind.model_file.calibration import logistic, pair_probability, trio_probability

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def as_many_trios_as_users_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trio_items.__kwdefaults__, "most", calibrations._TRIOS)


def clusters(classes: int = 6, images: int = 30, noise: float = 0.35, dimension: int = 16, seed: int = 0) -> Labelled:
    """Unit embeddings scattered around one direction for each class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    raw = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0][labels]
    raw = raw + rng.normal(0, noise, raw.shape)
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32), labels


def all_pairs(embeddings: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(len(labels), 1)
    return similarity_matrix(embeddings, embeddings)[first, second], labels[first] == labels[second]


def logistic_by_scikit_learn(features: np.ndarray, same: np.ndarray, images: int) -> np.ndarray:
    """(weights, bias) of the balanced fit to smoothed targets: each item stands once for yes and once for no."""
    mass = np.where(same, 0.5 / same.mean(), 0.5 / (~same).mean())
    target = np.where(same, (images + 1) / (images + 2), 1 / (images + 2))
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=10_000, solver="newton-cholesky")
    model.fit(
        np.concatenate([features, features]),
        np.repeat([True, False], len(same)),
        sample_weight=np.concatenate([mass * target, mass * (1 - target)]),
    )
    return np.append(model.coef_[0], model.intercept_)


@pytest.mark.parametrize("noise", [0.1, 0.35, 0.8])
def test_the_pair_calibration_is_the_logistic_regression_of_scikit_learn(noise: float) -> None:
    embeddings, labels = clusters(noise=noise)
    fitted = fit_pair_calibration(embeddings, labels, "a test")
    similarity, same = all_pairs(embeddings, labels)
    expected = logistic_by_scikit_learn(similarity[:, None], same, len(labels))
    assert [fitted.scale, fitted.bias] == pytest.approx(expected, rel=1e-4)
    grid = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(pair_probability(fitted, grid), logistic(expected[0] * grid + expected[1]), atol=2e-3)


def test_with_many_images_the_targets_are_as_good_as_hard() -> None:
    embeddings, labels = clusters(images=100, noise=0.6)
    fitted = fit_pair_calibration(embeddings, labels, "a test")
    similarity, same = all_pairs(embeddings, labels)
    hard = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8).fit(similarity[:, None], same)
    assert fitted.scale == pytest.approx(hard.coef_[0, 0], rel=0.05)
    assert fitted.bias == pytest.approx(hard.intercept_[0], rel=0.05)


def free_trio_weights(embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(weights, bias) over the trios that the fitted is fitted to, by scikit-learn, which allows negative weights."""
    trios = sample_at_most(sample_trios, labels, 20_000, seed=0)
    similarities = trio_similarities(*(embeddings[trios.images[:, i]] for i in range(3)))
    return logistic_by_scikit_learn(-np.sort(-similarities, axis=1), trios.same, len(labels))


def test_the_trio_calibration_is_the_logistic_regression_of_scikit_learn(as_many_trios_as_users_get: None) -> None:
    embeddings, labels = clusters(classes=4, images=12, noise=0.5)
    fitted = fit_trio_calibration(embeddings, labels, "a test")
    assert fitted is not None
    expected = free_trio_weights(embeddings, labels)
    assert expected[:3].min() > 0
    assert [*fitted.weights, fitted.bias] == pytest.approx(expected, rel=1e-4)


def test_a_trio_weight_that_would_be_negative_is_zero(as_many_trios_as_users_get: None) -> None:
    embeddings, labels = clusters(classes=4, images=8, noise=0.1)
    fitted = fit_trio_calibration(embeddings, labels, "a test")
    assert fitted is not None
    expected = free_trio_weights(embeddings, labels)
    assert expected[1] < 0
    assert fitted.weights[1] == 0


def test_probabilities_are_calibrated_on_images_of_the_same_kind() -> None:
    fitted = fit_pair_calibration(*clusters(images=60, noise=0.5, seed=1), "a test")
    similarity, same = all_pairs(*clusters(images=60, noise=0.5, seed=2))
    assert Scores.of(pair_probability(fitted, similarity), same).reliability(np.asarray).ece < 0.03


def test_probabilities_of_trios_are_calibrated_on_images_of_the_same_kind(as_many_trios_as_users_get: None) -> None:
    fitted = fit_trio_calibration(*clusters(images=60, noise=0.5, seed=1), "a test")
    assert fitted is not None
    embeddings, labels = clusters(images=60, noise=0.5, seed=2)
    trios = sample_trios(labels, 512, seed=9)
    similarities = trio_similarities(*(embeddings[trios.images[:, i]] for i in range(3)))
    assert Scores.of(trio_probability(fitted, similarities), trios.same).reliability(np.asarray).ece < 0.05


def test_the_balanced_threshold_is_where_either_answer_is_as_likely() -> None:
    fitted = fit_pair_calibration(*clusters(), "a test")
    threshold = fitted.operating_points["balanced"].threshold
    assert pair_probability(fitted, np.array(threshold)) == pytest.approx(0.5)
    trio = fit_trio_calibration(*clusters(), "a test")
    assert trio is not None
    assert trio.operating_points["balanced"].threshold == 0.5


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (6, {"balanced"}),
        (15, {"balanced", "strict"}),
        (80, {"balanced", "strict", "very_strict"}),
    ],
)
def test_a_rate_is_promised_only_with_enough_impostors_to_measure_it(images: int, names: set[str]) -> None:
    assert set(fit_pair_calibration(*clusters(images=images), "a test").operating_points) == names


def test_promised_rates_hold_and_thresholds_rise() -> None:
    embeddings, labels = clusters(images=80, noise=0.7)
    points = fit_pair_calibration(embeddings, labels, "a test").operating_points
    similarity, same = all_pairs(embeddings, labels)
    for point in points.values():
        assert (point.far, point.tar) == rates_at(similarity, same, point.threshold)
    assert 0.008 < points["strict"].far <= 0.01
    assert 0.0008 < points["very_strict"].far <= 0.001
    assert points["balanced"].threshold < points["strict"].threshold < points["very_strict"].threshold
    assert points["balanced"].tar > points["strict"].tar > points["very_strict"].tar


def test_the_promised_rate_of_trios_holds(as_many_trios_as_users_get: None) -> None:
    fitted = fit_trio_calibration(*clusters(noise=0.7), "a test")
    assert fitted is not None
    assert 0.005 < fitted.operating_points["strict"].far <= 0.01
    assert fitted.operating_points["balanced"].far < 0.5 < fitted.operating_points["balanced"].tar


def test_the_calibration_says_what_it_was_measured_on() -> None:
    measured = fit_pair_calibration(*clusters(classes=4, images=5), "a test").measured_on
    assert measured.description == "a test"
    assert (measured.images, measured.classes, measured.positives, measured.negatives) == (20, 4, 40, 150)


@pytest.mark.parametrize("noise", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_weight_of_a_trio_is_negative(as_many_trios_as_users_get: None, noise: float, seed: int) -> None:
    fitted = fit_trio_calibration(*clusters(images=12, noise=noise, seed=seed), "a test", seed)
    assert fitted is not None
    assert min(fitted.weights) >= 0
    assert fitted.weights[0] > 0


def test_two_classes_have_no_trio_calibration() -> None:
    assert fit_trio_calibration(*clusters(classes=2), "a test") is None


def test_a_seed_decides_the_trio_calibration() -> None:
    first, again, other = (
        fit_trio_calibration(*clusters(classes=3, images=10, noise=0.7), "a test", seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def worse_than_chance() -> Labelled:
    """Four directions; images of a class point in opposite ones, each shared with another class."""
    embeddings = np.tile(np.array([[1, 0], [-1, 0], [1, 0], [-1, 0]], np.float32), (6, 1))
    return embeddings, np.arange(24) // 2 % 6


def test_genuine_pairs_that_are_less_alike_cannot_be_calibrated() -> None:
    with pytest.raises(DatasetError, match="not more alike"):
        fit_pair_calibration(*worse_than_chance(), "a test")


@pytest.mark.parametrize("fit", [fit_pair_calibration, fit_trio_calibration])
@pytest.mark.parametrize("jitter", [0.0, 1e-7])
def test_a_network_that_gives_all_images_one_embedding_cannot_be_calibrated(
    fit: Callable[..., object], jitter: float
) -> None:
    embeddings = np.tile(clusters(classes=1, images=1)[0], (18, 1))
    embeddings += np.random.default_rng(0).normal(0, jitter, embeddings.shape).astype(np.float32)
    with pytest.raises(DatasetError, match="not more alike"):
        fit(embeddings, np.repeat(np.arange(3), 6), "a test")


def test_strict_is_never_laxer_than_balanced() -> None:
    points = fit_pair_calibration(*clusters(images=80, noise=0.05), "a test").operating_points
    thresholds = [points[name].threshold for name in ("balanced", "strict", "very_strict")]
    assert thresholds == sorted(thresholds)
    assert points["strict"].far <= points["balanced"].far < 0.01


@pytest.mark.parametrize("labels", [np.zeros(6, np.int64), np.arange(6)], ids=["no impostors", "no genuine pairs"])
def test_pairs_of_one_answer_cannot_be_calibrated(labels: np.ndarray) -> None:
    with pytest.raises(DatasetError, match="both answers"):
        fit_pair_calibration(clusters(classes=1, images=6)[0], labels, "a test")


@pytest.mark.filterwarnings("error")
def test_perfectly_separable_images_do_not_make_certain() -> None:
    labels = np.repeat(np.arange(4), 25)
    embeddings = np.eye(4, dtype=np.float32)[labels]
    fitted = fit_pair_calibration(embeddings, labels, "a test")
    limit = (len(labels) + 1) / (len(labels) + 2)
    assert pair_probability(fitted, np.array([1.0, 0.0])) == pytest.approx([limit, 1 - limit], abs=1e-3)
    assert fitted.operating_points["balanced"].far == 0
    assert fitted.operating_points["balanced"].tar == 1
    trio = fit_trio_calibration(embeddings, labels, "a test")
    assert trio is not None
    least, most = trio_probability(trio, np.array([[0.0, 0, 0], [1, 1, 1]]))
    assert 0 < least < 0.05
    assert 0.95 < most < 1


def test_a_rate_that_no_threshold_keeps_is_not_promised() -> None:
    embeddings, labels = clusters(classes=5, images=30, noise=0.2)
    embeddings[labels == 1] = embeddings[labels == 0] = embeddings[0]
    points = fit_pair_calibration(embeddings, labels, "a test").operating_points
    assert set(points) == {"balanced"}
    assert all(np.isfinite(point.threshold) for point in points.values())
