"""The guide's examples, executed with a small model in the place of ``general``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run
from conftest import COLOURS, save_noise

GUIDE = Path(__file__).parents[2] / "docs" / "adaptation.md"


@pytest.fixture
def desk(tmp_path: Path, many_colours: Path, colour_folders: Path, photo: Callable[..., Path]) -> Path:
    """A folder with what the guide takes for granted."""
    shutil.copytree(many_colours, tmp_path / "photos")
    shutil.copytree(colour_folders, tmp_path / "CLASS-FOLDERS")
    for seed, (name, colour) in enumerate(COLOURS.items()):
        (tmp_path / "OTHER-FOLDERS" / name).mkdir(parents=True)
        for number in range(10):
            save_noise(tmp_path / "OTHER-FOLDERS" / name / f"{number}.png", colour, 9000 + 10 * seed + number)
    for seed, name in enumerate("abc"):
        photo(f"{name}.jpg", (230, 40 + 60 * seed, 90), seed)
    return tmp_path


def test_its_commands_run(desk: Path, adaptable_model: Path) -> None:
    lines = re.findall(r"^\$ samekind (.*)$", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    done = []
    for line in lines:
        words = [str(adaptable_model) if word == "general" else word for word in line.split()]
        if words[0] == "serve":  # it would not end; the service has tests of its own
            continue
        if words[0] in {"verify", "trio", "index"} and "--model" not in words:
            words += ["--model", str(adaptable_model)]
        result = run(*words, cwd=desk)
        assert result.returncode == 0, (line, result.stderr)
        done.append(words[0])
    assert set(done) == {"adapt", "verify", "trio", "index", "calibrate", "evaluate"}


def test_its_python_runs(desk: Path, adaptable_model: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "samekind.load()" in code
    code = code.replace("samekind.load()", f"samekind.load({str(adaptable_model)!r})")
    result = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (desk / "mine.onnx").exists()
