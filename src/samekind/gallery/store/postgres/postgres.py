"""A schema of a PostgreSQL database that is a gallery: its connections, its one writer.

Readers see the last committed state and are never blocked. The writer holds an advisory lock, which the server lets go
when the connection ends, however it ends.
"""

from __future__ import annotations

import os
import platform
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from samekind.errors import GalleryError
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import read_fact, set_fact
from samekind.gallery.store.postgres.address import parse_address
from samekind.gallery.store.postgres.connection import PostgresConnection
from samekind.gallery.store.postgres.explained import explained
from samekind.gallery.store.postgres.schema import VERSION, migrate, use_schema

_CONNECT_SECONDS = 10
_LOCK = "SELECT {}(hashtextextended('samekind ' || %s, 0))"
_INSPECT = """
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
    (SELECT pg_type.oid FROM pg_type JOIN pg_extension ON typnamespace = extnamespace
        WHERE typname = 'halfvec' AND extname = 'vector'),
    (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = %(schema)s AND relname IN ('about', 'images', 'migrations') AND relkind = 'r'),
    (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = %(schema)s AND relkind IN ('r', 'v', 'm')),
    (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = %(schema)s),
    current_setting('server_encoding')
"""


@dataclass(frozen=True)
class _Inspected:
    """What a database has of a gallery: pgvector's version and type, how many of our tables and of all, and more.

    Attributes:
        usable: Whether this role may use the schema; None if there is none.
        encoding: Of all text in the database.
    """

    vector: str | None
    half: int | None
    ours: int
    tables: int
    usable: bool | None
    encoding: str


class PostgresStore:
    """A gallery in a database. Reading is safe from several threads at once.

    Args:
        address: ``postgresql://USER@HOST/DATABASE?schema=NAME&root=FOLDER``. The schema, ``samekind`` if none is named,
            is made if it is missing, unless ``read_only``.
        read_only: Refuse to write.
        bare: Whether embeddings are to be compared as the network gives them, without the gallery's adaptation.

    Raises:
        GalleryError: The server cannot be reached, or refuses; or the schema is missing (read-only), holds something
            else, or is of a newer samekind.
    """

    files = None

    def __init__(self, address: str, *, read_only: bool = False, bare: bool = False) -> None:
        self._address = parse_address(address)
        self.read_only, self.bare = read_only, bare
        self._root = self._address.root
        if self._root is not None and not (read_only or Path(self._root).is_dir()):
            raise GalleryError(f"{self.path}: root={self._root}: no such folder; it is the one that the names begin in")
        self._idle: deque[PostgresConnection] = deque()
        self._process = os.getpid()
        self._inherited: list[deque[PostgresConnection]] = []
        with self._explaining(), psycopg.connect(**self._options()) as raw:
            version = self._version(raw, self._inspect(raw))
        if read_only:
            self._refuse_unready(version)
        elif version < VERSION:
            with self.writing():
                pass  # which makes the tables, or brings them up to date

    @property
    def path(self) -> str:
        """The address, without a password."""
        return self._address.shown

    @property
    def again(self) -> str:
        """The address, as it was given."""
        return self._address.text

    @property
    def folder(self) -> Path:
        """The folder that the names are relative to: what the address says, or where the first indexed folder lay."""
        if self._root is None:
            self._root = self.fact("root")
        return Path(self._root or "/")

    def root_at(self, db: Connection, folder: Path) -> None:
        """Note that the names are relative to this folder, where nothing was said of that before."""
        if read_fact(db, "root") is None:
            self._root = self._root or str(folder)
            with transaction(db):
                set_fact(db, "root", self._root)

    @contextmanager
    def reading(self) -> Iterator[PostgresConnection]:
        """A connection to read with, for this thread alone until the end of the block.

        Raises:
            GalleryError: The database cannot be read; the message says why.
        """
        with self._explaining():
            connection = self._idle_connection() or self._connect()
            try:
                yield connection
            finally:
                if connection.usable and not connection.in_transaction:
                    self._idle.append(connection)
                else:
                    connection.close()

    @contextmanager
    def writing(self) -> Iterator[PostgresConnection]:
        """Be the one writer, with a connection of one's own.

        Raises:
            GalleryError: The gallery was opened read-only, or somebody else is writing; the message says who, where and
                since when.
        """
        if self.read_only:
            raise GalleryError(f"{self.path}: opened read-only")
        name = f"samekind, process {os.getpid()} on {platform.node()}"
        with self._explaining(), psycopg.connect(**self._options(application_name=name[:63])) as raw:
            found = self._inspect(raw)
            if not raw.execute(_LOCK.format("pg_try_advisory_lock"), (self._address.schema,)).fetchone()[0]:  # type: ignore[index]
                raise GalleryError(f"{self.path}: {self._describe_holder(raw)}; wait for it to end")
            try:
                if self._version(raw, found) < VERSION:
                    migrate(raw, self._address.schema)
                    found = self._inspect(raw)
                connection = self._prepared(raw, found)
                since = datetime.now(UTC).astimezone().isoformat(" ", "seconds")
                with raw.transaction():
                    raw.execute("DELETE FROM writer")
                    raw.execute("INSERT INTO writer VALUES (%s, %s, %s)", (platform.node(), os.getpid(), since))
                yield connection
                raw.execute("DELETE FROM writer")
            finally:
                # The end of a connection would do it, too, but the server sees that a moment after the next has begun.
                with suppress(psycopg.Error):
                    raw.execute(_LOCK.format("pg_advisory_unlock"), (self._address.schema,))

    def fact(self, key: str) -> str | None:
        """A fact about the gallery by its name."""
        with self.reading() as db:
            return read_fact(db, key)

    def size(self) -> int:
        """The bytes of the tables and their indexes."""
        query = "SELECT sum(pg_total_relation_size(pg_class.oid))::bigint FROM pg_class JOIN pg_namespace"
        query += " ON pg_namespace.oid = relnamespace WHERE nspname = ? AND relkind = 'r'"
        with self.reading() as db:
            return int(db.execute(query, (self._address.schema,)).fetchone()[0] or 0)

    def state(self) -> object:
        """The number of the last commit."""
        with self.reading() as db:
            return db.identity, read_fact(db, "commit")

    def close(self) -> None:
        """Close the connections."""
        self._leave_to_parent()
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise explained(self._address, error) from None  # what psycopg says may have the password

    def _options(self, **more: str) -> dict[str, Any]:
        options = {"application_name": "samekind", "connect_timeout": _CONNECT_SECONDS} | more
        try:
            given = psycopg.conninfo.conninfo_to_dict(self._address.connection)
        except psycopg.Error:
            raise GalleryError(f"{self.path}: this is no address that PostgreSQL understands") from None
        return {**options, **given, "client_encoding": "utf8", "autocommit": True}

    def _connect(self) -> PostgresConnection:
        raw = psycopg.connect(**self._options())
        try:
            found = self._inspect(raw)
            self._refuse_unready(self._version(raw, found))
            connection = self._prepared(raw, found)
            if self.read_only:
                raw.execute("SET default_transaction_read_only = on")
        except BaseException:
            raw.close()
            raise
        return connection

    def _inspect(self, raw: psycopg.Connection[Any]) -> _Inspected:
        row = raw.execute(_INSPECT, {"schema": self._address.schema}).fetchone()
        assert row is not None
        found = _Inspected(*row)
        if found.encoding != "UTF8":
            raise GalleryError(
                f"{self.path}: the encoding of this database is {found.encoding}, in which names would be lost; make "
                "one of UTF8: createdb --encoding=UTF8 --template=template0 NAME"
            )
        if found.tables and not found.usable:
            raise GalleryError(
                f"{self.path}: this role lacks a right: GRANT USAGE ON SCHEMA {self._address.schema} TO "
                f"{raw.info.user}; docs/operators.md has what else it needs"
            )
        if found.tables and found.ours < 3:
            raise GalleryError(
                f"{self.path}: the schema {self._address.schema!r} holds tables of something else; "
                "name another one: ?schema=NAME"
            )
        if found.vector is not None and tuple(int(part) for part in found.vector.split(".")[:2]) < (0, 8):
            raise GalleryError(
                f"{self.path}: pgvector {found.vector} is too old; 0.8 is needed: ALTER EXTENSION vector UPDATE"
            )
        if found.ours and found.half is None:
            raise GalleryError(f"{self.path}: pgvector is gone from this database: CREATE EXTENSION vector")
        return found

    def _version(self, raw: psycopg.Connection[Any], found: _Inspected) -> int:
        if not found.ours:
            return 0
        use_schema(raw, self._address.schema)
        try:
            row = raw.execute("SELECT max(version) FROM migrations").fetchone()
        except psycopg.errors.UndefinedColumn:
            row = None
        if row is None or row[0] is None:
            raise GalleryError(
                f"{self.path}: the schema {self._address.schema!r} holds tables of something else; "
                "name another one: ?schema=NAME"
            )
        if row[0] > VERSION:
            raise GalleryError(
                f"{self.path}: its tables are of version {row[0]}, newer than {VERSION}; "
                "a newer samekind reads them: pip install -U samekind"
            )
        return int(row[0])

    def _refuse_unready(self, version: int) -> None:
        if not version:
            raise GalleryError(f"{self.path}: no such gallery; `samekind index FOLDER --gallery ADDRESS` makes one")
        if version < VERSION:
            raise GalleryError(f"{self.path}: is of an older samekind; the next samekind index brings it up to date")

    def _prepared(self, raw: psycopg.Connection[Any], found: _Inspected) -> PostgresConnection:
        use_schema(raw, self._address.schema)
        raw.execute("SELECT set_config('hnsw.iterative_scan', 'relaxed_order', false)")
        row = raw.execute("SELECT value FROM about WHERE key = 'identity'").fetchone()
        return PostgresConnection(raw, row and row[0], found.half or 0)

    def _describe_holder(self, raw: psycopg.Connection[Any]) -> str:
        try:
            use_schema(raw, self._address.schema)
            row = raw.execute("SELECT pid, host, since FROM writer").fetchone()
        except psycopg.Error:  # it makes the tables just now
            row = None
        if row is None:
            return "another process is writing it"
        return f"process {row[0]} on {row[1]} has been writing it since {row[2]}"

    def _leave_to_parent(self) -> None:
        """After a fork the connections are the parent's."""
        if self._process != os.getpid():
            self._inherited.append(self._idle)
            self._idle, self._process = deque(), os.getpid()

    def _idle_connection(self) -> PostgresConnection | None:
        self._leave_to_parent()
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if connection.usable:
                    return connection
                connection.close()
        return None
