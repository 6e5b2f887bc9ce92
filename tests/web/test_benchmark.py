"""``benchmarks/web.py`` runs to its end on a few pictures; its numbers say nothing here."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from browsers import needs_chromium
from conftest import save_noise

from samekind.web import export

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "web.py"


@needs_chromium
@pytest.mark.slow(reason="drives a browser")
def test_it_prints_bytes_times_and_differences(
    page: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("playwright.sync_api")
    for number in range(6):
        path = tmp_path / "photos" / f"{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_noise(path, (40 * number, 90, 120), seed=number)
    monkeypatch.setattr(export, "built_page", lambda: page)
    words = ["--images", tmp_path / "photos", "--pairs", "2", "--mosaics", "2", "--visits", "1", "--model", tiny_model]
    monkeypatch.setattr(sys, "argv", ["web.py", *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    assert "WebAssembly   14" in printed
    assert "second visit" in printed
    assert printed.count("probability off by") == 4
