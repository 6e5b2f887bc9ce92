from __future__ import annotations

import numpy as np
import pytest

from samekind.explain.contributions import contributions, correspondences, maps_of
from samekind.explain.places import PlacedEmbedding


def some(seed: int, height: int = 3, width: int = 4) -> PlacedEmbedding:
    parts = np.random.default_rng(seed).normal(size=(height, width, 5)).astype(np.float32)
    return PlacedEmbedding(parts.sum(axis=(0, 1)), parts, np.full((height, width), 1 / 12, np.float32))


def test_contributions_are_the_products_of_all_parts() -> None:
    first, second = some(0), some(1, 2, 5)
    found = contributions(first, second)
    assert found.shape == (3, 4, 2, 5)
    assert found.dtype == np.float32
    for places in np.ndindex(found.shape):
        expected = first.parts[places[:2]] @ second.parts[places[2:]]
        assert found[places] == pytest.approx(expected, abs=1e-5)
    assert found.sum() == pytest.approx(float(first.embedding @ second.embedding), abs=1e-4)


def test_maps_are_what_each_place_adds_and_the_order_makes_no_difference() -> None:
    first, second = some(0), some(1)
    one, other = maps_of(contributions(first, second))
    np.testing.assert_allclose(one, first.parts @ second.embedding, atol=1e-4)
    np.testing.assert_allclose(other, second.parts @ first.embedding, atol=1e-4)
    back = maps_of(contributions(second, first))
    np.testing.assert_allclose(back[0], other, atol=1e-4)
    np.testing.assert_allclose(back[1], one, atol=1e-4)


def planted(*pairs: tuple[int, int, float], size: int = 5) -> np.ndarray:
    flat = np.zeros((size * size, size * size), np.float32)
    for first, second, value in pairs:
        flat[first, second] = value
    return flat.reshape(size, size, size, size)


def test_correspondences_are_the_largest_pairs_strongest_first_at_their_centres() -> None:
    lines = correspondences(planted((0, 24, 0.5), (24, 0, 1.0), (12, 12, 0.1)))
    assert [line.contribution for line in lines] == [1.0, 0.5]  # the third is too faint
    assert lines[0].first == pytest.approx((0.9, 0.9))
    assert lines[0].second == pytest.approx((0.1, 0.1))


def test_a_spot_corresponds_once() -> None:
    lines = correspondences(planted((0, 0, 1.0), (0, 24, 0.9), (1, 1, 0.9), (24, 24, 0.8)))
    assert [line.contribution for line in lines] == pytest.approx([1.0, 0.8])


def test_what_makes_less_alike_corresponds_to_nothing() -> None:
    assert correspondences(planted((0, 0, -1.0))) == ()
    assert correspondences(planted()) == ()


def test_places_that_take_away_in_all_do_not_correspond() -> None:
    lines = correspondences(planted((0, 0, 1.0), (24, 24, 0.9), (24, 0, -2.0), (0, 24, 0.0), (2, 0, 1.5)))
    assert all(line.first != (0.9, 0.9) for line in lines)
    assert lines
