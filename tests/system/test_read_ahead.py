from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.system.read_ahead import read_ahead


@given(items=st.lists(st.integers(), max_size=30), ahead=st.integers(1, 8), threads=st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(items: list[int], ahead: int, threads: int) -> None:
    assert list(read_ahead(lambda item: item * 2, items, ahead=ahead, threads=threads)) == [item * 2 for item in items]


def test_order_is_kept_when_early_items_are_slow() -> None:
    def work(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert list(read_ahead(work, [0.1, 0.0, 0.05, 0.0], ahead=4, threads=4)) == [0.1, 0.0, 0.05, 0.0]


def test_items_are_taken_only_so_far_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(1000):
            taken.append(i)
            yield i

    results = read_ahead(str, items(), ahead=5, threads=2)
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) <= 3 + 5
    results.close()
    assert len(taken) <= 3 + 5


def test_the_callers_end_does_not_wait_for_the_rest() -> None:
    done = []

    def work(item: int) -> None:
        time.sleep(0.02)
        done.append(item)

    results = read_ahead(work, range(1000), ahead=100, threads=1)
    next(results)
    results.close()
    assert len(done) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("samekind-read")]


def test_what_work_raises_is_raised_in_its_place() -> None:
    results = read_ahead(lambda item: 1 // item, [1, 1, 0, 1], ahead=3)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
