"""The SQLite file that is a gallery: its connections, its one writer.

The file is in WAL mode, so readers see the last committed state and are never blocked. The writer's lock is a file of
its own, which the operating system lets go when a process dies, however it dies.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from filelock import FileLock, Timeout

from samekind.errors import GalleryError
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.facts import read_fact
from samekind.gallery.store.sqlite_schema import bring_up_to_date, is_gallery, make_gallery, refuse_foreign
from samekind.system.paths import shell_word

_BUSY_SECONDS = 30.0


class SqliteConnection(sqlite3.Connection):
    """A connection that knows which file it was opened on.

    Attributes:
        identity: The device and number of the file, by which it is known from another that took its name.
        seen: What a reader noted with this connection, so as to know whether it still holds.
    """

    database: Final = "sqlite"
    identity: tuple[int, int] | None = None
    seen: object = None

    @property
    def version(self) -> int:
        """A number that becomes another one when something is committed through any other connection."""
        number: int = self.execute("PRAGMA data_version").fetchone()[0]
        return number

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a query; SQLite hands out its rows one by one anyway."""
        return self.execute(sql, parameters)

    def has_pictures(self) -> bool:
        """Whether there are columns for small pictures and features, which format 1 had not."""
        query = "SELECT count(*) FROM pragma_table_info('images') WHERE name = 'features'"
        return bool(self.execute(query).fetchone()[0])

    def why_no_name(self, path: str) -> str | None:  # noqa: ARG002 - a file keeps any
        """It can."""
        return None


class SqliteStore:
    """A gallery's file. Reading is safe from several threads at once.

    Args:
        path: The file. It is made if it is missing, unless ``read_only``.
        read_only: Refuse to write.
        bare: Whether embeddings are to be compared as the network gives them, without the gallery's adaptation.

    Raises:
        GalleryError: The file is missing (read-only), is no gallery, or is of a newer format.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False, bare: bool = False) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise GalleryError(
                f"{self.path}: a folder, no gallery; `samekind index {shell_word(path)}` makes one of it"
            )
        # Whatever it is called and wherever the process goes: one file, one lock, one index.
        self.file = self.path.resolve()
        self.read_only, self.bare = read_only, bare
        # Taking and giving back are safe between threads; the last one used knows the file best.
        self._idle: deque[SqliteConnection] = deque()
        self._process = os.getpid()
        self._inherited: list[deque[SqliteConnection]] = []
        if read_only and not self.path.is_file():
            raise GalleryError(
                f"{self.path}: no such gallery; `samekind index FOLDER --gallery {shell_word(path)}` makes one"
            )
        with self.reading() as db:
            made = is_gallery(db)
        if not made:
            with self.writing() as db:
                make_gallery(db)

    @property
    def files(self) -> Path:
        """The file, beside which its index lies."""
        return self.file

    @property
    def again(self) -> Path:
        """The file, wherever the process goes."""
        return self.file

    @property
    def folder(self) -> Path:
        """The folder that the paths in the gallery are relative to."""
        return self.file.parent

    def root_at(self, db: Connection, folder: Path) -> None:
        """Nothing to note: the names are relative to where the file lies."""

    def reading(self) -> AbstractContextManager[SqliteConnection]:
        """A connection to read with, for this thread alone until the end of the block.

        It is to the file that has the gallery's name now, which another program may have put there.

        Raises:
            GalleryError: SQLite cannot read the file, or it is no gallery; the message says why.
        """
        return _Reading(self)

    @contextmanager
    def writing(self) -> Iterator[SqliteConnection]:
        """Be the one writer, with a connection of one's own.

        Raises:
            GalleryError: The gallery was opened read-only, its folder cannot be written, or somebody else is writing;
                the message says who, where and since when.
        """
        if self.read_only:
            raise GalleryError(f"{self.path}: opened read-only")
        lock = FileLock(f"{self.file}.lock", thread_local=False)
        holder_file = Path(f"{self.file}.writer")
        try:
            lock.acquire(timeout=0)
            since = datetime.now(UTC).astimezone().isoformat(" ", "seconds")
            holder_file.write_text(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since}))
        except Timeout:
            raise GalleryError(f"{self.path}: {_describe_holder(holder_file)}; wait for it to end") from None
        except OSError as error:
            lock.release()
            raise GalleryError(f"{self.path}: cannot be written ({error.strerror})") from error
        try:
            with closing(self._connect()) as connection:
                bring_up_to_date(connection)
                yield connection
                # What lies in a file beside the gallery would be taken for that of another one put in its place.
                connection.executescript("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise GalleryError(_explain(self.path, error)) from error
        finally:
            holder_file.unlink(missing_ok=True)
            lock.release()

    def fact(self, key: str) -> str | None:
        """A fact about the gallery by its name."""
        with self.reading() as db:
            return read_fact(db, key)

    def size(self) -> int:
        """The bytes of the file."""
        return self.file.stat().st_size if self.file.is_file() else 0

    def state(self) -> object:
        """The number of the file, and when it was last written."""
        try:
            status = self.file.stat()
        except OSError as error:
            raise GalleryError(f"{self.path}: the gallery is not there any more") from error
        return status.st_ino, status.st_mtime_ns

    def close(self) -> None:
        """Close the connections."""
        self._leave_to_parent()
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _leave_to_parent(self) -> None:
        """After a fork the connections are the parent's: SQLite must neither use nor close them here."""
        if self._process != os.getpid():
            self._inherited.append(self._idle)
            self._idle, self._process = deque(), os.getpid()

    def _idle_connection(self) -> SqliteConnection | None:
        """One that is open on the file as it is now; None if there is none."""
        self._leave_to_parent()
        now = _identity(self.file)
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            # While one file is being put in the place of another there may be none.
            if now in (None, connection.identity):
                return connection
            connection.close()

    def _connect(self) -> SqliteConnection:
        options = "?mode=rwc"
        if self.read_only:
            options = "?mode=ro"
            # On a medium that cannot be written SQLite could not make the files that a WAL needs.
            if not os.access(self.folder, os.W_OK) and not Path(f"{self.file}-wal").exists():
                options += "&immutable=1"
        identity = _identity(self.file)
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(self.file))}{options}",
            uri=True,
            factory=SqliteConnection,
            timeout=_BUSY_SECONDS,
            isolation_level=None,  # transactions are begun and ended by ``transaction``
            check_same_thread=False,  # one thread at a time has it, not always the same
        )
        try:
            # A file name need not be UTF-8; surrogates carry its bytes.
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            connection.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a power cut may cost the last batch only
            refuse_foreign(connection, self.path, may_be_empty=not self.read_only)
        except BaseException:
            connection.close()
            raise
        # Where it has just been made, or replaced in this very moment, it has a number by now.
        connection.identity = identity or _identity(self.file)
        return connection


class _Reading(AbstractContextManager[SqliteConnection]):
    """What ``SqliteStore.reading`` gives; a generator takes twice the time, and each search needs one."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> SqliteConnection:
        store = self._store
        try:
            self._connection = store._idle_connection() or store._connect()
        except sqlite3.Error as error:
            raise GalleryError(_explain(store.path, error)) from error
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._store._idle.append(self._connection)
        if isinstance(error, sqlite3.Error):
            raise GalleryError(_explain(self._store.path, error)) from error


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - half as long as Path.stat, and each search asks
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _describe_holder(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text())
        return f"process {holder['pid']} on {holder['host']} has been writing it since {holder['since']}"
    except (OSError, ValueError, KeyError):  # it began or ended just now
        return "another process is writing it"


def _explain(path: Path, error: sqlite3.Error) -> str:
    if "unable to open" in str(error):
        return f"{path}: cannot be opened or made there (no right, or a read-only disk); name another: --gallery FILE"
    if isinstance(error, sqlite3.OperationalError):
        return f"{path}: {error}"
    if "not a database" in str(error):
        return f"{path}: not a samekind gallery"
    return f"{path}: damaged ({error}); move it away and index the folder again"
