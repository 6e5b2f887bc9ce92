from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity, paired_cosine_distances
from strategies import unit_rows

from samekind.errors import EmbeddingError
from samekind.inference.similarity import (
    TRIO_PAIRS,
    checked_embedding,
    paired_similarity,
    similarity_matrix,
    trio_similarities,
)


def random_units(count: int, dimension: int = 128, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(unit_rows(5), unit_rows(5))
def test_paired_similarity_is_symmetric_to_the_bit(first: np.ndarray, second: np.ndarray) -> None:
    assert np.array_equal(paired_similarity(first, second), paired_similarity(second, first))


@given(unit_rows(5), unit_rows(5))
def test_similarities_are_float32_from_minus_one_to_one(first: np.ndarray, second: np.ndarray) -> None:
    for similarity in (paired_similarity(first, second), similarity_matrix(first, second)):
        assert similarity.dtype == np.float32
        assert similarity.min() >= -1
        assert similarity.max() <= 1


@given(unit_rows(6), unit_rows(4))
def test_similarity_matrix_is_the_cosine_of_scikit_learn(first: np.ndarray, second: np.ndarray) -> None:
    assert similarity_matrix(first, second) == pytest.approx(cosine_similarity(first, second), abs=1e-6)


@given(unit_rows(6), unit_rows(6))
def test_paired_similarity_is_the_cosine_of_scikit_learn(first: np.ndarray, second: np.ndarray) -> None:
    assert paired_similarity(first, second) == pytest.approx(1 - paired_cosine_distances(first, second), abs=1e-6)


@given(st.integers(1, 400), st.integers(1, 300), st.data())
def test_paired_similarity_does_not_depend_on_the_batch(count: int, dimension: int, data: st.DataObject) -> None:
    first, second = random_units(count, dimension, 1), random_units(count, dimension, 2)
    cut = data.draw(st.integers(0, count))
    parts = [paired_similarity(first[:cut], second[:cut]), paired_similarity(first[cut:], second[cut:])]
    assert np.array_equal(np.concatenate(parts), paired_similarity(first, second))


def test_paired_similarity_does_not_depend_on_the_memory_layout() -> None:
    first, second = random_units(50, seed=1), random_units(50, seed=2)
    assert np.array_equal(
        paired_similarity(np.asfortranarray(first), second[::-1][::-1]), paired_similarity(first, second)
    )


def test_similarity_matrix_against_brute_force() -> None:
    first, second = random_units(7, seed=1), random_units(5, seed=2)
    brute = [[sum(float(x) * float(y) for x, y in zip(a, b, strict=True)) for b in second] for a in first]
    assert similarity_matrix(first, second) == pytest.approx(np.array(brute), abs=1e-6)


@pytest.mark.parametrize("similarity", [paired_similarity, similarity_matrix])
def test_rounding_never_leaves_the_range(similarity: object) -> None:
    row = np.full((1, 3), 0.57735032, np.float32)  # a little longer than 1
    assert similarity(row, row).item() == 1.0  # type: ignore[operator]
    assert similarity(row, -row).item() == -1.0  # type: ignore[operator]


def test_no_rows_have_no_similarities() -> None:
    none = np.empty((0, 8), np.float32)
    assert paired_similarity(none, none).shape == (0,)
    assert similarity_matrix(none, random_units(3, 8)).shape == (0, 3)
    assert trio_similarities(none, none, none).shape == (0, 3)


def test_trio_similarities_are_those_of_its_pairs_in_order() -> None:
    members = [random_units(4, seed=i) for i in range(3)]
    similarities = trio_similarities(*members)
    assert TRIO_PAIRS == ((0, 1), (0, 2), (1, 2))
    for column, (i, j) in enumerate(TRIO_PAIRS):
        assert np.array_equal(similarities[:, column], paired_similarity(members[i], members[j]))


UNIT = np.array([0.6, 0.8], np.float32)


@pytest.mark.parametrize("vector", [UNIT, UNIT.astype(np.float64), [0.6, 0.8], 1.004 * UNIT, 0.996 * UNIT])
def test_one_embedding_is_taken_as_it_is(vector: object) -> None:
    taken = checked_embedding(vector)
    assert (taken.dtype, taken.shape) == (np.float32, (2,))
    assert np.array_equal(taken, np.asarray(vector, np.float32))


@pytest.mark.parametrize(
    "vector", [1.006 * UNIT, 0.994 * UNIT, np.nan * UNIT, np.inf * UNIT, UNIT[None], np.float32(1), ["a"], [[1], 2]]
)
def test_what_is_no_embedding_is_refused_as_among_many(vector: object) -> None:
    with pytest.raises(EmbeddingError, match=r"^the embedding"):
        checked_embedding(vector)
