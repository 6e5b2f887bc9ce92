from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from samekind.evaluation.metrics.metric import MAP_AT_R, R_PRECISION, recall_at
from samekind.evaluation.metrics.retrieval import Ranking
from samekind.evaluation.resampling import all_pairs
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import draw


def embeddings_of(labels: np.ndarray, seed: int, spread: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(labels.max() + 1, 8))[labels] + spread * rng.normal(size=(len(labels), 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 5), min_size=14, max_size=60))
def test_the_measures_are_those_of_pytorch_metric_learning(seed: int, labels: list[int]) -> None:
    present = np.unique(labels, return_inverse=True)[1]
    pairs = AllPairs(embeddings_of(present, seed), present.astype(np.int64))
    found = {name: np.nanmean(values) for name, values in Ranking.of(pairs).measure().items()}
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    oracle = AccuracyCalculator(include=names, k="max_bin_count", device=None).get_accuracy(pairs.embeddings, present)
    assert found[recall_at(1)] == pytest.approx(oracle["precision_at_1"], abs=1e-6)
    assert found[R_PRECISION] == pytest.approx(oracle["r_precision"], abs=1e-6)
    assert found[MAP_AT_R] == pytest.approx(oracle["mean_average_precision_at_r"], abs=1e-6)


@pytest.mark.parametrize("block", [1 << 22, 50])
def test_recall_at_k_is_that_of_looking_at_each_query(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_pairs, "_BLOCK", block)
    labels = np.repeat(np.arange(20), 4)
    pairs = AllPairs(embeddings_of(labels, 0, spread=1.5), labels)
    found = Ranking.of(pairs).measure()
    similarity = pairs.embeddings @ pairs.embeddings.T
    for query in range(len(labels)):
        order = [i for i in np.argsort(-similarity[query]) if i != query]
        for k in (1, 5, 10):
            assert found[recall_at(k)][query] == (labels[order[:k]] == labels[query]).any()
    assert 0 < found[recall_at(1)].mean() < found[recall_at(5)].mean() < found[recall_at(10)].mean() < 1


def test_embeddings_that_are_all_alike_find_no_better_than_chance() -> None:
    labels = np.repeat(np.arange(10), 30)
    found = Ranking.of(AllPairs(np.tile(np.eye(1, 8, dtype=np.float32), (300, 1)), labels)).measure()
    assert found[recall_at(1)].mean() == pytest.approx(0.1, abs=0.06)
    assert found[R_PRECISION].mean() == pytest.approx(0.1, abs=0.03)


def test_a_query_without_another_image_of_its_class_is_left_out() -> None:
    labels = np.array([0, 0, 1])
    ranking = Ranking.of(AllPairs(np.eye(3, dtype=np.float32), labels))
    assert np.isnan(ranking.measure()[recall_at(1)]).tolist() == [False, False, True]
    assert ranking.drawn(draw(labels, 10, seed=0))[recall_at(10)].value == 1


def test_a_weight_is_so_many_copies_of_an_image_in_the_gallery() -> None:
    labels = np.repeat(np.arange(5), 8)
    pairs = AllPairs(embeddings_of(labels, 3), labels)
    count = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40))
    found = Ranking.of(pairs).measure(count)
    similarity = pairs.embeddings @ pairs.embeddings.T
    for query in range(40):
        others = [i for i in np.argsort(-similarity[query]) if i != query]
        hits = np.repeat(labels[others] == labels[query], count[others])
        relevant = int(hits.sum())
        if relevant:
            assert found[recall_at(5)][query] == hits[:5].any()
            assert found[R_PRECISION][query] == pytest.approx(hits[:relevant].mean())


@pytest.mark.parametrize("whole", [False, True])
def test_intervals_are_as_wide_as_values_spread(whole: bool) -> None:
    values, widths = [], []
    labels = np.repeat(np.arange(12), 10)
    means = np.random.default_rng(0).normal(size=(12, 8))
    for seed in range(60):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(12, 8)) if whole else means
        rows = centres[labels] + 1.2 * rng.normal(size=(120, 8))
        pairs = AllPairs((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels)
        found = Ranking.of(pairs).drawn(draw(labels, 60, seed=seed, whole=np.full(12, whole)))[R_PRECISION]
        values.append(found.value)
        widths.append(found.estimate().high - found.estimate().low)
    # Classes of ten images make them rather too wide; queries drawn alone would make them half as wide.
    assert 0.8 < np.mean(widths) / (3.92 * np.std(values)) < 1.8
