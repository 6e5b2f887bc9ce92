"""kill -9 at every call that changes the disk, and at random moments: nothing is lost, and --undo puts all back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import printed_seed
from plans.folders import MEMORY, contents, make_folder, snapshot
from plans.kills import Worker, undo_all, worker

from samekind.plans import apply_plan, read_plan
from samekind.plans.removal_folder import REMOVAL_FOLDER

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork and no SIGKILL on this system")


@pytest.fixture(scope="module")
def working() -> Iterator[Worker]:
    with worker() as made:
        yield made


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.mark.parametrize("far", [False, True], ids=["one file system", "across file systems"])
@pytest.mark.parametrize("what", ["apply", "undo"])
def test_killed_at_every_call_that_changes_the_disk(working: Worker, place: Path, what: str, far: bool) -> None:
    folder = place / "photos"
    plan = make_folder(folder, pictures=1, copies=2)
    before, everything = snapshot(folder), contents(folder)
    base = folder / REMOVAL_FOLDER
    order = {"what": what, "plan": plan, "place": base, "far": str(base.resolve()) if far else None}

    def ready() -> None:
        if what == "undo":
            assert len(apply_plan(read_plan(plan)).moved) == 2

    ready()
    calls, _ = working.run(**order)
    assert calls is not None
    assert {"link", "unlink", "fsync"} < set(calls)
    undo_all(base)
    for number, call in enumerate(calls, 1):
        for when in ("before", "within", "after") if call == "write" else ("before", "after"):
            ready()
            assert working.run(**order, at=number, when=when)[0] is None, (number, when)
            assert contents(folder) == everything  # one too many is none lost
            undo_all(base)
            assert snapshot(folder) == before, (number, when)
            assert not list(base.rglob("*.jpg")), (number, when)
            shutil.rmtree(base, ignore_errors=True)


def test_a_move_is_in_the_journal_on_the_disk_before_it_begins(working: Worker, place: Path) -> None:
    plan = make_folder(place / "photos")
    calls, _ = working.run(what="apply", plan=plan)
    assert calls is not None
    moves = [number for number, call in enumerate(calls) if call == "link"]
    assert len(moves) == 8
    for move in moves:
        assert [call for call in calls[:move] if call in {"write", "fsync"}][-2:] == ["write", "fsync"]


def test_killed_at_50_random_moments(working: Worker, place: Path) -> None:
    folder = place / "photos"
    plan = make_folder(folder, pictures=12, copies=2)
    before, everything = snapshot(folder), contents(folder)
    base = folder / REMOVAL_FOLDER
    _, seconds = working.run(what="apply", plan=plan)
    undo_all(base)
    rng, moved = np.random.default_rng(printed_seed()), set()
    for _ in range(50):
        working.run(what="apply", plan=plan, seconds=rng.uniform(0, seconds))
        moved.add(len(before) - len(snapshot(folder)))
        assert contents(folder) == everything
        # The way back is killed, too, and begun again.
        if base.exists() and list(base.rglob("journal.jsonl")):
            working.run(what="undo", place=base, seconds=rng.uniform(0, seconds))
        undo_all(base)
        assert snapshot(folder) == before
        shutil.rmtree(base, ignore_errors=True)
    assert len(moved) > 5, "the moments were all alike"


def test_after_a_kill_the_same_plan_goes_on(working: Worker, place: Path) -> None:
    folder = place / "photos"
    plan = make_folder(folder)
    before = snapshot(folder)
    assert working.run(what="apply", plan=plan, at=40, when="after")[0] is None
    on = apply_plan(read_plan(plan))
    assert 0 < len(on.moved) < 8
    assert on.gone == 8 - len(on.moved)
    undo_all(folder / REMOVAL_FOLDER)  # of both runs
    assert snapshot(folder) == before
    assert not (folder / REMOVAL_FOLDER).exists()
