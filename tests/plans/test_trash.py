"""The system's trash: send2trash puts files there, and on Linux they are found again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from plans.folders import make_folder, snapshot

from samekind.plans import apply_plan, read_plan, undo
from samekind.plans import trash as trashing

pytest.importorskip("send2trash")
freedesktop = pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="the freedesktop trash")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a trash of its own. send2trash decides where it is when it is imported."""
    data = tmp_path / "home/share"
    data.mkdir(parents=True)
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "send2trash"]:
        monkeypatch.delitem(sys.modules, name)
    return data / "Trash"


@freedesktop
def test_to_the_trash_and_back(tmp_path: Path, home: Path) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    before = snapshot(tmp_path / "photos")
    for _ in range(2):  # the second time beside nothing of the first
        result = apply_plan(plan, trash=True)
        assert (len(result.moved), len(snapshot(tmp_path / "photos"))) == (8, 4)
        assert len(list((home / "files").iterdir())) == len(list((home / "info").iterdir())) == 8
        assert result.run is not None
        assert {path.name for path in result.run.iterdir()} == {"journal.jsonl", ".samekindignore"}
        undone = undo(result.run)
        assert (undone.back, undone.by_hand, undone.problems) == (8, [], [])
        assert snapshot(tmp_path / "photos", ours=True) == before
        assert list((home / "files").iterdir()) == list((home / "info").iterdir()) == []


@freedesktop
def test_through_a_link_and_after_the_trash_was_emptied(tmp_path: Path, home: Path) -> None:
    make_folder(tmp_path / "real")
    (tmp_path / "photos").symlink_to("real")
    text = (tmp_path / "plan.txt").read_text()
    (tmp_path / "plan.txt").write_text(text.replace(str(tmp_path / "real"), str(tmp_path / "photos")))
    result = apply_plan(read_plan(tmp_path / "plan.txt"), trash=True)
    assert result.run is not None
    (home / "files" / "0 '1'.jpg").unlink()
    undone = undo(result.run)
    assert (undone.back, undone.by_hand) == (7, [tmp_path / "real/sub folder/0 '1'.jpg"])
    assert "Restore" in undone.how_by_hand
    assert result.run.exists()


@freedesktop
def test_another_file_of_the_same_name_is_not_taken_for_it(tmp_path: Path, home: Path) -> None:
    (home / "files").mkdir(parents=True)
    (home / "info").mkdir()
    (home / "files/a.jpg").write_bytes(b"other")
    (home / "info/a.jpg.trashinfo").write_text(f"[Trash Info]\nPath={tmp_path}/a%20b.jpg\n")
    (home / "info/broken.trashinfo").write_bytes(b"\xff")
    import hashlib

    wanted = hashlib.sha256(b"other").hexdigest()
    assert trashing.find_in_trash(tmp_path / "a b.jpg", 5, wanted) == (
        home / "files/a.jpg",
        home / "info/a.jpg.trashinfo",
    )
    assert trashing.find_in_trash(tmp_path / "a b.jpg", 5, "0" * 64) is None
    assert trashing.find_in_trash(tmp_path / "c.jpg", 5, wanted) is None


def test_where_the_system_has_no_way_back_a_person_is_told_how(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read_plan(make_folder(tmp_path / "photos", pictures=1, copies=1))
    result = apply_plan(plan, trash=True)
    assert result.run is not None
    monkeypatch.setattr(trashing, "_trashes", lambda _path: iter(()))
    undone = undo(result.run)
    assert (undone.back, len(undone.by_hand)) == (0, 1)
    assert (result.run / "journal.jsonl").exists()
    del home


@pytest.mark.parametrize(
    ("system", "word"), [("darwin", "Put Back"), ("win32", "Recycle Bin"), ("linux", "open the trash")]
)
def test_the_words_for_each_system(monkeypatch: pytest.MonkeyPatch, system: str, word: str) -> None:
    monkeypatch.setattr(trashing.sys, "platform", system)
    assert word in trashing.how_by_hand()


def test_a_drive_without_a_recycle_bin_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Windows:
        class kernel32:  # noqa: N801 - as ctypes names it
            GetDriveTypeW = staticmethod(lambda _anchor: 4)  # a network drive

    monkeypatch.setattr(trashing.sys, "platform", "win32")
    monkeypatch.setattr(trashing.ctypes, "windll", Windows, raising=False)
    (tmp_path / "a.jpg").write_bytes(b"a")
    with pytest.raises(OSError, match="its drive has no recycle bin") as raised:
        trashing.send_to_trash(tmp_path / "a.jpg")
    assert raised.value.filename == os.fspath(tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").exists()
