"""What a command has to say of its work stands on one line, without the place in the code."""

from __future__ import annotations

from pathlib import Path

from commands import run
from conftest import save_noise

ALIKE = "of 40 pictures that were compared, only"


def test_a_warning_of_the_library_is_one_line_for_people(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(40):
        kind = number // 3
        save_noise(tmp_path / "photos" / f"{number}.png", (18 * kind, 90, 250 - 18 * kind), seed=kind)
    done = run("adapt", "general", tmp_path / "photos", "-o", tmp_path / "mine.onnx")
    said = [line for line in done.stderr.splitlines() if ALIKE in line]
    assert len(said) == 1
    assert said[0].startswith(f"samekind: {ALIKE}")
    assert "UserWarning" not in done.stderr
