"""Candidates found by parts, against looking at each pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from copies.made_features import made_features, made_greys
from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.copies import candidates, feature_cells, wave_cells
from samekind.copies.candidates import alike_pairs, voted_pairs
from samekind.copies.feature_cells import rank
from samekind.copies.features import signs
from samekind.copies.wave_cells import LEAST_ALIKE, levels_apart, many_waves, ways_of


def in_threads(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(3) as pool:
        yield from pool.map(work, items)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many cells and many parts, as of a million pictures."""
    monkeypatch.setattr(candidates, "_VOTERS", 500)
    monkeypatch.setattr(candidates, "_PICTURES", 37)
    monkeypatch.setattr(candidates, "_MANY_PAIRS", 50)
    monkeypatch.setattr(feature_cells, "_BLOCK", 700)
    monkeypatch.setattr(feature_cells, "_MANY", 300)
    monkeypatch.setattr(wave_cells, "_CELL", 12)
    monkeypatch.setattr(wave_cells, "_BOX", 7)


def test_votes_find_planted_copies_and_no_others(small_parts: None) -> None:
    features, of = made_features(400, 60)
    later, earlier, votes = voted_pairs(features)
    assert dict(zip(later.tolist(), earlier.tolist(), strict=True)) == dict(enumerate(of.tolist(), 340))
    assert votes.min() > 20


@pytest.mark.parametrize("each", [map, in_threads])
def test_pairs_do_not_depend_on_what_does_the_parts(small_parts: None, each: Any) -> None:
    features, greys = made_features(300, 40)[0], made_greys(300, 40)
    for first, second in (
        (voted_pairs(features), voted_pairs(features, each=each)),
        (alike_pairs(greys), alike_pairs(greys, each)),
    ):
        assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("count", [2, 30, 400])
def test_cells_miss_none_of_the_pictures_that_are_alike(small_parts: None, count: int) -> None:
    greys = made_greys(count, count // 4)
    waves, sizes = many_waves(greys)
    alike = np.max([way @ waves.T for way in ways_of(waves)], axis=0)
    pairs = [(i, j) for j, i in combinations(range(count), 2) if alike[i, j] >= LEAST_ALIKE]
    expected: dict[int, list[tuple[int, int]]] = {}
    for i, j in pairs:
        [apart] = levels_apart(sizes[[i]], sizes[[j]], alike[[i], [j]]).astype(np.int64)
        expected.setdefault(i, []).append((int(apart), j))
    found: dict[int, list[tuple[int, int]]] = {}
    for later, earlier, votes in zip(*(column.tolist() for column in alike_pairs(greys)), strict=True):
        found.setdefault(later, []).append((-votes, earlier))
    assert found == {i: sorted(some)[:5] for i, some in expected.items()}
    assert count == 2 or found


def test_pictures_without_anything_in_them_are_not_alike() -> None:
    assert not len(alike_pairs([np.full((24, 24), level, np.uint8) for level in (0, 9, 9, 255)] * 100)[0])


def test_the_nearest_features_are_those_of_brute_force_where_all_cells_are_searched(
    small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cells, "_SEARCHED", 4)
    monkeypatch.setattr(feature_cells, "_CELL", 600)  # at most four cells
    bits = np.concatenate([one.bits for one in made_features(60, 20)[0]])
    cells, near = feature_cells.put_into_cells(bits, 0, map)
    assert near.shape == (len(bits), 4)
    apart = (128 - signs(bits) @ signs(bits).T) / 2
    for end in (len(bits), 1000):
        row, found = cells.nearest(bits, near, end, 16, 26)
        expected = [np.flatnonzero(line[:end] <= 26) for line in apart]
        for number, right in enumerate(expected):
            mine = found[row == number]
            assert (np.diff(apart[number, mine]) >= 0).all()
            assert len(mine) == min(16, len(right))
            assert set(mine) <= set(right)
            if len(mine):
                assert apart[number, mine].max() <= np.sort(apart[number, right])[len(mine) - 1]


def test_of_many_cells_a_copy_is_put_into_the_same_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    bits = np.concatenate([one.bits for one in made_features(400, 0)[0]])
    centres = bits[rng.choice(len(bits), 900, replace=False)]
    differing = np.packbits(rng.random((len(bits), 128)) < 0.05, axis=1)
    shared = []
    for many in (10_000, 100):  # all cells are searched, and 16 of 30 groups
        monkeypatch.setattr(feature_cells, "_MANY_CENTRES", many)
        own, copies = (feature_cells.cells_of(centres, some) for some in (bits, bits ^ differing))
        assert own.shape == (len(bits), 4)
        shared.append(np.mean((copies == own[:, :1]).any(axis=1)))
    assert shared[1] > 0.9 * shared[0] > 0.5


@settings(max_examples=50)
@given(st.lists(st.integers(0, 5)))
def test_a_rank_counts_those_before_that_are_the_same(numbers: list[int]) -> None:
    numbers.sort()
    assert rank(np.array(numbers, np.int64)).tolist() == [i - numbers.index(n) for i, n in enumerate(numbers)]
