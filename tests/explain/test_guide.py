"""The guide's examples, executed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run

GUIDE = Path(__file__).parents[2] / "docs" / "explaining.md"


@pytest.fixture
def desk(tmp_path: Path, many_colours: Path, photo: Callable[..., Path]) -> Path:
    shutil.copytree(many_colours, tmp_path / "photos")
    for seed, name in enumerate("abc"):
        photo(f"{name}.jpg", (230, 40 + 60 * seed, 90), seed)
    return tmp_path


def test_its_commands_run(desk: Path) -> None:
    lines = re.findall(r"^\$ samekind (explain .*)$", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        result = run(*line.split(), cwd=desk)
        assert result.returncode == 0, (line, result.stderr)
    assert (desk / "why.png").exists()


def test_its_python_runs(desk: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    result = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("contributions (7, 7)")
