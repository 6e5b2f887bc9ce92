"""The words of PostgreSQL where those of SQLite, in which the gallery's statements are written, are others."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"^BEGIN$", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        (r"^BEGIN IMMEDIATE$", "BEGIN"),
        (r"^INSERT OR IGNORE (.*)$", r"INSERT \1 ON CONFLICT DO NOTHING"),
        (r"\bIS (?!NOT\b|NULL\b)", "IS NOT DISTINCT FROM "),
        (r"\bCROSS JOIN images USING\b", "JOIN images USING"),
        (r" WITHOUT ROWID\b", ""),
        (r"\btemp\.", "pg_temp."),
        (r"\bGLOB\b", "LIKE"),
        (r"\bCAST\(\? AS BLOB\)", "CAST(? AS halfvec)"),
    )
)
_PARAMETER = re.compile(
    r"(?P<pattern>GLOB CAST\(\? AS TEXT\))|(?P<text>CAST\(\? AS TEXT\))|(?P<half>CAST\(\? AS BLOB\))|\?"
)
_Kind = Literal["pattern", "text", "half", "plain"]

# What of a file's name is no UTF-8, which PostgreSQL refuses, is kept in the last block for private use.
_HIDDEN = {0xDC00 + byte: 0x10FC00 + byte for byte in range(0x80, 0x100)}
_SEEN = {hidden: surrogate for surrogate, hidden in _HIDDEN.items()}
_HIDES = re.compile("[\U0010fc80-\U0010fcff]")
# An index of PostgreSQL takes 2,704 bytes of a row; a frame has its time beside the name of its video.
_LONGEST_NAME = 2600


class HalfVector(bytes):
    """An embedding as it is stored, float16, on its way into the database."""


@dataclass(frozen=True)
class Translated:
    """A statement in PostgreSQL's words, and what each of its parameters is."""

    sql: str
    kinds: tuple[_Kind, ...]

    def values(self, parameters: Sequence[Any]) -> Sequence[Any]:
        """The parameters as PostgreSQL takes them."""
        return [_value(kind, value) for kind, value in zip(self.kinds, parameters, strict=True)]


@lru_cache(maxsize=512)
def translated(sql: str) -> Translated:
    """A statement in PostgreSQL's words.

    Example:
        >>> translated("SELECT 1 FROM images WHERE sha256 IS ? AND path GLOB CAST(? AS TEXT)").sql
        'SELECT 1 FROM images WHERE sha256 IS NOT DISTINCT FROM %s AND path LIKE CAST(%s AS TEXT)'
    """
    kinds = [cast("_Kind", found.lastgroup or "plain") for found in _PARAMETER.finditer(sql)]
    if sql.startswith("CREATE TEMP TABLE"):
        # Names are compared byte by byte, whatever the language of the database.
        sql = sql.replace(" TEXT", ' TEXT COLLATE "C"')
    for pattern, word in _WORDS:
        sql = pattern.sub(word, sql)
    return Translated(sql.replace("%", "%%").replace("?", "%s"), tuple(kinds))


def hidden(text: str) -> str:
    """A text without surrogates, from which ``seen`` makes the same again."""
    return text if text.isascii() else text.translate(_HIDDEN)


def seen(text: str) -> str:
    r"""A text as it was before ``hidden``.

    Example:
        >>> seen(hidden("caf\udce9.jpg")) == "caf\udce9.jpg"
        True
    """
    return text.translate(_SEEN) if _HIDES.search(text) else text


def why_no_name(path: str) -> str | None:
    """Why PostgreSQL cannot keep an image under a path; None if it can.

    Example:
        >>> why_no_name("shoes/red.jpg")
        >>> why_no_name("a" * 3000)
        'its name has 3,000 bytes, and a database takes 2,600; a gallery in a file takes it'
    """
    size = len(hidden(path).encode())
    if size <= _LONGEST_NAME:
        return None
    return f"its name has {size:,} bytes, and a database takes {_LONGEST_NAME:,}; a gallery in a file takes it"


def _value(kind: _Kind, value: Any) -> Any:
    if kind == "plain" or value is None:
        return value
    if kind == "half":
        return HalfVector(value)
    text = hidden(os.fsdecode(value))
    return text if kind == "text" else _like(text)


def _like(pattern: str) -> str:
    """A pattern of SQLite's GLOB, as ``filters.sql`` makes it, as one of LIKE."""
    signs = {"*": "%", "?": "_", "[*]": "*", "[?]": "?", "[[]": "[", "%": r"\%", "_": r"\_", "\\": r"\\"}
    return re.sub(r"\[[*?[]\]|[*?%_\\]", lambda found: signs[found[0]], pattern)
