"""What a gallery asks of a database connection, whichever database it is.

Statements are written once, in SQL that SQLite understands; ``postgres.dialect`` has the few words for which PostgreSQL
has others. A parameter within ``CAST(? AS TEXT)`` is a text as bytes, which need not be UTF-8; one within ``CAST(? AS
BLOB)`` is an embedding, float16.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

# The columns that follow from a file's bytes, in the order in which they are read and written.
CONTENT = "sha256, error, width, height, taken, phash, picture, features, embedding"
# A video has a row, too, by which it is known; what is found are its frames, each with a row of its own.
IS_IMAGE = "(embedding IS NOT NULL OR error IS NOT NULL)"


class Cursor(Protocol):
    """The rows of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """The next row; None behind the last."""

    def fetchall(self) -> list[Any]:
        """The rest of the rows."""

    def fetchmany(self, size: int = ..., /) -> list[Any]:
        """So many of the next rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection, for one thread at a time. ``transaction`` and ``one_moment`` begin and end transactions."""

    @property
    def database(self) -> Literal["sqlite", "postgresql"]:
        """Which database it is."""

    @property
    def identity(self) -> object:
        """Equal for two connections to one gallery, and not if another was put in its place."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run a statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run a statement for each of some rows."""

    def stream(self, sql: str, parameters: Sequence[Any] = ...) -> Cursor:
        """Run a query whose rows are too many to be held at once."""

    def has_pictures(self) -> bool:
        """Whether there are columns for small pictures and features, which SQLite's format 1 had not."""

    def why_no_name(self, path: str) -> str | None:
        """Why an image cannot be kept under a path; None if it can."""


@contextmanager
def transaction(db: Connection) -> Iterator[None]:
    """One transaction: committed whole at the end of the block, or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def one_moment(db: Connection) -> Iterator[None]:
    """Whatever is read in the block is the gallery of one moment, the one of the first read."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("COMMIT")
