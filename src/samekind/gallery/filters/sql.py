"""A filter as an SQL condition on the table ``images``. Values are parameters, never part of the text."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import assert_never

from samekind.gallery.filters.periods import Period, as_nanoseconds, as_text
from samekind.gallery.filters.tree import (
    Both,
    Compared,
    Either,
    Field,
    Filter,
    Known,
    Like,
    Not,
    Operator,
    pattern_parts,
)

Parameter = str | bytes | int | float
# An SQL condition on images, and its parameters.
Condition = tuple[str, tuple[Parameter, ...]]
EVERYTHING: Condition = ("1 = 1", ())

# What comes before the last slash: cut off all but slashes from the right, then the slash.
_FOLDER = "rtrim(rtrim(images.path, replace(images.path, '/', '')), '/')"
_COLUMNS = {
    "path": "images.path",
    "folder": _FOLDER,
    "width": "images.width",
    "height": "images.height",
    "size": "images.size",
    "taken": "images.taken",
    # -1 stands for a time that cannot be believed yet, and of an address 0 for one that is not known.
    "mtime": (
        "CASE WHEN images.mtime_ns = -1 OR images.mtime_ns = 0 AND images.path LIKE '%://%' THEN NULL"
        " ELSE images.mtime_ns END"
    ),
}
_TEXT = "CAST(? AS TEXT)"


def condition_of(tree: Filter) -> Condition:
    """The condition that a filter is.

    Example:
        >>> from samekind.gallery.filters.grammar import parse_filter
        >>> condition_of(parse_filter("width > height and taken < '2024'"))
        ('((images.width > images.height) AND (images.taken < ?))', ('2024-01-01 00:00:00',))
    """
    match tree:
        case Compared():
            return _compared(tree)
        case Like(field, pattern):
            return f"({_COLUMNS[field.name]} GLOB {_TEXT})", (os.fsencode(_glob(pattern)),)
        case Known(field):
            return f"({_COLUMNS[field.name]} IS NOT NULL)", ()
        case Not(part):
            text, parameters = condition_of(part)
            return f"(NOT {text})", parameters
        case Both(parts):
            return _joined([condition_of(part) for part in parts], "AND")
        case Either(parts):
            return _joined([condition_of(part) for part in parts], "OR")
        case _:
            assert_never(tree)


def _joined(parts: Sequence[Condition], word: str) -> Condition:
    # By halves, for SQLite bounds how deep an expression may be, and takes "a OR b OR c" for two levels.
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    (first, before), (second, after) = _joined(parts[:half], word), _joined(parts[half:], word)
    return f"({first} {word} {second})", (*before, *after)


def _compared(tree: Compared) -> Condition:
    column, operator = _COLUMNS[tree.field.name], tree.operator
    match tree.value:
        case Field(name):
            return f"({column} {operator} {_COLUMNS[name]})", ()
        case Period() as period:
            return _within(column, operator, period, as_text if tree.field.name == "taken" else as_nanoseconds)
        case str(text):
            return f"({column} {operator} {_TEXT})", (os.fsencode(text),)
        case int(number):
            return f"({column} {operator} ?)", (number,)
        case _:
            assert_never(tree.value)


def _within(column: str, operator: Operator, period: Period, stored: Callable[..., str | int]) -> Condition:
    """A moment against a period: it is equal if it lies within, less if it lies before, greater if behind."""
    start = stored(period.start)
    # Nothing is written behind the last year that there is.
    end = stored(period.start.max if period.end is None else period.end)
    match operator:
        case "=":
            return f"({column} >= ? AND {column} < ?)", (start, end)
        case "!=":
            return f"({column} < ? OR {column} >= ?)", (start, end)
        case "<" | ">=":
            return f"({column} {operator} ?)", (start,)
        case "<=":
            return f"({column} < ?)", (end,)
        case ">":
            return f"({column} >= ?)", (end,)


def _glob(pattern: str) -> str:
    """A pattern in the form of SQLite's GLOB, which tells small letters from capitals."""
    signs = {None: "*", "": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(signs.get(part, part or "") for part in pattern_parts(pattern))
