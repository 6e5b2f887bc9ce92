"""What a plan may move and what it may not, and the way back, file by file."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from plans.folders import MEMORY, contents, line, make_folder, snapshot, write

from samekind.errors import PlanError
from samekind.images.folder_contents import PassedOver, walk
from samekind.images.ignoring import is_system_folder
from samekind.plans import Plan, PlanLine, apply_plan, preview_plan, read_plan, undo
from samekind.plans import apply as applying
from samekind.plans import move as moving
from samekind.plans.journal import read_journal
from samekind.plans.removal_folder import REMOVAL_FOLDER

posix = pytest.mark.skipif(os.name != "posix", reason="links and permissions of POSIX")
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "sub/b.jpg", "c.jpg"):
        write(tmp_path / "photos" / name, f"picture {name}".encode())
    return tmp_path / "photos"


def plan_of(folder: Path, *lines: PlanLine) -> Plan:
    return Plan(folder, lines)


def refusals(plan: Plan) -> list[str]:
    """Why files stay; a preview says what then happens."""
    seen = [(refused.line.name, refused.why) for refused in preview_plan(plan).refused]
    result = apply_plan(plan)
    assert [(refused.line.name, refused.why) for refused in result.refused] == seen
    return [why for _, why in seen]


def test_a_plan_is_previewed_applied_and_undone(tmp_path: Path) -> None:
    plan = make_folder(tmp_path / "photos")
    before, everything = snapshot(tmp_path / "photos"), contents(tmp_path / "photos")
    preview = preview_plan(read_plan(plan))
    assert (len(preview.moved), preview.refused, preview.run) == (8, [], None)
    assert snapshot(tmp_path / "photos", ours=True) == before
    steps: list[tuple[str, int, int]] = []
    applied = apply_plan(read_plan(plan), on_progress=lambda *step: steps.append(step))
    assert steps == [("moved", number, 8) for number in range(1, 9)]
    assert (len(applied.moved), applied.size) == (8, preview.size)
    assert len(snapshot(tmp_path / "photos")) == 4
    assert contents(tmp_path / "photos") == everything
    assert applied.run is not None
    assert applied.run.parent == tmp_path / "photos" / REMOVAL_FOLDER
    moved = set(snapshot(applied.run)) - {"journal.jsonl", ".samekindignore"}
    assert moved == {name for name in before if not name.startswith("keep/")}
    undone = undo(applied.run)
    assert (undone.back, undone.there, undone.problems) == (8, 0, [])
    assert snapshot(tmp_path / "photos", ours=True) == before
    assert not (tmp_path / "photos" / REMOVAL_FOLDER).exists()


def test_what_was_applied_is_not_moved_again(tmp_path: Path) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    first, second = apply_plan(plan), apply_plan(plan)
    assert (second.gone, second.moved, second.refused, second.run) == (8, [], [], None)
    assert first.run is not None
    assert undo(first.run).back == 8
    with pytest.raises(PlanError, match="nothing to undo"):
        undo(tmp_path / "photos")


@pytest.mark.parametrize("change", ["bytes", "size", "gone", "folder"])
@pytest.mark.parametrize("whose", ["a.jpg", "c.jpg"])
def test_what_has_changed_since_stays(folder: Path, change: str, whose: str) -> None:
    plan = plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg"))
    path = folder / whose
    data = path.read_bytes()
    path.unlink()
    if change == "folder":
        path.mkdir()
    elif change != "gone":
        write(path, data[::-1] if change == "bytes" else data + b"!")  # with the same time
    found = snapshot(folder, ours=True)
    whys = refusals(plan)
    assert snapshot(folder, ours=True) == found
    if whose == "a.jpg":
        assert len(whys) == 1
        assert whys[0].startswith("would be the last copy: a.jpg, which should stay, ")
    elif change == "gone":
        assert not whys
    else:
        assert whys == ["is no file" if change == "folder" else "has changed since the plan was written"]


def test_the_last_copy_stays_whatever_a_person_wrote(folder: Path) -> None:
    b, c = line(folder, "sub/b.jpg", "remove", "a.jpg"), line(folder, "c.jpg", "look")
    nobody = plan_of(folder, line(folder, "a.jpg", "remove"), b, c)
    assert refusals(nobody) == [
        "would be the last copy: the plan keeps no copy of it",
        "would be the last copy: the plan keeps neither a.jpg nor another copy of it",
    ]
    # b was a copy of a, c is only looked at: through it b is not a copy of anything that stays.
    chain = plan_of(folder, line(folder, "a.jpg", "remove"), b, line(folder, "c.jpg", "keep", "a.jpg"))
    assert [why[:55] for why in refusals(chain)] == ["would be the last copy: the plan keeps neither a.jpg no"]
    assert undo(folder / REMOVAL_FOLDER).back == 1
    # Exchanged by hand: the copy stays, and what it is a copy of goes.
    exchanged = plan_of(folder, line(folder, "a.jpg", "remove"), line(folder, "sub/b.jpg", "keep", "a.jpg"))
    assert not refusals(exchanged)
    assert not (folder / "a.jpg").exists()


def test_one_of_the_same_bytes_stands_for_another(folder: Path) -> None:
    shutil.copy2(folder / "a.jpg", folder / "same.jpg")
    plan = plan_of(folder, line(folder, "a.jpg", "remove"), line(folder, "same.jpg"))
    assert not refusals(plan)


@posix
def test_links_and_what_they_lead_to_stay(folder: Path) -> None:
    (folder / "link.jpg").symlink_to("a.jpg")
    (folder / "elsewhere").symlink_to("sub")
    shutil.copy2(folder / "a.jpg", folder / "copy.jpg")
    shutil.copy2(folder / "sub/b.jpg", folder / "copy of b.jpg")
    found = snapshot(folder, ours=True)
    target = plan_of(folder, line(folder, "link.jpg"), line(folder, "a.jpg", "remove"), line(folder, "copy.jpg"))
    assert refusals(target) == ["is what link.jpg leads to, which stays"]
    assert refusals(plan_of(folder, line(folder, "a.jpg"), line(folder, "link.jpg", "remove", "a.jpg"))) == [
        "is a link; only files are moved"
    ]
    # The same file by another way.
    ways = plan_of(folder, line(folder, "sub/b.jpg"), line(folder, "elsewhere/b.jpg", "remove", "sub/b.jpg"))
    assert refusals(ways) == ["is what sub/b.jpg leads to, which stays"]
    assert snapshot(folder, ours=True) == found
    # A kept link to another copy is a copy that stays.
    other = plan_of(folder, line(folder, "link.jpg"), line(folder, "copy.jpg", "remove"))
    assert not refusals(other)


@posix
def test_hard_links_are_told(folder: Path, tmp_path: Path) -> None:
    (folder / "again.jpg").hardlink_to(folder / "a.jpg")
    same = plan_of(folder, line(folder, "a.jpg"), line(folder, "again.jpg", "remove", "a.jpg"))
    assert refusals(same) == ["would be the last copy: a.jpg, which should stay, is the same file by another name"]
    (tmp_path / "outside.jpg").hardlink_to(folder / "c.jpg")
    result = apply_plan(plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg")))
    assert (len(result.moved), result.shared, result.size) == (1, 1, 0)
    assert result.run is not None
    assert undo(result.run).back == 1
    assert (folder / "c.jpg").samefile(tmp_path / "outside.jpg")


def test_what_was_removed_is_not_removed_again_and_keeps_nothing(folder: Path) -> None:
    write(folder / REMOVAL_FOLDER / "old" / "a.jpg", b"picture a.jpg")
    inner = f"{REMOVAL_FOLDER}/old/a.jpg"
    assert refusals(plan_of(folder, line(folder, "a.jpg"), line(folder, inner, "remove", "a.jpg"))) == [
        f"lies in {REMOVAL_FOLDER} already"
    ]
    assert refusals(plan_of(folder, line(folder, inner), line(folder, "a.jpg", "remove", inner))) == [
        f"would be the last copy: {inner}, which should stay, lies in {REMOVAL_FOLDER}"
    ]


def test_the_dated_folder_may_be_elsewhere_and_holds_what_lies_outside(folder: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "other/x.jpg", b"x")
    whole = write(tmp_path / "third/y.jpg", b"y")
    before = snapshot(tmp_path)
    lines = [line(folder, name, "remove", "a.jpg") for name in ("../other/x.jpg", str(whole))]
    result = apply_plan(plan_of(folder, line(folder, "a.jpg"), *lines), into=tmp_path / "disk")
    assert result.run is not None
    assert result.run.parent == tmp_path / "disk"
    assert (result.run / "_above/other/x.jpg").read_bytes() == b"x"
    assert not outside.exists()
    assert undo(tmp_path / "disk").back == 2
    assert snapshot(tmp_path) == before


def test_two_names_that_would_be_one_are_kept_apart(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "x.jpg", b"x")
    write(folder / "_above/x.jpg", b"another")
    write(folder / "journal.jsonl", b"{}")
    before = snapshot(tmp_path)
    names = ("../x.jpg", "_above/x.jpg", "journal.jsonl")
    lines = [line(folder, name, "remove", "a.jpg") for name in names]
    result = apply_plan(plan_of(folder, line(folder, "a.jpg"), *lines))
    assert result.run is not None
    assert (result.run / "_above/x (2).jpg").read_bytes() == b"another"
    assert undo(result.run).back == 3
    assert snapshot(tmp_path) == before


def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder of what was removed seem another file system."""

    def refuse(source: os.PathLike[str], target: os.PathLike[str], **_: object) -> None:
        if (REMOVAL_FOLDER in Path(source).parts) != (REMOVAL_FOLDER in Path(target).parts):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        Path(source).replace(target)

    monkeypatch.setattr(moving, "_rename_new", refuse)


def test_across_file_systems_a_file_is_copied_proved_and_only_then_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    before = snapshot(tmp_path / "photos")
    far(monkeypatch)
    result = apply_plan(plan)
    assert result.run is not None
    assert len(result.moved) == 8
    assert {(d, t) for d, _, t in snapshot(result.run).values()} >= {
        (d, t) for n, (d, _, t) in before.items() if not n.startswith("keep/")
    }
    assert undo(result.run).back == 8
    assert snapshot(tmp_path / "photos", ours=True) == before


@pytest.mark.skipif(MEMORY is None, reason="no second file system at hand")
def test_on_two_real_file_systems(tmp_path: Path) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    before = snapshot(tmp_path / "photos")
    with tempfile.TemporaryDirectory(dir=MEMORY) as there:
        if Path(there).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("no second file system at hand")
        result = apply_plan(plan, into=Path(there))
        assert (len(result.moved), len(snapshot(tmp_path / "photos"))) == (8, 4)
        assert result.run is not None
        assert undo(result.run).back == 8
        assert list(Path(there).iterdir()) == []
    assert snapshot(tmp_path / "photos", ours=True) == before


def test_a_copy_that_differs_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch)
    monkeypatch.setattr(shutil, "copyfileobj", lambda _reader, writer, _size: writer.write(b"rotten"))
    found = snapshot(folder)
    result = apply_plan(plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg")))
    assert [refused.why for refused in result.refused] == [
        "cannot be moved (its copy differs, or it changed meanwhile)"
    ]
    assert snapshot(folder) == found
    assert undo(folder / REMOVAL_FOLDER).there == 1
    assert not (folder / REMOVAL_FOLDER).exists()


class FullDisk:
    """``os.write`` and file copies on a disk that is full after some writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room, self._write = room, os.write
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(shutil, "copyfileobj", self.copy)

    def write(self, handle: int, data: bytes) -> int:
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(handle, data[:7] if self.room == 0 else data)  # the last has room for a part only

    def copy(self, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("room", range(9))
def test_a_full_disk_stops_it_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    before, everything = snapshot(tmp_path / "photos"), contents(tmp_path / "photos")
    with monkeypatch.context() as patched:
        disk = FullDisk(patched, 10**9)
        begin = applying._begin  # until then it is the lock that writes, which is no part of the question
        patched.setattr(applying, "_begin", lambda *a: (begin(*a), setattr(disk, "room", room))[0])
        with pytest.raises(PlanError, match=r"its journal cannot be written \(No space left") as raised:
            apply_plan(plan)
    assert f"samekind duplicates --undo {tmp_path}" in str(raised.value)
    assert contents(tmp_path / "photos") == everything
    assert f"; {len(before) - len(snapshot(tmp_path / 'photos'))} files were" in str(raised.value)
    assert not undo(tmp_path / "photos" / REMOVAL_FOLDER).problems
    assert snapshot(tmp_path / "photos", ours=True) == before


def test_another_disk_that_is_full_refuses_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch)
    found = snapshot(folder)
    with monkeypatch.context() as patched:
        FullDisk(patched, 10**9)
        result = apply_plan(plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg")))
    assert [refused.why for refused in result.refused] == ["cannot be moved (No space left on device)"]
    assert snapshot(folder) == found


def test_a_folder_that_cannot_be_written_is_named_before_anything_moves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg"))
    found = snapshot(folder)

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        with pytest.raises(PlanError, match=r"photos: cannot be written \(Permission denied\); its files stay"):
            apply_plan(plan)
    # As where the file's own folder is read-only: it cannot be taken out of there.
    with monkeypatch.context() as patched:
        unlink = Path.unlink

        def only_ours(path: Path, missing_ok: bool = False) -> None:
            if path == folder / "c.jpg":
                refuse(path)
            unlink(path, missing_ok=missing_ok)

        patched.setattr(Path, "unlink", only_ours)
        result = apply_plan(plan)
    assert [refused.why for refused in result.refused] == ["cannot be moved (Permission denied)"]
    assert snapshot(folder) == found
    assert undo(folder / REMOVAL_FOLDER).there == 1
    assert not (folder / REMOVAL_FOLDER).exists()


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder with files of a user who may not write just anywhere, as root may."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        for file in ("a.jpg", "sub/b.jpg"):
            write(Path(name, "photos", file), b"picture")
        was = os.geteuid()
        if was == 0:
            for path in (Path(name), *Path(name).rglob("*")):
                os.chown(path, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(name, "photos")
        finally:
            os.seteuid(was)


@posix
def test_real_read_only_folders(own_folder: Path) -> None:
    folder = own_folder
    plan = plan_of(folder, line(folder, "a.jpg"), line(folder, "sub/b.jpg", "remove", "a.jpg"))
    (folder / "sub").chmod(0o555)
    try:
        assert [refused.why for refused in apply_plan(plan).refused] == ["cannot be moved (Permission denied)"]
    finally:
        (folder / "sub").chmod(0o755)
    assert undo(folder / REMOVAL_FOLDER).there == 1
    folder.chmod(0o555)
    try:
        with pytest.raises(PlanError, match="cannot be written"):
            apply_plan(plan)
    finally:
        folder.chmod(0o755)


def test_one_at_a_time(folder: Path) -> None:
    plan = plan_of(folder, line(folder, "a.jpg"), line(folder, "c.jpg", "remove", "a.jpg"))
    result = apply_plan(plan)
    assert result.run is not None
    with FileLock(folder / REMOVAL_FOLDER / ".lock"):
        with pytest.raises(PlanError, match="another samekind is moving files of it"):
            apply_plan(plan)
        with pytest.raises(PlanError, match="another samekind is moving files of it"):
            undo(result.run)
        assert len(preview_plan(plan).moved) == 0
    assert undo(result.run).back == 1


def test_it_stops_between_two_files(tmp_path: Path) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    before = snapshot(tmp_path / "photos")
    asked: list[int] = []

    def third() -> bool:
        asked.append(0)
        return len(asked) > 3

    result = apply_plan(plan, stopped=third)
    assert (len(result.moved), result.left) == (3, 5)
    assert (len(apply_plan(plan).moved), len(snapshot(tmp_path / "photos"))) == (5, 4)
    asked.clear()
    undone = undo(tmp_path / "photos" / REMOVAL_FOLDER, stopped=third)
    assert (undone.back, undone.left) == (3, 5)
    assert undo(tmp_path / "photos" / REMOVAL_FOLDER).back == 5
    assert snapshot(tmp_path / "photos", ours=True) == before


@pytest.fixture
def run(folder: Path) -> Path:
    """The folder of a run that moved two files."""
    lines = [line(folder, name, "remove", "a.jpg") for name in ("sub/b.jpg", "c.jpg")]
    result = apply_plan(plan_of(folder, line(folder, "a.jpg"), *lines))
    assert result.run is not None
    return result.run


def test_undo_writes_nothing_over(folder: Path, run: Path) -> None:
    write(folder / "c.jpg", b"new")
    undone = undo(run)
    assert undone.back == 1
    assert undone.problems == [
        f"{folder / 'c.jpg'}: something else stands there now; the file is left at {run / 'c.jpg'}"
    ]
    assert ((folder / "c.jpg").read_bytes(), (run / "c.jpg").read_bytes()) == (b"new", b"picture c.jpg")
    (folder / "c.jpg").unlink()
    assert undo(run).back == 1
    assert not run.exists()


def test_undo_tells_what_it_cannot_put_back(folder: Path, run: Path) -> None:
    write(run / "c.jpg", b"painted over")
    shutil.rmtree(run / "sub")
    undone = undo(run)
    assert undone.problems == [
        f"{folder / 'c.jpg'}: what was moved has changed since; it is left at {run / 'c.jpg'}",
        f"{folder / 'sub/b.jpg'}: was moved, and somebody took it away from {run} since",
    ]
    assert (run / "c.jpg").read_bytes() == b"painted over"


def test_undo_makes_a_folder_again_and_knows_what_is_back_already(folder: Path, run: Path) -> None:
    (folder / "sub").rmdir()
    (run / "c.jpg").rename(folder / "c.jpg")
    undone = undo(run / "journal.jsonl")
    assert (undone.back, undone.there, undone.problems) == (1, 1, [])
    assert (folder / "sub/b.jpg").read_bytes() == b"picture sub/b.jpg"


def test_a_folder_that_was_renamed_is_undone_where_it_is_now(folder: Path, run: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "renamed")
    assert undo(tmp_path / "renamed" / REMOVAL_FOLDER).back == 2
    assert (tmp_path / "renamed/c.jpg").exists()
    assert not folder.exists()
    del run


def test_what_else_lies_in_the_dated_folder_stays(folder: Path, run: Path) -> None:
    (run / "notes of mine.txt").write_text("mine")
    assert undo(run).back == 2
    assert (run / "notes of mine.txt").read_text() == "mine"
    assert undo(run).there == 2
    del folder


def test_a_journal_may_end_in_half_a_line_and_names_a_damaged_one(folder: Path, run: Path) -> None:
    journal = run / "journal.jsonl"
    whole = journal.read_bytes()
    assert [move.source for move in read_journal(journal).moves] == ["sub/b.jpg", "c.jpg"]
    journal.write_bytes(whole + b'{"move": {"sou')
    assert not read_journal(journal).damaged
    lines = whole.split(b"\n")
    journal.write_bytes(b"\n".join([lines[0], lines[1][:-9], *lines[2:]]))
    undone = undo(run)
    assert undone.problems == [f"{journal}, line 2: damaged, not put back"]
    assert (undone.back, journal.exists(), (run / "sub/b.jpg").exists()) == (1, True, True)
    journal.write_bytes(b"nothing of ours\n")
    with pytest.raises(PlanError, match=r"journal.jsonl, line 1: not a journal"):
        undo(run)
    journal.write_bytes(json.dumps({"samekind journal": 2, "folder": "..", "how": "folder"}).encode() + b"\n")
    with pytest.raises(PlanError, match="a newer samekind"):
        undo(run)
    del folder


def test_a_missing_disk_is_not_taken_for_missing_files(folder: Path, run: Path, tmp_path: Path) -> None:
    plan = plan_of(folder, line(folder, "a.jpg"))
    shutil.move(run, tmp_path / "run")
    folder.rename(tmp_path / "unmounted")
    with pytest.raises(PlanError, match="no such folder; is its disk mounted"):
        apply_plan(plan)
    with pytest.raises(PlanError, match=r"no such folder, and .* has files of it; is its disk mounted"):
        undo(tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses by itself")
def test_without_hard_links_it_is_renamed_and_still_not_over_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    moving.move_file(folder / "a.jpg", folder / "moved.jpg", "")
    assert (folder / "moved.jpg").read_bytes() == b"picture a.jpg"
    with pytest.raises(FileExistsError):
        moving.move_file(folder / "moved.jpg", folder / "c.jpg", "")
    assert (folder / "c.jpg").read_bytes() == b"picture c.jpg"


def test_walks_pass_over_what_was_removed(tmp_path: Path) -> None:
    plan = read_plan(make_folder(tmp_path / "photos"))
    apply_plan(plan)
    write(tmp_path / "photos/extra.jpg", b"extra")
    more = line(plan.folder, "extra.jpg", "remove", "keep/0.jpg")
    assert apply_plan(Plan(plan.folder, (*plan.of("keep"), more)), into=plan.folder / "elsewhere").moved
    found = {image.name for image in walk(plan.folder, PassedOver())}
    assert found == {f"keep/{number}.jpg" for number in range(4)}
    assert is_system_folder(REMOVAL_FOLDER)
