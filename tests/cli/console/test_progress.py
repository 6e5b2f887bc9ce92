"""What a long command writes of its progress, on a terminal and into a log."""

from __future__ import annotations

import sys

import pytest

from samekind.cli.console.progress import stage_bars
from samekind.progress import NotedStage


def test_a_log_has_a_line_for_each_tenth_with_its_note(capsys: pytest.CaptureFixture[str]) -> None:
    with stage_bars() as report:
        for done in range(1, 21):
            report(NotedStage("training steps", f"epoch {1 + done // 11} of 2"), done, 20)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 10
    assert written[0] == "training steps: 2 of 20, epoch 1 of 2"
    assert written[-1] == "training steps: 20 of 20, epoch 2 of 2"


def test_a_bar_shows_its_note(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with stage_bars() as report:
        report("images [of a folder]", 2, 2)
        report(NotedStage("training steps", "epoch 1 of 2, loss 0.512"), 1, 20)
    written = capsys.readouterr().err
    assert "images [of a folder]" in written
    assert "epoch 1 of 2, loss 0.512" in written
