from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rates_by_counting as rates_at

from samekind.errors import DatasetError
from samekind.fitting import calibrations
from samekind.fitting import cross_fit as module
from samekind.fitting.calibrations import fit_pair_calibration, fit_trio_calibration, trio_items
from samekind.fitting.cross_fit import FEWEST_ITEMS, cross_fit_pair, cross_fit_trio, fit_calibrations, halves
from samekind.inference.similarity import similarity_matrix
from samekind.model_file.calibration import pair_probability, trio_probability

Labelled = tuple[np.ndarray, np.ndarray]


def clusters(classes: int = 6, images: int = 40, noise: float = 0.5, dimension: int = 16, seed: int = 0) -> Labelled:
    """Unit embeddings scattered around one direction for each class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    centres = np.linalg.qr(np.random.default_rng(7).normal(size=(dimension, dimension)))[0]
    raw = centres[labels] + rng.normal(0, noise, (len(labels), dimension))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32), labels


def different(labels: np.ndarray) -> list[str]:
    return [f"image {i}" for i in range(len(labels))]


def test_the_calibration_is_the_one_fitted_to_all_images() -> None:
    embeddings, labels = clusters()
    fit = cross_fit_pair(embeddings, labels, different(labels), "a test").calibration
    whole = fit_pair_calibration(embeddings, labels, "a test")
    assert (fit.scale, fit.bias) == (whole.scale, whole.bias)
    assert {n: p.threshold for n, p in fit.operating_points.items()} == {
        n: p.threshold for n, p in whole.operating_points.items()
    }
    trio = cross_fit_trio(embeddings, labels, different(labels), "a test").calibration
    whole_trio = fit_trio_calibration(embeddings, labels, "a test")
    assert whole_trio is not None
    assert (trio.weights, trio.bias) == (whole_trio.weights, whole_trio.bias)


def test_rates_are_those_of_each_halfs_thresholds_on_the_other_half() -> None:
    embeddings, labels = clusters(noise=0.6)
    fitted = cross_fit_pair(embeddings, labels, different(labels), "a test")
    second = halves(labels, different(labels))
    accepted = {name: {True: [], False: []} for name in fitted.calibration.operating_points}
    for inside in (second, ~second):
        other = fit_pair_calibration(embeddings[~inside], labels[~inside], "", min_errors=5)
        rows = np.flatnonzero(inside)
        for i, first in enumerate(rows):
            for partner in rows[i + 1 :]:
                similarity = similarity_matrix(embeddings[[first]], embeddings[[partner]])[0, 0]
                for name, answers in accepted.items():
                    answers[bool(labels[first] == labels[partner])].append(
                        similarity >= other.operating_points[name].threshold
                    )
    for name, point in fitted.calibration.operating_points.items():
        assert (point.far, point.tar) == pytest.approx((np.mean(accepted[name][False]), np.mean(accepted[name][True])))
    measured = fitted.calibration.measured_on
    assert (measured.positives, measured.negatives) == (len(accepted["strict"][True]), len(accepted["strict"][False]))
    assert (measured.images, measured.classes, measured.cross_fitted) == (240, 6, True)


@pytest.mark.parametrize(("most", "measured"), [(300, 240), (150, 240), (90, 180)])
def test_the_card_counts_the_images_behind_the_rates_where_pairs_are_made_of_some_only(
    most: int, measured: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each half of 120 images has pairs of ``most`` of them at most."""
    monkeypatch.setattr(calibrations, "MOST_IMAGES", most)
    monkeypatch.setattr(module, "MOST_IMAGES", most)
    embeddings, labels = clusters()
    found = cross_fit_pair(embeddings, labels, different(labels), "a test").calibration.measured_on
    half = measured // 2
    assert (found.images, found.positives + found.negatives) == (measured, 2 * (half * (half - 1) // 2))


def test_rates_of_trios_are_those_of_the_other_halfs_calibration() -> None:
    embeddings, labels = clusters(noise=0.6)
    fitted = cross_fit_trio(embeddings, labels, different(labels), "a test")
    second = halves(labels, different(labels))
    scores, answers = [], []
    for inside in (~second, second):
        other = fit_trio_calibration(embeddings[~inside], labels[~inside], "")
        assert other is not None
        similarities, same = trio_items(embeddings[inside], labels[inside])
        scores.append(trio_probability(other, similarities))
        answers.append(same)
    np.testing.assert_array_equal(fitted.probability, np.concatenate(scores))
    np.testing.assert_array_equal(fitted.same, np.concatenate(answers))
    far, tar = rates_at(fitted.probability, fitted.same, 0.5)
    point = fitted.calibration.operating_points["balanced"]
    assert (point.far, point.tar) == pytest.approx((far, tar))


def test_cross_fitted_rates_are_nearer_to_those_of_new_images_than_the_rates_of_the_fit_itself() -> None:
    """The fit keeps its promise on its own images to the last pair; on others it does not, on average."""
    promised, cross_fitted, true = [], [], []
    for seed in range(12):
        embeddings, labels = clusters(classes=8, images=12, noise=0.7, seed=seed)
        whole = fit_pair_calibration(embeddings, labels, "").operating_points["strict"]
        fitted = cross_fit_pair(embeddings, labels, different(labels), "").calibration.operating_points["strict"]
        others, other_labels = clusters(classes=8, images=60, noise=0.7, seed=1000 + seed)
        first, second = np.triu_indices(len(other_labels), 1)
        similarity = similarity_matrix(others, others)[first, second]
        true.append(rates_at(similarity, other_labels[first] == other_labels[second], whole.threshold)[0])
        promised.append(whole.far)
        cross_fitted.append(fitted.far)
    assert max(promised) <= 0.01 < np.mean(true)
    assert abs(np.mean(cross_fitted) - np.mean(true)) < abs(np.mean(promised) - np.mean(true))


def test_probabilities_come_from_calibrations_that_did_not_see_the_images() -> None:
    embeddings, labels = clusters()
    fitted = cross_fit_pair(embeddings, labels, different(labels), "a test")
    own = pair_probability(fitted.calibration, fitted.similarities)
    assert fitted.probability.shape == fitted.same.shape == fitted.similarities.shape
    assert not np.array_equal(own, fitted.probability)
    assert np.abs(own - fitted.probability).max() < 0.2


@st.composite
def labelled_identities(draw: st.DrawFn) -> tuple[np.ndarray, list[str]]:
    """Labels with identities of which some are shared, within and across classes."""
    count = draw(st.integers(1, 60))
    labels = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    identities = draw(st.lists(st.integers(0, 80), min_size=count, max_size=count))
    return np.array(labels), [f"sha{i}" for i in identities]


@given(labelled_identities(), st.randoms(use_true_random=False))
def test_identical_images_stay_in_one_half_whatever_the_order(images: tuple[np.ndarray, list[str]], random) -> None:
    labels, identities = images
    second = halves(labels, identities)
    side: dict[str, bool] = {}
    for identity, half in zip(identities, second, strict=True):
        assert side.setdefault(identity, half) == half
    order = list(range(len(labels)))
    random.shuffle(order)
    again = halves(labels[order], [identities[i] for i in order])
    assert again.tolist() == second[order].tolist()


def test_each_class_is_halved_and_one_of_few_images_stays_whole() -> None:
    labels = np.array([0] * 10 + [1] * 7 + [2] * 3 + [3] * 2 + [4])
    second = halves(labels, different(labels))
    assert [int(second[labels == label].sum()) for label in (0, 1)] in ([5, 3], [5, 4])
    for label in (2, 3, 4):
        assert len(set(second[labels == label])) == 1
    assert 9 <= second.sum() <= 14


def test_copies_do_not_make_a_class_divisible() -> None:
    labels = np.array([0] * 6 + [1] * 20)
    identities = ["a", "a", "a", "b", "b", "c", *(f"d{i}" for i in range(20))]
    second = halves(labels, identities)
    assert len(set(second[labels == 0])) == 1


def test_many_classes_of_two_images_can_be_measured() -> None:
    embeddings, labels = clusters(classes=60, images=2, noise=0.2, dimension=64)
    fitted = cross_fit_pair(embeddings, labels, different(labels), "a test")
    assert fitted.same.sum() == 60
    assert fitted.calibration.measured_on.classes == 60
    assert cross_fit_trio(embeddings, labels, different(labels), "a test").calibration.measured_on.cross_fitted


def test_a_rate_with_too_few_errors_behind_it_is_left_out() -> None:
    """All pairs suffice for ``strict`` by the fit's own rule; the halves have a quarter of them each."""
    embeddings, labels = clusters(classes=6, images=9, noise=0.6)
    assert "strict" in fit_pair_calibration(embeddings, labels, "").operating_points
    fitted = cross_fit_pair(embeddings, labels, different(labels), "")
    assert set(fitted.calibration.operating_points) == {"balanced"}
    many = cross_fit_pair(*(full := clusters(classes=6, images=20, noise=0.6)), different(full[1]), "")
    assert set(many.calibration.operating_points) == {"balanced", "strict"}
    assert (~many.same).sum() * 0.01 >= 10


@pytest.mark.parametrize("cross_fit", [cross_fit_pair, cross_fit_trio])
def test_too_few_images_are_refused(cross_fit) -> None:
    embeddings, labels = clusters(classes=3, images=4, noise=0.1)
    with pytest.raises(DatasetError, match=rf"too few images to measure error rates.*{FEWEST_ITEMS} of each|classes"):
        cross_fit(embeddings, labels, different(labels), "a test")


def test_training_falls_back_to_the_rates_of_the_fit_and_says_so() -> None:
    embeddings, labels = clusters(classes=3, images=4, noise=0.1)
    pair, trio = fit_calibrations(embeddings, labels, different(labels), "a test")
    assert pair == fit_pair_calibration(embeddings, labels, "a test")
    assert trio == fit_trio_calibration(embeddings, labels, "a test")
    assert not pair.measured_on.cross_fitted
    pair, trio = fit_calibrations(*clusters(), different(clusters()[1]), "a test")
    assert trio is not None
    assert pair.measured_on.cross_fitted
    assert trio.measured_on.cross_fitted
    assert fit_calibrations(*clusters(classes=2), different(clusters(classes=2)[1]), "a test")[1] is None
