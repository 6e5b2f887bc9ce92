"""What a filter means, row by row in plain Python: the oracle of SQL's conditions. And random filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from pathlib import PurePosixPath
from typing import Any

from hypothesis import strategies as st

from samekind.gallery import Row

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
# A test of a row that says None of what is not known, and the text that means it.
Test = Callable[[Row], bool | None]
Worded = tuple[str, Test]

NAMES = ("a.png", "b/a.png", "b/Ü.png", "b/c/x_1.png", "b/c/x%2.JPG", "B/it's [1]*?.png", "b c/\\x.png")
_DATES = ("2019", "2020-02", "2020-02-29", "2020-02-29 12:30", "2020-02-29 12:30:15", "2021-12-31", "9999")


def value_of(row: Row, field: str) -> Any:
    if field == "path":
        return row.name
    if field == "folder":
        return "" if "/" not in row.name else str(PurePosixPath(row.name).parent)
    if field == "mtime":
        if row.mtime_ns == -1:
            return None
        return datetime.fromtimestamp(row.mtime_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return getattr(row, field)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _numbers(field: str, operator: str, number: int) -> Worded:
    def test(row: Row) -> bool | None:
        value = value_of(row, field)
        return None if value is None else _COMPARE[operator](value, number)

    return f"{field} {operator} {number}", test


def _texts(field: str, operator: str, text: str) -> Worded:
    return f"{field} {operator} {_quoted(text)}", lambda row: _COMPARE[operator](value_of(row, field), text)


def _dates(field: str, operator: str, text: str) -> Worded:
    # A moment against what is written of a date: as far as it is written.
    def test(row: Row) -> bool | None:
        value = value_of(row, field)
        return None if value is None else _COMPARE[operator](value[: len(text)], text)

    return f"{field} {operator} '{text}'", test


def _likes(field: str, pattern: str, negated: bool) -> Worded:
    form, rest = "", pattern
    while rest:
        escaped = rest[0] == "\\"
        sign, rest = rest[escaped : escaped + 1], rest[1 + escaped :]
        form += {"%": ".*", "_": "."}[sign] if sign in "%_" and not escaped else re.escape(sign)

    def test(row: Row) -> bool:
        return (re.fullmatch(form, value_of(row, field), re.DOTALL) is not None) != negated

    return f"{field} {'not ' * negated}like {_quoted(pattern)}", test


def _known(field: str, negated: bool) -> Worded:
    return f"{field} is {'not ' * negated}known", lambda row: (value_of(row, field) is not None) != negated


def _in(field: str, numbers: list[int], negated: bool) -> Worded:
    def test(row: Row) -> bool | None:
        value = value_of(row, field)
        return None if value is None else (value in numbers) != negated

    return f"{field} {'not ' * negated}in ({', '.join(map(str, numbers))})", test


def _not(part: Worded) -> Worded:
    def test(row: Row) -> bool | None:
        found = part[1](row)
        return None if found is None else not found

    return f"not ({part[0]})", test


def _joined(parts: list[Worded], word: str) -> Worded:
    decides = word == "or"  # one true makes "or" true, one false makes "and" false

    def test(row: Row) -> bool | None:
        found = [part[1](row) for part in parts]
        if decides in found:
            return decides
        return None if None in found else not decides

    return f" {word} ".join(f"({part[0]})" for part in parts), test


_OPERATORS = st.sampled_from(list(_COMPARE))
_TEXT_FIELDS, _NUMBER_FIELDS = st.sampled_from(["path", "folder"]), st.sampled_from(["width", "height", "size"])
_PIECES = st.lists(
    st.sampled_from(["%", "_", "\\_", "\\%", "\\\\", "a", "b", "/", "x", ".png", "'", "[1]", "*", "Ü", "?"])
)
_CONDITIONS = st.one_of(
    st.builds(_numbers, _NUMBER_FIELDS, _OPERATORS, st.integers(-1, 9) | st.sampled_from([2**53, 100])),
    st.builds(_texts, _TEXT_FIELDS, _OPERATORS, st.sampled_from([*NAMES, "b", "b/c", "", "' OR '1'='1"])),
    st.builds(_dates, st.sampled_from(["taken", "mtime"]), _OPERATORS, st.sampled_from(_DATES)),
    st.builds(_likes, _TEXT_FIELDS, _PIECES.map("".join), st.booleans()),
    st.builds(_known, st.sampled_from(["taken", "mtime", "path"]), st.booleans()),
    st.builds(_in, _NUMBER_FIELDS, st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans()),
)
FILTERS = st.recursive(
    _CONDITIONS,
    lambda parts: (
        parts.map(_not) | st.builds(_joined, st.lists(parts, min_size=2, max_size=4), st.sampled_from(["and", "or"]))
    ),
    max_leaves=8,
)
