from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from sklearn.metrics import adjusted_mutual_info_score

from samekind.evaluation import all_pairs
from samekind.evaluation.all_pairs import AllPairs
from samekind.evaluation.bootstrap import draw
from samekind.evaluation.retrieval import drawn_retrieval, retrieval
from samekind.report.clusters import ami


def embeddings_of(labels: np.ndarray, seed: int, spread: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(labels.max() + 1, 8))[labels] + spread * rng.normal(size=(len(labels), 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 5), min_size=14, max_size=60))
def test_the_measures_are_those_of_pytorch_metric_learning(seed: int, labels: list[int]) -> None:
    present = np.unique(labels, return_inverse=True)[1]
    pairs = AllPairs(embeddings_of(present, seed), present.astype(np.int64))
    found = {name: np.nanmean(values) for name, values in retrieval(pairs).items()}
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    oracle = AccuracyCalculator(include=names, k="max_bin_count", device=None).get_accuracy(pairs.embeddings, present)
    assert found["recall@1"] == pytest.approx(oracle["precision_at_1"], abs=1e-6)
    assert found["R-precision"] == pytest.approx(oracle["r_precision"], abs=1e-6)
    assert found["MAP@R"] == pytest.approx(oracle["mean_average_precision_at_r"], abs=1e-6)


@pytest.mark.parametrize("block", [1 << 22, 50])
def test_recall_at_k_is_that_of_looking_at_each_query(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_pairs, "_BLOCK", block)
    labels = np.repeat(np.arange(20), 4)
    pairs = AllPairs(embeddings_of(labels, 0, spread=1.5), labels)
    found = retrieval(pairs)
    similarity = pairs.embeddings @ pairs.embeddings.T
    for query in range(len(labels)):
        order = [i for i in np.argsort(-similarity[query]) if i != query]
        for k in (1, 5, 10):
            assert found[f"recall@{k}"][query] == (labels[order[:k]] == labels[query]).any()
    assert 0 < found["recall@1"].mean() < found["recall@5"].mean() < found["recall@10"].mean() < 1


def test_embeddings_that_are_all_alike_find_no_better_than_chance() -> None:
    labels = np.repeat(np.arange(10), 30)
    found = retrieval(AllPairs(np.tile(np.eye(1, 8, dtype=np.float32), (300, 1)), labels))
    assert found["recall@1"].mean() == pytest.approx(0.1, abs=0.06)
    assert found["R-precision"].mean() == pytest.approx(0.1, abs=0.03)


def test_a_query_without_another_image_of_its_class_is_left_out() -> None:
    labels = np.array([0, 0, 1])
    found = retrieval(AllPairs(np.eye(3, dtype=np.float32), labels))
    assert np.isnan(found["recall@1"]).tolist() == [False, False, True]
    drawn = drawn_retrieval(found, draw(labels, 10, seed=0))
    assert drawn["recall@10"].value == 1


def test_whole_classes_widen_the_interval_where_classes_differ() -> None:
    labels = np.repeat(np.arange(20), 10)
    hard = np.isin(labels, range(10))
    values = {"recall@1": np.where(hard, 0.0, 1.0)}
    widths = []
    for whole in (False, True):
        found = drawn_retrieval(values, draw(labels, 200, seed=0, whole=np.full(20, whole)))["recall@1"].estimate()
        assert found.value == 0.5
        widths.append(found.high - found.low)
    assert widths[0] == pytest.approx(0, abs=0.15)
    assert widths[1] == pytest.approx(3.92 * 0.5 / np.sqrt(20), rel=0.25)


def test_clusters_of_classes_far_apart_are_the_classes() -> None:
    labels = np.repeat(np.arange(6), 12)
    resamples = draw(labels, 30, seed=0)
    assert ami(embeddings_of(labels, 0, spread=0.05), labels, resamples).value == pytest.approx(1)
    noise = np.random.default_rng(0).permutation(labels)
    found = ami(embeddings_of(labels, 0, spread=0.05), noise, resamples)
    assert found.value == pytest.approx(0, abs=0.1)
    assert found.value == pytest.approx(adjusted_mutual_info_score(noise, labels), abs=1e-9)
    assert found.estimate().low <= found.value <= found.estimate().high


def test_clusters_of_embeddings_that_are_all_alike_tell_nothing() -> None:
    labels = np.repeat(np.arange(3), 8)
    found = ami(np.tile(np.eye(1, 8, dtype=np.float32), (24, 1)), labels, draw(labels, 10, seed=0))
    assert found.value == pytest.approx(0, abs=1e-6)
