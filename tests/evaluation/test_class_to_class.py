"""How much the rates of classes differ at one threshold, against counting each pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rates_by_counting

from samekind.evaluation.class_to_class import class_rates, class_to_class, worst_count
from samekind.evaluation.resampling.all_pairs import AllPairs


def some_images(classes: int = 12, each: int = 5, seed: int = 0) -> AllPairs:
    """Classes whose images lie closer together the higher their number."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    rows = rng.normal(size=(classes, 8))[labels] + rng.normal(size=(classes * each, 8)) * (2 / (1 + labels))[:, None]
    return AllPairs((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels.astype(np.int64))


def rates_of_a_class(pairs: AllPairs, label: int, threshold: float) -> tuple[float, float]:
    """FAR and TAR of a class, by judging each pair that one of its images is in."""
    first, second = np.triu_indices(len(pairs.labels), 1)
    here = (pairs.labels[first] == label) | (pairs.labels[second] == label)
    first, second = first[here], second[here]
    scores = (pairs.embeddings[first] * pairs.embeddings[second]).sum(axis=1)
    return rates_by_counting(scores, pairs.labels[first] == pairs.labels[second], threshold)


@given(st.integers(0, 9), st.lists(st.floats(-1, 1), min_size=1, max_size=4))
def test_rates_of_classes_are_those_of_counting(seed: int, thresholds: list[float]) -> None:
    pairs = some_images(4, 3, seed)
    far, tar = class_rates(pairs, np.array(thresholds))
    counted = np.array([[rates_of_a_class(pairs, label, at) for label in range(4)] for at in thresholds])
    scores = pairs.embeddings @ pairs.embeddings.T
    if min(np.abs(scores - at).min() for at in thresholds) > 1e-6:  # or a similarity may round to either side
        np.testing.assert_allclose(np.stack([far, tar], axis=2), counted)


def test_the_score_is_the_mean_variance_of_the_utility_over_the_range() -> None:
    pairs = some_images()
    found = class_to_class(pairs, pairs.scores(), 0.5)
    variances, gaps = [], []
    for at in np.linspace(found.lowest, found.highest, 50):
        utility = []
        for label in range(12):
            far, tar = rates_of_a_class(pairs, label, at)
            utility.append(0.0 if (1 - far) + tar == 0 else 2 * (1 - far) * tar / ((1 - far) + tar))
        utility.sort()
        variances.append(sum((one - sum(utility) / 12) ** 2 for one in utility) / 12)
        gaps.append((sum(utility[2:]) / 10 - sum(utility[:2]) / 2) ** 2)
    assert found.opis == pytest.approx(np.mean(variances), abs=2e-3)
    assert found.worst_opis == pytest.approx(np.mean(gaps), abs=1e-2)
    assert found.opis > 0.01


def test_the_range_of_thresholds_is_that_of_two_false_accept_rates() -> None:
    pairs = some_images()
    scores = pairs.scores()
    found = class_to_class(pairs, scores, 0.5)
    assert 0.08 < scores.rates(found.lowest)[0] <= 0.1
    assert 0.008 < scores.rates(found.highest)[0] <= 0.01


def test_the_worst_classes_are_those_of_the_lowest_utility_at_the_threshold_in_use() -> None:
    pairs = some_images()
    found = class_to_class(pairs, pairs.scores(), 0.9)
    assert len(found.worst) == worst_count(12) == 2
    assert found.utility[found.worst].tolist() == sorted(found.utility)[:2]
    assert 0 in found.worst  # its images are the most scattered


def test_classes_that_are_all_alike_score_zero() -> None:
    labels = np.repeat(np.arange(4), 3)
    pairs = AllPairs(np.eye(4, dtype=np.float32)[labels], labels.astype(np.int64))
    found = class_to_class(pairs, pairs.scores(), 0.5)
    assert (found.opis, found.worst_opis) == (0, 0)
