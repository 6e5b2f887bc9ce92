"""Doing what a plan says: looking only, or moving the files that it removes."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from samekind.errors import PlanError
from samekind.plans.checks import Checks, Ready, Refused
from samekind.plans.journal import How, Journal, Move
from samekind.plans.move import move_file, sync_folder
from samekind.plans.plan_file import Plan
from samekind.plans.removal_folder import REMOVAL_FOLDER, free_target, new_run_folder, only_run
from samekind.plans.trash import send_to_trash
from samekind.progress import Progress, stage_counter


@dataclass
class Applied:
    """What applying a plan did, or would do.

    Attributes:
        moved: The files that were moved; in a preview those that would be.
        refused: The files that stay, and why.
        gone: How many were not there any more, as after an earlier run of the same plan.
        left: How many were not come to, for it was stopped.
        run: The folder with the journal and, unless they went to the trash, the files; None if nothing was moved.
    """

    moved: list[Ready] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    gone: int = 0
    left: int = 0
    run: Path | None = None

    @property
    def size(self) -> int:
        """Bytes of the files that were moved, without those that have other names on the disk (hard links)."""
        return sum(ready.line.size for ready in self.moved if not ready.shared)

    @property
    def shared(self) -> int:
        """How many files were moved whose room stays taken, by other names of theirs."""
        return sum(ready.shared for ready in self.moved)


def preview_plan(plan: Plan, on_progress: Progress | None = None) -> Applied:
    """What ``apply_plan`` would do now. All files that matter are read, and nothing is written.

    Args:
        plan: From ``read_plan``.
        on_progress: Called with the stage, how many files were looked at, and how many there are.
    """
    result = Applied()
    checks, lines = Checks(plan), plan.of("remove")
    count = stage_counter(on_progress, "looked at", len(lines))
    for number, line in enumerate(lines, 1):
        _note(checks.look_at(line), result)
        count(number)
    return result


def apply_plan(
    plan: Plan,
    *,
    trash: bool = False,
    into: Path | None = None,
    on_progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Applied:
    """Move the files that a plan removes, each after a look at it and at a copy that stays.

    A file's move is in a journal on the disk before it begins, so ``undo`` puts back what was moved even if this
    process is killed at any moment.

    Args:
        plan: From ``read_plan``.
        trash: Move them to the system's trash.
        into: Where to make the dated folder; None is ``removed-by-samekind`` in the plan's folder.
        on_progress: Called with the stage, how many files were looked at, and how many there are.
        stopped: Asked before each file whether to stop.

    Returns:
        What was done. Files that have changed since, or are the last copy, are refused and the rest goes on.

    Raises:
        PlanError: The journal cannot be written, the folder is missing, or another process is moving its files.
    """
    if not plan.folder.is_dir():
        raise PlanError(f"{plan.folder}: no such folder; is its disk mounted?")
    result = Applied()
    checks, lines = Checks(plan), plan.of("remove")
    count = stage_counter(on_progress, "moved", len(lines))
    with only_run(plan.folder), ExitStack() as open_journal:
        mover: _Mover | None = None
        for number, line in enumerate(lines):
            if stopped():
                result.left = len(lines) - number
                break
            looked = checks.look_at(line)
            if isinstance(looked, Ready):
                if mover is None:  # not before there is something to move
                    mover = _begin(plan, into, "trash" if trash else "folder", open_journal)
                    result.run = mover.run
                looked = mover.move(looked, len(result.moved))
            _note(looked, result)
            count(number + 1)
    return result


def _note(looked: Ready | Refused, result: Applied) -> None:
    if isinstance(looked, Ready):
        result.moved.append(looked)
    elif looked.gone:
        result.gone += 1
    else:
        result.refused.append(looked)


@dataclass
class _Mover:
    run: Path
    journal: Journal
    how: How

    def move(self, ready: Ready, before: int) -> Ready | Refused:
        """Move a file; ``before`` were moved already, for the message if the journal cannot be written."""
        line = ready.line
        target = free_target(self.run, line.name) if self.how == "folder" else None
        inner = None if target is None else target.relative_to(self.run).as_posix()
        move = Move(line.name, inner, line.size, line.sha256)
        self._note(self.journal.begin, move, before)
        try:
            if target is None:
                send_to_trash(ready.path)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                move_file(ready.path, target, line.sha256)
        except OSError as error:
            return Refused(line, f"cannot be moved ({error.strerror or error})")
        self._note(self.journal.done, move, before + 1)
        return ready

    def _note(self, write: Callable[[Move], None], move: Move, moved: int) -> None:
        # After half a line the next would be lost with it, so this is the end.
        try:
            write(move)
        except OSError as error:
            raise PlanError(
                f"{self.run}: its journal cannot be written ({error.strerror}), so no more is moved; {moved:,} files "
                f"were. To put them back: samekind duplicates --undo {self.run}"
            ) from error


def _begin(plan: Plan, into: Path | None, how: How, open_journal: ExitStack) -> _Mover:
    base = plan.folder / REMOVAL_FOLDER if into is None else into
    try:
        run = new_run_folder(base)
        for made in (run, base, base.parent):  # or a power cut may take the journal with the folders' names
            sync_folder(made)
        return _Mover(run, open_journal.enter_context(Journal(run, plan.folder, how)), how)
    except OSError as error:
        name = os.fspath(error.filename or base)
        raise PlanError(f"{name}: cannot be written ({error.strerror}); nothing was moved") from error
