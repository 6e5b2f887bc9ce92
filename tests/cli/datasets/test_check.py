"""``samekind data check`` as a user types it."""

import json
import os
import shutil
from pathlib import Path

import pytest
from commands import run
from conftest import save_noise


@pytest.fixture
def photos(colour_folders: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_folders, tmp_path / "photos"))


def test_a_folder_that_is_ready_exits_with_zero(photos: Path) -> None:
    result = run("data", "check", photos)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (0, "images: 96 of 96")
    assert "96 readable images of 4 classes" in result.stdout
    assert "ready to train" in result.stdout


def test_what_should_be_mended_is_listed_with_what_to_do(photos: Path) -> None:
    (photos / "red" / "00.png").write_bytes(b"no image")
    shutil.copy(photos / "blue" / "00.png", photos / "red" / "[bold]twin.png")
    result = run("data", "check", photos)
    assert result.returncode == 1
    for words in (
        "1 of 97 files cannot be read",
        "red/00.png: not an image",
        "training leaves them out",
        "1 image is in more than one class",
        "[bold]twin.png",
        "keep the one in the right class",
        "things to mend: 1",
    ):
        assert words in result.stdout, words


def test_json_holds_all_of_it(photos: Path) -> None:
    for i in range(15):
        (photos / "red" / f"bad{i}.png").write_bytes(b"no image")
    assert "… and 5 more" in run("data", "check", photos).stdout
    result = run("data", "check", photos, "--json")
    written = json.loads(result.stdout)
    assert (result.returncode, written["ready"], written["images"]) == (0, True, 96)
    (finding,) = written["findings"]
    assert len(finding["files"]) == 15
    assert written["classes"][0] == {"name": "blue", "images": {"train": 24}, "different": 24}


def test_names_that_are_not_utf8_and_control_characters_are_printed_safely(photos: Path) -> None:
    odd = photos / "red" / os.fsdecode(b"\xff\x1b[31m.png")
    odd.write_bytes(b"no image")
    result = run("data", "check", photos)
    assert (result.returncode, "\x1b" in result.stdout) == (0, False)
    (finding,) = json.loads(run("data", "check", photos, "--json").stdout)["findings"]
    assert finding["files"] == [[str(odd)]]


def test_of_many_classes_the_smallest_are_shown(tmp_path: Path) -> None:
    for number in range(45):
        (tmp_path / "many" / f"class{number:02}").mkdir(parents=True)
        for i in range(4 + (number > 3)):
            save_noise(tmp_path / "many" / f"class{number:02}" / f"{i}.png", (9, 9, 9), 10 * number + i, (2, 2))
    text = run("data", "check", tmp_path / "many").stdout
    assert "and 5 larger classes" in text
    assert all(f"class{number:02}" in text for number in range(4))


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_trouble_exits_with_two(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("data", "check", tmp_path / name)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_patterns_leave_files_out_and_it_is_said(photos: Path) -> None:
    for name in ("a_thumb.png", "b_thumb.png"):
        (photos / "red" / name).write_bytes(b"no image")
    result = run("data", "check", photos, "--exclude", "*_thumb.png")
    assert result.returncode == 0
    assert "passed over: 2 excluded files or folders" in result.stdout
    assert "cannot be read" not in result.stdout


def test_an_address_is_refused_in_words() -> None:
    result = run("data", "check", "s3://bucket/photos")
    assert (result.returncode, result.stdout) == (2, "")
    assert "addresses are not fetched" in result.stderr
