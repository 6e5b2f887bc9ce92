"""``samekind demo --save-images``: the pictures that the README's commands name."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run

pytest.importorskip("skimage")


def test_the_commands_run_on_the_saved_pictures(tmp_path: Path) -> None:
    result = run("demo", "-o", "demo.png", "--save-images", "try", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "try"
    assert {path.name for path in folder.iterdir()} == {"a.jpg", "b.jpg", "c.jpg", "photos", "pairs.csv"}
    assert len(list((folder / "photos").glob("*.jpg"))) == 16
    assert run("verify", "a.jpg", "b.jpg", cwd=folder).stdout.startswith("same")
    assert run("verify", "a.jpg", "c.jpg", cwd=folder).stdout.startswith("different")
    assert run("trio", "a.jpg", "b.jpg", "c.jpg", cwd=folder).stdout.startswith("two alike")
    listed = run("verify", "--pairs", "pairs.csv", "-o", "verdicts.csv", cwd=folder)
    assert listed.returncode == 0, listed.stderr
    assert len((folder / "verdicts.csv").read_text().splitlines()) == 13
    assert run("adapt", "general", "photos", "-o", "adapted.onnx", cwd=folder).returncode == 0
    found = run("find", "photos/cat-small.jpg", "photos", cwd=folder)
    assert "sure  photos/cat.jpg" in found.stdout, found.stdout + found.stderr


def test_nothing_of_a_folder_is_written_over_and_that_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.jpg").write_bytes(b"mine")
    result = run("demo", "-o", "demo.png", "--save-images", "mine", cwd=tmp_path)
    assert (result.returncode, "name a new folder" in result.stderr) == (2, True)
    assert (tmp_path / "mine/a.jpg").read_bytes() == b"mine"
    assert not (tmp_path / "demo.png").exists()
