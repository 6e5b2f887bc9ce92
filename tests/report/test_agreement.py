from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from samekind.evaluation.resampling.bootstrap import draw
from samekind.report.agreement import ami


def embeddings_of(labels: np.ndarray, seed: int, spread: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(labels.max() + 1, 8))[labels] + spread * rng.normal(size=(len(labels), 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


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
