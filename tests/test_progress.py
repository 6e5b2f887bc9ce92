from __future__ import annotations

from samekind.progress import NotedStage, note_of, stage_counter


def test_counts_reach_who_listens() -> None:
    calls: list[tuple[str, int, int]] = []
    count = stage_counter(lambda *call: calls.append(call), "images", 9)
    count(4)
    count(9)
    assert calls == [("images", 4, 9), ("images", 9, 9)]


def test_nobody_listens() -> None:
    assert stage_counter(None, "images")(3) is None  # type: ignore[func-returns-value]


def test_a_stage_with_a_note_is_the_stage() -> None:
    stage = NotedStage("training steps", "epoch 2 of 5")
    assert stage == "training steps"
    assert {"training steps": 1}[stage] == 1
    assert (note_of(stage), note_of("images")) == ("epoch 2 of 5", "")
