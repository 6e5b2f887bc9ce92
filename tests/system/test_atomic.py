from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from PIL import Image

from samekind.system.atomic import replacing


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def write_and_fail(path: Path, failure: type[BaseException], *, unlink: bool = False) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        if unlink:
            temporary.unlink()
        raise failure


def test_success_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["note.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(failure):
        write_and_fail(path, failure)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_a_full_disk_is_told_with_the_name_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    for found in (OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EFBIG, "File too large")):
        with pytest.raises(OSError, match=r"(No space|too large).*note\.txt") as raised, replacing(path):
            raise found
        assert raised.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as other, replacing(path):  # of some other file
        raise FileNotFoundError(errno.ENOENT, "No such file", "image.png")
    assert other.value.filename == "image.png"


def test_failure_makes_no_file_where_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "note.txt", RuntimeError)
    assert names(tmp_path) == []


def test_failure_after_the_temporary_file_is_gone_is_still_that_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "note.txt", RuntimeError, unlink=True)


def test_failed_rename_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError), replacing(folder) as temporary:  # noqa: PT011
        temporary.write_text("a file cannot replace a folder")
    assert names(tmp_path) == ["folder"]


def test_temporary_file_is_in_the_same_folder_with_the_same_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "table.csv") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".csv"


def test_missing_folders_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "note.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a" / "b" / "note.txt").read_text() == "new"


def test_path_may_be_a_string_without_folder(in_folder: Path) -> None:
    with replacing("note.txt") as temporary:
        temporary.write_text("new")
    assert (in_folder / "note.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_file_has_the_permissions_that_open_gives(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        (tmp_path / "opened").open("w").close()
        with replacing(tmp_path / "replaced"):
            pass
        assert mode(tmp_path / "replaced") == mode(tmp_path / "opened")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o444])
def test_existing_file_keeps_its_permissions(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(permissions)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert mode(path) == permissions


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("target.txt")
    with replacing(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replacing(pipe) as temporary:
        temporary.write_text("through")
    reader.join(timeout=300)
    assert read == ["through"]
    assert pipe.is_fifo()


def test_a_folder_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pytest.fail("the body must not run")


@pytest.mark.parametrize("name", ["keep.jpg", "KEEP.PNG", "keep.webp"])
def test_a_picture_is_replaced_by_a_picture_of_its_kind_only(name: str, tmp_path: Path) -> None:
    picture = tmp_path / name
    Image.new("RGB", (8, 8)).save(picture)
    before = picture.read_bytes()
    with pytest.raises(FileExistsError, match="a picture lies there"), replacing(picture) as temporary:
        temporary.write_text("<html>")
    assert picture.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with replacing(picture) as temporary:
        Image.new("RGB", (8, 8), "red").save(temporary)
    assert picture.read_bytes() != before
