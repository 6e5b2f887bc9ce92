from __future__ import annotations

from samekind.progress import stage_counter


def test_counts_reach_who_listens() -> None:
    calls: list[tuple[str, int, int]] = []
    count = stage_counter(lambda *call: calls.append(call), "images", 9)
    count(4)
    count(9)
    assert calls == [("images", 4, 9), ("images", 9, 9)]


def test_nobody_listens() -> None:
    assert stage_counter(None, "images")(3) is None  # type: ignore[func-returns-value]
