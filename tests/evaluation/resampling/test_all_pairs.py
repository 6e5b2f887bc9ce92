from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import curve_by_scikit_learn, rates_by_counting, unit_rows

from samekind.errors import DatasetError
from samekind.evaluation.metrics.metric import AUC, BRIER, EER, accuracy_at, far_at, tar_at, tar_at_far
from samekind.evaluation.metrics.verification import cosine_as_probability, verification_metrics
from samekind.evaluation.resampling import all_pairs
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import draw
from samekind.evaluation.resampling.cells import Cells
from samekind.inference.similarity import paired_similarity

THRESHOLDS = {"balanced": 0.31, "strict": 0.62}
MEASURE = verification_metrics(THRESHOLDS, cosine_as_probability, (0.1, 0.01), cosine_as_probability)


def sample(classes: int = 7, images: int = 6, seed: int = 0) -> AllPairs:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    rows = rng.normal(size=(classes, 6))[labels] + rng.normal(size=(len(labels), 6))
    # Unsorted, as in a manifest.
    order = rng.permutation(len(labels))
    embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return AllPairs(embeddings[order], labels[order].astype(np.int64))


def by_brute_force(pairs: AllPairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    items = np.array(list(combinations(range(len(pairs.labels)), 2)))
    similarity = paired_similarity(pairs.embeddings[items[:, 0]], pairs.embeddings[items[:, 1]])
    return items, similarity, pairs.labels[items[:, 0]] == pairs.labels[items[:, 1]]


@pytest.fixture(params=[1 << 22, 100])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks that hold everything, and blocks of one row."""
    monkeypatch.setattr(all_pairs, "_BLOCK", request.param)
    return int(request.param)


@settings(max_examples=25)
@given(unit_rows(12), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_every_two_images_are_scored_once(embeddings: np.ndarray, labels: list[int]) -> None:
    pairs = AllPairs(embeddings, np.array(labels))
    _, similarity, same = by_brute_force(pairs)
    scores = pairs.scores()
    np.testing.assert_allclose(scores.yes.values, np.sort(similarity[same]), atol=1e-6)
    np.testing.assert_allclose(scores.no.values, np.sort(similarity[~same]), atol=1e-6)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("whole", [(), (0, 1, 2, 3, 4, 5, 6), (1, 3, 6)])
def test_the_fast_way_is_the_exact_one(whole: tuple[int, ...]) -> None:
    """Histograms by rows of the matrix, against a weight for each pair; so few pairs have a bin each."""
    pairs = sample()
    resamples = draw(pairs.labels, 40, seed=3, whole=np.isin(np.arange(7), whole))
    fast = Cells.of_all_pairs(pairs, resamples, list(THRESHOLDS.values())).measure(MEASURE)
    items, similarity, same = by_brute_force(pairs)
    weights = np.concatenate([part for _, part, _ in resamples.of_items(items)]).astype(np.float64)
    exact = curve_by_scikit_learn(similarity, same)
    assert fast[AUC].value == pytest.approx(exact.area, abs=1e-6)
    assert fast[EER].value == pytest.approx(exact.equal_error_rate().rate, abs=1e-6)
    for b in range(40):
        curve = curve_by_scikit_learn(similarity, same, weights[:, b])
        assert fast[AUC].draws[b] == pytest.approx(curve.area, abs=2e-5)
        assert fast[EER].draws[b] == pytest.approx(curve.equal_error_rate().rate, abs=1e-3)
        assert fast[tar_at_far(0.1)].draws[b] == pytest.approx(curve.tar_at_far(0.1), abs=1e-3)
        for name, threshold in THRESHOLDS.items():
            far, tar = rates_by_counting(similarity, same, threshold, weights[:, b])
            assert fast[far_at(name)].draws[b] == pytest.approx(far, abs=1e-5)
            assert fast[tar_at(name)].draws[b] == pytest.approx(tar, abs=1e-5)


def test_all_pairs_and_a_list_of_all_pairs_have_the_same_intervals() -> None:
    pairs = sample()
    items, similarity, same = by_brute_force(pairs)
    resamples = draw(pairs.labels, 200, seed=0)
    kind = np.where(same, "genuine", "impostor")
    thresholds = list(THRESHOLDS.values())
    fast = Cells.of_all_pairs(pairs, resamples, thresholds).measure(MEASURE)
    listed = Cells.of_items(similarity, kind, items, resamples, thresholds).measure(MEASURE)
    for name in (AUC, accuracy_at("balanced"), far_at("strict"), BRIER):
        one, two = fast[name].estimate(), listed[name].estimate()
        assert one.value == pytest.approx(two.value, abs=1e-6)
        # Noise of single pairs is told apart with fewer draws among all pairs.
        assert [one.low, one.high] == pytest.approx([two.low, two.high], abs=0.2 * (two.high - two.low))


def test_bins_of_many_scores_are_as_good_as_scores() -> None:
    pairs = sample(classes=10, images=40)
    resamples = draw(pairs.labels, 12, seed=0)
    fast = Cells.of_all_pairs(pairs, resamples, list(THRESHOLDS.values())).measure(MEASURE)
    items, similarity, same = by_brute_force(pairs)
    weights = np.concatenate([part for _, part, _ in resamples.of_items(items)]).astype(np.float64)
    spread = fast[AUC].draws.std()
    for b in range(12):
        curve = curve_by_scikit_learn(similarity, same, weights[:, b])
        assert fast[AUC].draws[b] == pytest.approx(curve.area, abs=1e-2 * spread)
        assert fast[EER].draws[b] == pytest.approx(curve.equal_error_rate().rate, abs=5e-2 * spread)


def test_pairs_of_one_class_have_no_error_rates() -> None:
    pairs = AllPairs(sample().embeddings, np.zeros(42, np.int64))
    with pytest.raises(DatasetError, match="both answers"):
        Cells.of_all_pairs(pairs, draw(pairs.labels, 10, seed=0), [0.5])
