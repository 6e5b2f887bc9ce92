"""Where a gallery lives: what the rest of the package asks of a file or of a database, and no more."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from samekind.errors import GalleryError, MissingExtraError
from samekind.gallery.store.connection import Connection
from samekind.shards.addresses import is_address
from samekind.system.passwords import without_passwords
from samekind.system.paths import is_database, refuse_no_path


class Store(Protocol):
    """A gallery's place. Reading is safe from several threads at once.

    Attributes:
        bare: Whether embeddings are to be compared as the network gives them, without the gallery's adaptation.
        read_only: Whether it refuses to write.
        files: The file, beside which an index may lie; None where the database has its own.
    """

    bare: bool
    read_only: bool

    @property
    def files(self) -> Path | None:
        """The file that is the gallery; None where there is none."""

    @property
    def path(self) -> Path | str:
        """The place as it was given, without a password."""

    @property
    def folder(self) -> Path:
        """The folder that the names in the gallery are relative to."""

    @property
    def again(self) -> str | Path:
        """What opens the same gallery again, wherever the process goes."""

    def root_at(self, db: Connection, folder: Path) -> None:
        """Note that the names are relative to this folder, where nothing was said of that before."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read with, for this thread alone until the end of the block.

        Raises:
            GalleryError: The gallery cannot be read; the message says why.
        """

    def writing(self) -> AbstractContextManager[Connection]:
        """Be the one writer, with a connection of one's own.

        Raises:
            GalleryError: It was opened read-only, cannot be written, or somebody else is writing; the message says who,
                where and since when.
        """

    def fact(self, key: str) -> str | None:
        """A fact about the gallery by its name."""

    def size(self) -> int:
        """The bytes that it takes on the disk."""

    def state(self) -> object:
        """What is equal as long as nothing was written."""

    def close(self) -> None:
        """Close the connections."""


def open_store(path: str | os.PathLike[str], *, read_only: bool = False, bare: bool = False) -> Store:
    """The place of a gallery: a file, or a database by its address, ``postgresql://HOST/DATABASE``.

    Raises:
        GalleryError: It is missing (read-only), is no gallery, or is of a newer format.
        MissingExtraError: PostgreSQL needs psycopg.
    """
    if is_database(path):
        if find_spec("psycopg") is None:
            raise MissingExtraError("postgres", "psycopg")
        from samekind.gallery.store.postgres.postgres import PostgresStore  # noqa: PLC0415 - an extra of its own

        return PostgresStore(str(path), read_only=read_only, bare=bare)
    refuse_no_path(path, GalleryError)
    if is_address(str(path)):
        place = without_passwords(str(path))
        raise GalleryError(f"{place}: a gallery is a file, or a database: postgresql://USER@HOST/DATABASE")
    from samekind.gallery.store.sqlite import SqliteStore  # noqa: PLC0415 - it names this module's protocol

    return SqliteStore(path, read_only=read_only, bare=bare)
