"""``samekind duplicates --apply`` and ``--undo``, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import typer
from commands import command, holding, run
from plans.folders import make_folder, snapshot, write

from samekind.cli.galleries.apply import _INDEX_AGAIN, apply_or_undo
from samekind.errors import PlanError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    make_folder(tmp_path / "photos")
    return tmp_path / "photos"


def test_a_look_first_then_away_and_back(photos: Path, tmp_path: Path) -> None:
    before = snapshot(photos)
    words = ("duplicates", "--apply", "plan.txt")
    look = run(*words, cwd=tmp_path)
    assert look.returncode == 0, look.stderr
    assert "would move  sub folder/0 '1'.jpg  (its copy keep/0.jpg stays)\n" in look.stdout
    assert "8 files, 0.0 MB, would be moved to a dated folder\n" in look.stdout
    assert "Nothing was moved. To move them: samekind duplicates --apply plan.txt --yes\n" in look.stdout
    assert snapshot(photos, ours=True) == before

    done = run(*words, "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "8 files, 0.0 MB, moved to photos/removed-by-samekind/2" in done.stdout
    back = done.stdout.split("To put them back: samekind ")[1].splitlines()[0]
    assert len(snapshot(photos)) == 4

    again = run(*words, "--yes", cwd=tmp_path)
    assert again.stdout == "nothing was moved; 8 were gone already\n"

    undone = run(*back.split(" "), cwd=tmp_path)
    assert (undone.returncode, undone.stdout) == (0, f"8 files put back\n{_INDEX_AGAIN}\n")
    assert snapshot(photos, ours=True) == before


def test_what_stays_is_told_and_is_the_exit_status(photos: Path, tmp_path: Path) -> None:
    write(photos / "keep/1.jpg", b"another picture")
    write(photos / "sub folder/0 '1'.jpg", b"painted over")
    (tmp_path / "plan.txt").write_text(
        (tmp_path / "plan.txt").read_text().replace('remove "sub folder/3', 'look "sub folder/3')
    )
    result = run("duplicates", "--apply", "plan.txt", "--yes", cwd=tmp_path)
    assert result.returncode == 1
    assert "samekind: stays: sub folder/0 '1'.jpg has changed since the plan was written\n" in result.stderr
    assert "would be the last copy: keep/1.jpg, which should stay, has changed" in result.stderr
    assert "4 files, 0.0 MB, moved to" in result.stdout
    assert "; 3 stay, as said above; 1 to look at\n" in result.stdout
    write(photos / "sub folder/2 '1'.jpg", b"new")
    undone = run("duplicates", "--undo", "photos/removed-by-samekind", cwd=tmp_path)
    assert undone.returncode == 1
    assert "something else stands there now; the file is left at" in undone.stderr
    assert undone.stdout == f"3 files put back; 1 not, as said above\n{_INDEX_AGAIN}\n"


def test_json_tells_the_same(photos: Path, tmp_path: Path) -> None:
    look = json.loads(run("duplicates", "--apply", "plan.txt", "--json", cwd=tmp_path).stdout)
    assert (len(look["moved"]), look["stay"], look["run"]) == (8, {}, None)
    done = json.loads(run("duplicates", "--apply", "plan.txt", "--yes", "--json", cwd=tmp_path).stdout)
    assert done["moved"] == look["moved"]
    undone = json.loads(run("duplicates", "--undo", done["run"], "--json", cwd=tmp_path).stdout)
    assert (undone["back"], undone["problems"]) == (8, [])
    assert photos.exists()


@pytest.mark.parametrize(
    ("gallery", "plan", "run_folder", "options", "message"),
    [
        (None, None, None, (False, False, None), "name a gallery, or a plan with --apply, or a folder with --undo"),
        ("g.samekind", "p", None, (True, False, None), "do not go together; give one of the three"),
        (None, "p", "f", (False, False, None), "do not go together; give one of the three"),
        (None, None, "f", (True, False, None), "--yes, --trash and --into go with --apply PLAN"),
        ("g.samekind", None, None, (False, True, None), "--yes, --trash and --into go with --apply PLAN"),
        (None, "p", None, (True, True, Path("f")), "--trash and --into do not go together"),
    ],
)
def test_what_does_not_go_together_is_said(
    gallery: str | None,
    plan: str | None,
    run_folder: str | None,
    options: tuple[bool, bool, Path | None],
    message: str,
) -> None:
    named = [None if name is None else Path(name) for name in (gallery, plan, run_folder)]
    with pytest.raises(typer.BadParameter, match=message):
        apply_or_undo(named[0], named[1], named[2], *options, json=False)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("duplicates", "--apply", "none.txt", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "samekind: none.txt: cannot be read (No such file or directory)\n")
    with pytest.raises(PlanError, match="nothing to undo"):
        apply_or_undo(None, None, tmp_path, False, False, None, False)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C of POSIX")
def test_ctrl_c_ends_the_file_and_says_how_to_go_on_or_back(photos: Path, tmp_path: Path) -> None:
    before = snapshot(photos)
    go = tmp_path / "go"
    # It waits before its third file until it was interrupted.
    words = holding("samekind.plans.move", "_rename_new", 3, go, "duplicates", "--apply", "plan.txt", "--yes")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while len(snapshot(photos)) > len(before) - 2:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "stopping after this file" not in (said := process.stderr.readline()):
        assert said
    go.touch()
    out, _ = process.communicate()
    assert process.returncode == 130
    moved = len(before) - len(snapshot(photos))  # it was within its third file, or just before it
    assert moved in {2, 3}
    assert f"{moved} files, 0.0 MB, moved to" in out
    assert f"Stopped; {8 - moved} files to go. To go on, type the same again" in out
    assert "To put them back: samekind duplicates --undo" in out
    assert run("duplicates", "--undo", "photos/removed-by-samekind", cwd=tmp_path).returncode == 0
    assert snapshot(photos, ours=True) == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_command_itself_is_killed(photos: Path, tmp_path: Path) -> None:
    before = snapshot(photos)
    words = command("duplicates", "--apply", "plan.txt", "--yes")
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Names alone are looked at: what is read while it is moved may be gone between its name and its bytes.
    while all((photos / name).exists() for name in before) and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert len(snapshot(photos)) < len(before)
    undone = run("duplicates", "--undo", "photos/removed-by-samekind", cwd=tmp_path)
    assert undone.returncode == 0, undone.stderr
    assert snapshot(photos, ours=True) == before
