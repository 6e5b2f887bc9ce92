from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver, walk

posix = pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(root / name, "JPEG")


def seen(folder: Path, *exclude: str, passed: PassedOver | None = None) -> list[str]:
    return sorted(image.name for image in walk(folder, passed, exclude=exclude))


def test_images_in_subfolders_are_found_with_size_and_time(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b/c/d.PNG")
    found = {image.name: image for image in walk(tmp_path)}
    assert sorted(found) == ["a.jpg", "b/c/d.PNG"]
    status = (tmp_path / "b/c/d.PNG").stat()
    assert (found["b/c/d.PNG"].size, found["b/c/d.PNG"].mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert found["b/c/d.PNG"].path == str(tmp_path / "b/c/d.PNG")


def test_files_without_a_suffix_or_with_a_worn_one_count_by_content(tmp_path: Path) -> None:
    make(tmp_path, "IMG_1", "a.jpg_large", "b.jfif", "c.jpe", "d.jp2")
    for name in ("README", "x.jpg_text", "notes.txt", "e.jpgx"):
        (tmp_path / name).write_text("no image")
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["IMG_1", "a.jpg_large", "b.jfif", "c.jpe", "d.jp2"]
    assert passed.other == {"": 1, ".jpg_text": 1, ".txt": 1, ".jpgx": 1}


@pytest.mark.parametrize(
    "folder", ["@eaDir/a.jpg", "#recycle", "$RECYCLE.BIN/S-1-5", "@Recycle", "lost+found", "System Volume Information"]
)
def test_what_systems_keep_is_passed_over_and_counted(folder: str, tmp_path: Path) -> None:
    make(tmp_path, "2023/a.jpg", f"2023/{folder}/b.jpg", f"{folder}/c.jpg")
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["2023/a.jpg"]
    assert passed.system == {folder.split("/", maxsplit=1)[0]: 2}
    assert "2 folders of the system" in passed.sentences()[0]


def test_what_is_hidden_is_passed_over_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".thumbnails/b.jpg", ".Trash-1000/files/c.jpg", "._a.jpg")
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["a.jpg"]
    assert passed.hidden == 3


def test_a_hidden_or_system_folder_may_be_walked_itself(tmp_path: Path) -> None:
    make(tmp_path, ".cache/a.jpg", "lost+found/a.jpg")
    assert seen(tmp_path / ".cache") == seen(tmp_path / "lost+found") == ["a.jpg"]


def test_patterns_are_those_of_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a_small.jpg", "b/a_small.jpg", "b/keep_small.jpg", "raw/x.jpg", "b/raw/y.jpg", "c/raw.jpg")
    passed = PassedOver()
    found = seen(tmp_path, "*_small.jpg", "!keep_small.jpg", "/raw/", passed=passed)
    assert found == ["a.jpg", "b/keep_small.jpg", "b/raw/y.jpg", "c/raw.jpg"]
    assert passed.excluded == 3


def test_an_ignore_file_holds_for_its_own_folder_and_below(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b/a.jpg", "b/c/a.jpg", "b/c/d.jpg", "e/d.jpg")
    (tmp_path / "b" / ".samekindignore").write_text("# copies\na.jpg\n")
    (tmp_path / "b" / "c" / ".samekindignore").write_text("!a.jpg\n/d.jpg\n")
    assert seen(tmp_path) == ["a.jpg", "b/c/a.jpg", "e/d.jpg"]
    (tmp_path / ".samekindignore").write_text("e/\n")
    assert seen(tmp_path) == ["a.jpg", "b/c/a.jpg"]
    assert seen(tmp_path, "b/**") == ["a.jpg"]


def test_a_pattern_that_is_none_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    with pytest.raises(DatasetError, match=r"--exclude: not a pattern"):
        seen(tmp_path, "!")


# Links


@posix
def test_a_link_to_what_is_here_anyway_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "original/a.jpg")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "a.jpg").symlink_to("../original/a.jpg")
    (tmp_path / "copy").symlink_to("original")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "up").symlink_to("..")
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["original/a.jpg"]
    assert passed.links == 4


@posix
def test_a_link_to_elsewhere_is_followed_once(tmp_path: Path) -> None:
    make(tmp_path, "store/1.jpg", "store/sub/2.jpg", "single/3.jpg")
    here = tmp_path / "here"
    here.mkdir()
    for name in ("first", "second"):
        (here / name).symlink_to(tmp_path / "store")
        (here / f"{name}.jpg").symlink_to(tmp_path / "single" / "3.jpg")
    (here / "sub").symlink_to(tmp_path / "store" / "sub")
    (tmp_path / "store" / "back").symlink_to(here)
    passed = PassedOver()
    assert sorted(Path(name).name for name in seen(here, passed=passed)) in (
        ["1.jpg", "2.jpg", "first.jpg"],
        ["1.jpg", "2.jpg", "second.jpg"],
    )


@posix
def test_links_to_nothing_and_to_themselves_are_counted(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == []
    assert (passed.links, [name for name, _ in passed.unlisted]) == (2, [])


@posix
def test_what_is_no_regular_file_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    assert seen(tmp_path) == []


# What cannot be looked at


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list everything")
def test_a_subfolder_that_cannot_be_listed_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "secret/b.jpg")
    (tmp_path / "secret").chmod(0)
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["a.jpg"]
    assert passed.unlisted == [("secret/", "Permission denied")]
    (tmp_path / "secret").chmod(0o700)


def test_a_subfolder_that_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "secret/b.jpg")
    scandir = os.scandir

    def refusing(place: str) -> object:
        if str(place).endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr("samekind.images.folder_contents.os.scandir", refusing)
    passed = PassedOver()
    assert seen(tmp_path, passed=passed) == ["a.jpg"]
    assert passed.unlisted == [("secret/", "Permission denied")]


def test_a_folder_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        seen(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take only Unicode")
def test_names_that_are_no_utf8_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    make(tmp_path, f"{os.fsdecode(bytes([0xFF]))}/{name}")
    assert seen(tmp_path) == [f"{os.fsdecode(bytes([0xFF]))}/{name}"]


def test_passed_over_is_said_in_words_and_adds_up() -> None:
    passed = PassedOver()
    passed.add(PassedOver(hidden=1, excluded=2, links=1))
    passed.other.update({".txt": 3, ".mp4": 1, "": 1})
    assert passed.sentences() == [
        "4 files that are no images (3 .txt, 1 without suffix)",
        "1 video (1 .mp4)",
        "1 hidden file or folder",
        "2 excluded files or folders",
        "1 link to what is here anyway, or is gone",
    ]
    assert PassedOver().sentences() == []


@given(
    st.lists(st.sampled_from(["a.jpg", "b.txt", ".c.png", "@eaDir/d.jpg", "e/f.jpg", "e/g", "h/.i/j.jpg"]), unique=True)
)
def test_every_file_is_seen_or_counted(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("walk")
    make(folder, *names)
    passed = PassedOver()
    found = seen(folder, passed=passed)
    folders = {"@eaDir/d.jpg": 1, "h/.i/j.jpg": 1}
    expected = [name for name in names if name in {"a.jpg", "e/f.jpg", "e/g"}]
    assert found == sorted(expected)
    over = passed.other.total() + passed.hidden + passed.system.total()
    assert over == sum(name in {"b.txt", ".c.png"} or name in folders for name in names)
