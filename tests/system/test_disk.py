from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from samekind.system.disk import shortage


@pytest.mark.parametrize(("needed", "enough"), [(1_500_000_000, True), (1_500_000_001, False)])
def test_a_shortage_is_what_exceeds_the_free_room(
    needed: int, enough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_500_000_000))
    expected = None if enough else f"{tmp_path}: 1.5 GB are needed and 1.5 GB are free"
    assert shortage(tmp_path, needed) == expected
