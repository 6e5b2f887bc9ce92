"""The journal of a run: each move is on the disk as an intention before it begins."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from samekind.errors import PlanError
from samekind.plans.removal_folder import REMOVAL_FOLDER
from samekind.system.atomic import replacing

JOURNAL_NAME = "journal.jsonl"
How = Literal["folder", "trash"]


@dataclass(frozen=True)
class Move:
    """A file that was, or was about to be, moved.

    Attributes:
        source: Where it was, relative to the folder of the plan, or absolute.
        target: Where it was moved, relative to the journal's folder; None for the system's trash.
        size: In bytes.
        sha256: The hash of its bytes.
    """

    source: str
    target: str | None
    size: int
    sha256: str


class Journal:
    """A journal that is being written, a JSON object a line.

    Args:
        run: The folder of the run, which must be there; it has no journal yet.
        folder: The plan's.
        how: Where files are moved to.
    """

    def __init__(self, run: Path, folder: Path, how: How) -> None:
        head = {
            "samekind journal": 1,
            "folder": str(folder.resolve()),
            # Then the folder may be renamed or mounted elsewhere with all that lies in it.
            "within": run.resolve().parent == folder.resolve() / REMOVAL_FOLDER,
            "how": how,
            "back": "samekind duplicates --undo FOLDER",
        }
        # Never without its first line: whoever finds a journal can lock the folder that it is about.
        with replacing(run / JOURNAL_NAME, own=True) as temporary:
            temporary.write_bytes(_line(head))
        self._handle = os.open(run / JOURNAL_NAME, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def begin(self, move: Move) -> None:
        """Say what is about to be moved. When this returns it is on the disk."""
        self._write({"move": asdict(move)})

    def done(self, move: Move) -> None:
        """Say that it was moved. Nothing depends on this line but what is said of a file that is nowhere."""
        self._write({"done": move.source}, sync=False)

    def _write(self, record: dict[str, Any], *, sync: bool = True) -> None:
        line = _line(record)
        while line:
            line = line[os.write(self._handle, line) :]
        if sync:
            os.fsync(self._handle)


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"  # ASCII; names that are no UTF-8 are escaped


@dataclass(frozen=True)
class JournalRecord:
    """A journal as read.

    Attributes:
        path: The file.
        folder: What the sources are relative to.
        how: Where files were moved to.
        moves: In the order in which they were made.
        done: The sources of those that came to their end.
        damaged: Lines that cannot be read, by number; the last line may be cut off and is not one of them.
    """

    path: Path
    folder: Path
    how: How
    moves: tuple[Move, ...]
    done: frozenset[str]
    damaged: tuple[int, ...]


def read_journal(path: Path) -> JournalRecord:
    """Read a journal.

    Raises:
        PlanError: It cannot be read, or is none.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        head = json.loads(lines[0])
        folder, how, version = Path(head["folder"]), head["how"], head["samekind journal"]
        run = path.resolve().parent
        if head.get("within") and run.parent.name == REMOVAL_FOLDER:
            folder = run.parent.parent
    except (ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{path}, line 1: not a journal of samekind") from error
    if version != 1 or how not in {"folder", "trash"}:
        raise PlanError(f"{path}: a journal of a newer samekind: pip install -U samekind")
    moves: list[Move] = []
    done: set[str] = set()
    damaged: list[int] = []
    # A line without an end was being written when the process died, so its move had not begun.
    for number, line in enumerate(lines[1:-1], 2):
        try:
            record = json.loads(line)
            if "move" in record:
                moves.append(_move(**record["move"]))
            else:
                done.add(str(record["done"]))
        except (ValueError, KeyError, TypeError):
            damaged.append(number)
    return JournalRecord(path, folder, how, tuple(moves), frozenset(done), tuple(damaged))


def _move(source: str, target: str | None, size: int, sha256: str) -> Move:
    if not isinstance(source, str) or not isinstance(target, str | None) or not isinstance(sha256, str):
        raise TypeError
    return Move(source, target, int(size), sha256)
