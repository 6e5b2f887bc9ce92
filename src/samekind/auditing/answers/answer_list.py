"""The list of answers, written anew at each answer: whole or not at all, with what it held before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from samekind.auditing.answers.asking import COLUMNS, AskedPair
from samekind.datasets.lists import PAIR_COLUMNS
from samekind.datasets.tables import Row, read_rows, write_list
from samekind.errors import DatasetError


class AnswerList:
    """The answers to some pairs, kept in a CSV file.

    Args:
        path: The file. What it holds already is kept, and its answers to these pairs count.
        pairs: The pairs that are asked about.

    Raises:
        DatasetError: The file is there and is no list of answered pairs.
    """

    def __init__(self, path: Path, pairs: Sequence[AskedPair]) -> None:
        self.path = path
        self.pairs = pairs
        self._lock = Lock()
        self._rows: dict[tuple[str, str], Row] = {}
        if path.exists():
            columns, rows = read_rows(path, (*PAIR_COLUMNS, "same"))
            if odd := set(columns) - set(COLUMNS):
                raise DatasetError(f"{path}: has a column {min(odd)!r} and is no list of answers; name another file")
            self._rows = {(row["first"], row["second"]): {"weight": "1"} | row for _, row in rows}

    def answer(self, number: int, same: bool | None) -> None:
        """Keep an answer, or take it back with None; the file is written.

        Raises:
            IndexError: There is no pair of that number.
            OSError: The file cannot be written; the answer is not kept.
        """
        if not 0 <= number < len(self.pairs):
            raise IndexError(number)
        row = self.pairs[number].answered(bool(same), self.path.parent)
        key = (row["first"], row["second"])
        with self._lock:
            rows = {other: kept for other, kept in self._rows.items() if other != key}
            if same is not None:
                rows[key] = row
            write_list(self.path, [{name: kept[name] for name in COLUMNS} for kept in rows.values()])
            self._rows = rows

    def answers(self) -> list[bool | None]:
        """The answer to each pair; None where there is none yet."""
        found: list[bool | None] = []
        for pair in self.pairs:
            row = pair.answered(True, self.path.parent)
            kept = self._rows.get((row["first"], row["second"]))
            found.append(None if kept is None else kept["same"] == "1")
        return found
