import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.adaptation.collection import MOST_COMPARED, Collection, less
from samekind.errors import AdaptationError


def pictures(count: int, *, common: float = 1.0, dimension: int = 24, seed: int = 0) -> np.ndarray:
    """Unit rows around a common direction; the larger ``common``, the narrower the collection."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    rows[:, 0] += common * dimension**0.5
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_the_mean_is_that_of_the_rows_and_the_spread_that_of_their_centred_cosines() -> None:
    rows = pictures(30)
    collection = Collection.of(rows)
    offset = np.asarray(0.7 * rows.mean(axis=0), np.float32)
    centred = [(row - offset) / np.linalg.norm(row - offset) for row in rows.astype(np.float64)]
    cosines = [float(a @ b) for a, b in itertools.combinations(centred, 2)]
    assert collection.mean == pytest.approx(rows.mean(axis=0), abs=1e-6)
    assert collection.spread(offset) == pytest.approx(np.quantile(cosines, 0.5) - np.quantile(cosines, 0.1587), abs=1e-5)


def test_the_length_is_the_root_of_the_mean_cosine_of_two_pictures_however_few_there_are() -> None:
    rows = pictures(12)
    cosines = [float(a @ b) for a, b in itertools.combinations(rows.astype(np.float64), 2)]
    assert Collection.of(rows).length == pytest.approx(np.mean(cosines) ** 0.5, abs=1e-5)
    long = np.mean([Collection.of(pictures(12, seed=seed)).length for seed in range(60)])
    assert long == pytest.approx(Collection.of(pictures(4000)).length, abs=0.01)
    assert np.linalg.norm(rows.mean(axis=0)) > Collection.of(rows).length


def test_pictures_that_have_nothing_in_common_have_a_mean_without_length() -> None:
    rows = pictures(16, common=0.0, dimension=512)
    assert Collection.of(rows).length < 0.1


@given(st.permutations(range(14)))
def test_the_order_of_the_pictures_changes_nothing(order: list[int]) -> None:
    rows = pictures(14)
    one, other = Collection.of(rows), Collection.of(rows[order])
    assert other.mean == pytest.approx(one.mean, abs=1e-6)
    assert other.length == pytest.approx(one.length, abs=1e-5)
    assert other.spread(one.mean) == pytest.approx(one.spread(one.mean), abs=1e-5)


def test_of_many_pictures_all_are_in_the_mean_and_some_are_compared() -> None:
    rows = pictures(3 * MOST_COMPARED)
    collection = Collection.of(rows)
    assert collection.pictures == len(rows)
    assert len(collection.compared) == MOST_COMPARED
    assert collection.mean == pytest.approx(rows.mean(axis=0), abs=1e-6)


def test_copies_of_a_picture_count_once_and_are_told_of() -> None:
    rows = pictures(12)
    with pytest.warns(UserWarning, match="only 12 are different"):
        collection = Collection.of(np.concatenate([rows, *[rows[:1]] * 20]))
    assert collection.mean == pytest.approx(rows.mean(axis=0), abs=1e-6)
    assert collection.pictures == 32


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (pictures(9), "9 readable pictures; at least 10"),
        (np.repeat(pictures(9), 5, axis=0), "45 pictures, but only 9 different ones"),
        (2 * pictures(20), "not of unit length"),
        (pictures(20).astype(np.float64), "float32"),
        (pictures(20)[0], "float32"),
        (np.full((20, 4), np.nan, np.float32), "not of unit length"),
    ],
)
def test_what_is_no_collection_is_refused(rows: np.ndarray, says: str) -> None:
    with pytest.raises(AdaptationError, match=says):
        Collection.of(rows)


def test_what_is_left_has_unit_length_also_where_nothing_is_left() -> None:
    rows = pictures(5)
    assert np.linalg.norm(less(rows, rows.mean(axis=0)), axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert np.isfinite(less(rows, rows[0])).all()
