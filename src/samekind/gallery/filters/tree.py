"""A filter as a tree: what a text means, whatever database is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from samekind.gallery.filters.periods import Period

Kind = Literal["text", "number", "date"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]

# What can be asked of an image, and what it is compared with.
FIELDS: dict[str, Kind] = {
    "path": "text",
    "folder": "text",
    "width": "number",
    "height": "number",
    "size": "number",
    "taken": "date",
    "mtime": "date",
}


@dataclass(frozen=True)
class Field:
    """A field of an image, by its name in ``FIELDS``."""

    name: str

    @property
    def kind(self) -> Kind:
        """What it is compared with."""
        return FIELDS[self.name]


Value = str | int | Period | Field


@dataclass(frozen=True)
class Compared:
    """A field compared with a value of its kind, or with another field of numbers."""

    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Like:
    r"""A text that has the form of a pattern: ``%`` for any text, ``_`` for one character, ``\`` before either."""

    field: Field
    pattern: str


@dataclass(frozen=True)
class Known:
    """A field of which something is known."""

    field: Field


@dataclass(frozen=True)
class Not:
    """The contrary. Of what is not known neither the one nor the other is true."""

    part: Filter


@dataclass(frozen=True)
class Both:
    """All of some parts."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True)
class Either:
    """At least one of some parts."""

    parts: tuple[Filter, ...]


Filter = Compared | Like | Known | Not | Both | Either


def pattern_parts(pattern: str) -> list[str | None]:
    r"""A pattern cut into what stands for itself, None for any text, and ``""`` for one character.

    Raises:
        ValueError: It ends with a backslash that stands before nothing.

    Example:
        >>> pattern_parts(r"img\_%.jp_")
        ['i', 'm', 'g', '_', None, '.', 'j', 'p', '']
    """
    parts: list[str | None] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise ValueError("the pattern ends with a backslash, which stands before nothing")
            parts.append(escaped)
        else:
            parts.append({"%": None, "_": ""}.get(character, character))
    return parts
