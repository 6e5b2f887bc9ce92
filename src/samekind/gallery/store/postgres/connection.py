"""A connection to PostgreSQL that takes the gallery's statements."""

from __future__ import annotations

import selectors
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final, cast

import numpy as np
import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format, TransactionStatus

from samekind.gallery.store.connection import Cursor
from samekind.gallery.store.postgres.dialect import HalfVector, seen, translated, why_no_name

_TICK = "UPDATE about SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'commit'"
_NUMBERS = count()
# Where one transaction begins or ends.
_ENDS = frozenset({"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"})


class PostgresConnection:
    """A connection for one thread at a time.

    Args:
        raw: The connection itself, in autocommit.
        identity: By which the gallery is known from another that took its place.
        half: The number of pgvector's type halfvec in this database.

    Attributes:
        looks: How far the HNSW index looks, as it was set last.
    """

    database: Final = "postgresql"

    def __init__(self, raw: psycopg.Connection[Any], identity: object, half: int) -> None:
        self.raw, self.identity = raw, identity
        self.looks = 0
        self._writing = False
        raw.adapters.register_loader("text", _NameLoader)
        raw.adapters.register_loader(half, _HalfLoader)
        raw.adapters.register_dumper(HalfVector, type("HalfDumper", (_HalfDumper,), {"oid": half}))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""
        return self.raw.info.transaction_status != TransactionStatus.IDLE

    @property
    def usable(self) -> bool:
        """Whether the server has not closed it, while it lay idle."""
        if self.raw.closed or self.raw.broken:
            return False
        with selectors.DefaultSelector() as waiting:  # select itself takes no more than 1,024 files of a process
            waiting.register(self.raw.fileno(), selectors.EVENT_READ)
            return not waiting.select(0)  # there is nothing to be read but a farewell

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement, each committed by itself unless a transaction has begun."""
        if sql == "COMMIT" and self._writing:
            self.raw.execute(_TICK)  # so that readers know of it
        if sql in _ENDS:
            self._writing = sql == "BEGIN IMMEDIATE"
            if sql == "ROLLBACK" or self.raw.info.transaction_status == TransactionStatus.INERROR:
                self.looks = 0  # what was set is as it was before
        statement = translated(sql)
        if sql.startswith("CREATE"):  # takes no parameters on the server's side
            return cast(
                "Cursor", psycopg.ClientCursor(self.raw).execute(statement.sql, statement.values(parameters) or None)
            )
        cursor = self.raw.cursor(binary=True)
        return cast("Cursor", cursor.execute(statement.sql, statement.values(parameters)))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Cursor:
        """Run a statement for each of some rows."""
        statement = translated(sql)
        cursor = self.raw.cursor()
        cursor.executemany(statement.sql, (statement.values(row) for row in parameters))
        return cast("Cursor", cursor)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a query whose rows stay on the server until they are asked for."""
        statement = translated(sql)
        cursor = self.raw.cursor(name=f"samekind{next(_NUMBERS)}", withhold=not self.in_transaction)
        cursor.execute(statement.sql, statement.values(parameters), binary=True)
        return cast("Cursor", _Stream(cursor))

    def has_pictures(self) -> bool:
        """There are."""
        return True

    def why_no_name(self, path: str) -> str | None:
        """As ``dialect.why_no_name``."""
        return why_no_name(path)

    def close(self) -> None:
        """Close it."""
        self.raw.close()


class _Stream:
    """The rows of a server-side cursor, which is closed behind the last."""

    def __init__(self, cursor: psycopg.ServerCursor[Any]) -> None:
        self._cursor = cursor

    def fetchmany(self, size: int = 1024) -> list[Any]:
        rows = [] if self._cursor.closed else self._cursor.fetchmany(size)
        if not rows:
            self._cursor.close()
        return rows


class _NameLoader(Loader):
    format = Format.BINARY

    def load(self, data: Any) -> str:
        return seen(str(data, "utf-8"))


class _HalfLoader(Loader):
    """pgvector sends the number of dimensions, two bytes of nothing, and float16 with the higher byte first."""

    format = Format.BINARY

    def load(self, data: Any) -> bytes:
        return np.frombuffer(data, ">f2", offset=4).astype("<f2").tobytes()


class _HalfDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVector) -> bytes:
        values = np.frombuffer(obj, "<f2")
        return np.array([len(values), 0], ">u2").tobytes() + values.astype(">f2").tobytes()
