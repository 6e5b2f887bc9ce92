"""``samekind data audit``, ``apply`` and ``label`` as a user types them."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from commands import command, run


@pytest.fixture
def photos(colour_folders: Path, tmp_path: Path) -> Path:
    photos = Path(shutil.copytree(colour_folders, tmp_path / "photos"))
    shutil.move(photos / "red" / "03.png", photos / "blue" / "odd.png")
    return photos


def test_audit_then_apply(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    page, listed, manifest = tmp_path / "audit.html", tmp_path / "audit.csv", tmp_path / "manifest.csv"
    result = run("data", "audit", photos, "--model", tiny_model, "--html", page, "--csv", listed)
    assert result.returncode == 1
    assert "labels that look wrong: 1" in result.stdout
    assert "looks like red" in result.stdout
    assert page.stat().st_size > 10_000
    lines = [line for line in listed.read_text().splitlines() if ",quality," not in line]
    listed.write_text("\n".join(lines) + "\n")
    applied = run("data", "apply", listed, "-o", manifest)
    assert applied.returncode == 0, applied.stderr
    assert "1 with another class" in applied.stdout


def test_json_is_json(photos: Path, tiny_model: Path) -> None:
    found = json.loads(run("data", "audit", photos, "--model", tiny_model, "--json").stdout)
    assert len(found["paths"]) == len(found["wrong"]) == 96
    assert next(one for one in found["findings"] if one["finding"] == "label")["proposed"] == "red"


def test_what_cannot_be_is_trouble(photos: Path, tmp_path: Path) -> None:
    assert run("data", "audit", tmp_path / "nowhere").returncode == 2
    assert run("data", "audit", photos, "--csv", photos).returncode == 2
    assert run("data", "apply", tmp_path / "nowhere.csv", "-o", tmp_path / "m.csv").returncode == 2
    assert run("data", "label", photos).returncode == 2


def test_label_serves_until_it_is_told_to_end(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    words = command("data", "label", photos, "-o", tmp_path / "pairs.csv", "--model", tiny_model, "--pairs", 5)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("5 pairs; answer them at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert "0 of 5 pairs answered" in rest
    assert process.returncode == 0
    assert not (tmp_path / "pairs.csv").exists()


def test_a_page_by_itself(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    result = run("data", "label", photos, "--html", tmp_path / "label.html", "--model", tiny_model, "--pairs", 5)
    assert result.returncode == 0
    assert "answer 5 pairs" in result.stdout
