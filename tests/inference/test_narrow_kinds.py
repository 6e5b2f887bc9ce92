import numpy as np
import pytest
from conftest import make_card
from hypothesis import given
from strategies import unit_rows

from samekind.inference.narrow_kinds import doubts, pack

AXES = np.eye(6, dtype=np.float32)
CARD = make_card(narrow=pack(["coins", "leaves", "everyday pictures"], [AXES[:1], AXES[1:3], AXES[3:]], 0.1))


def between(first: int, second: int, share: float = 0.5) -> np.ndarray:
    row = (1 - share) * AXES[first] + share * AXES[second]
    return np.asarray([row / np.linalg.norm(row)], np.float32)


def test_two_of_one_narrow_kind_are_doubted_by_its_name() -> None:
    assert (doubts(CARD, AXES[:1], between(0, 4, 0.3))[0] or "").startswith("all look like coins, and the error rates")
    assert (doubts(CARD, AXES[1:2], AXES[2:3])[0] or "").startswith("all look like leaves")


@pytest.mark.parametrize(
    "members",
    [
        (AXES[3:4], AXES[4:5]),  # everyday
        (AXES[:1], AXES[3:4]),  # only one is narrow
        (AXES[:1], AXES[1:2]),  # two narrow kinds: they are told apart
        (AXES[:1], AXES[:1], AXES[3:4]),  # a trio with one of another kind
        (between(0, 3), between(0, 3)),  # hardly nearer to the one than to the other
    ],
)
def test_others_are_not(members: tuple[np.ndarray, ...]) -> None:
    assert doubts(CARD, *members) == [None]


@given(unit_rows(4, 6), unit_rows(4, 6))
def test_the_order_makes_no_difference(first: np.ndarray, second: np.ndarray) -> None:
    assert doubts(CARD, first, second) == doubts(CARD, second, first)


def test_a_card_that_knows_of_none_doubts_nothing() -> None:
    assert doubts(make_card(), AXES, AXES) == [None] * 6


def test_packing_keeps_directions_to_a_hundredth() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    card = make_card(dimension=64, narrow=pack(["a", "everyday pictures"], [rows[:2], rows[2:]], 0.9))
    assert [doubt is None for doubt in doubts(card, rows, rows)][2:] == [True] * 3
