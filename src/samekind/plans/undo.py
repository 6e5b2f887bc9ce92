"""Putting back what was moved, by the journal and by what is on the disk now; it may be killed and run again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from samekind.errors import PlanError
from samekind.plans.journal import JOURNAL_NAME, JournalRecord, Move, read_journal
from samekind.plans.move import content, half_copy, is_file, move_file
from samekind.plans.removal_folder import only_run, remove_empty
from samekind.plans.trash import find_in_trash, how_by_hand
from samekind.progress import Progress, stage_counter


@dataclass
class Undone:
    """What was put back.

    Attributes:
        back: How many files were put back now.
        there: How many were where they belong already.
        problems: Each file that could not be put back, where it is, and why.
        by_hand: Files in a trash that only the system itself restores.
        left: How many were not come to, for it was stopped.
    """

    back: int = 0
    there: int = 0
    problems: list[str] = field(default_factory=list)
    by_hand: list[Path] = field(default_factory=list)
    left: int = 0

    @property
    def how_by_hand(self) -> str:
        """What a person does with the files of ``by_hand``."""
        return how_by_hand()


def undo(
    place: Path,
    *,
    on_progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Undone:
    """Put back every file of a run, or of all runs in a folder, the last first. Nothing is written over.

    What is done is decided by what is on the disk, so it may be stopped or killed, and run again.

    Args:
        place: A journal, the dated folder that has it, or the folder with the dated folders.
        on_progress: Called with the stage, how many files were looked at, and how many there are.
        stopped: Asked before each file whether to stop.

    Raises:
        PlanError: There is no journal, or another process is moving files of the same folder.
    """
    journals = [read_journal(path) for path in find_journals(place)]
    total = sum(len(journal.moves) for journal in journals)
    count = stage_counter(on_progress, "put back", total)
    result, looked_at = Undone(), 0
    for journal in journals:
        if not journal.folder.is_dir():
            raise PlanError(
                f"{journal.folder}: no such folder, and {journal.path} has files of it; is its disk mounted?"
            )
        with only_run(journal.folder):
            record = read_journal(journal.path)  # again, for until now somebody may have been writing it
            result.problems += [f"{record.path}, line {number}: damaged, not put back" for number in record.damaged]
            for move in reversed(record.moves):
                if stopped():
                    result.left = total - looked_at
                    return result
                _put_back(record, move, result)
                looked_at += 1
                count(looked_at)
            if not record.damaged and _all_there(record):
                remove_empty(record.path.parent, record.path)
    return result


def find_journals(place: Path) -> list[Path]:
    """The journals that a path means, the newest first.

    Raises:
        PlanError: There is none.
    """
    if place.is_file():
        return [place]
    if not place.exists():
        raise PlanError(f"{place}: not there, so nothing to undo; when all is put back the folder goes, too")
    for pattern in (JOURNAL_NAME, f"*/{JOURNAL_NAME}"):
        if found := sorted(place.glob(pattern), reverse=True):
            return found
    raise PlanError(f"{place}: no {JOURNAL_NAME}, so nothing to undo; give the dated folder that --apply named")


def _put_back(record: JournalRecord, move: Move, result: Undone) -> None:
    source = record.folder / move.source
    try:
        if move.target is None:
            _from_trash(record, move, source, result)
        else:
            _from_folder(record, move, source, record.path.parent / move.target, result)
    except OSError as error:
        result.problems.append(f"{source}: cannot be put back ({error.strerror or error})")


def _from_folder(record: JournalRecord, move: Move, source: Path, target: Path, result: Undone) -> None:
    for name in (target, source):  # a copy across file systems that was killed
        half_copy(name, move.sha256).unlink(missing_ok=True)
    if not os.path.lexists(target):
        _count_where_it_is(record, move, source, result)
    elif not _is(target, move):
        result.problems.append(f"{source}: what was moved has changed since; it is left at {target}")
    elif not os.path.lexists(source):
        source.parent.mkdir(parents=True, exist_ok=True)
        move_file(target, source, move.sha256)
        result.back += 1
    elif _is(source, move):  # both names have it: the move was killed before its last step
        target.unlink()
        result.there += 1
    else:
        result.problems.append(f"{source}: something else stands there now; the file is left at {target}")


def _from_trash(record: JournalRecord, move: Move, source: Path, result: Undone) -> None:
    if os.path.lexists(source):
        _count_where_it_is(record, move, source, result)
    elif found := find_in_trash(source, move.size, move.sha256):
        file, info = found
        source.parent.mkdir(parents=True, exist_ok=True)
        move_file(file, source, move.sha256)
        info.unlink(missing_ok=True)
        result.back += 1
    else:
        result.by_hand.append(source)


def _count_where_it_is(record: JournalRecord, move: Move, source: Path, result: Undone) -> None:
    if _is(source, move):
        result.there += 1
    elif os.path.lexists(source):
        result.problems.append(f"{source}: something else stands there now")
    elif move.source in record.done:
        result.problems.append(f"{source}: was moved, and somebody took it away from {record.path.parent} since")
    else:
        result.problems.append(f"{source}: is gone, and was not moved by samekind")


def _is(path: Path, move: Move) -> bool:
    return is_file(path) and path.stat().st_size == move.size and content(path)[1] == move.sha256


def _all_there(record: JournalRecord) -> bool:
    return all(os.path.lexists(record.folder / move.source) for move in record.moves)
