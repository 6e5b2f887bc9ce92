"""The rows of a gallery as Python sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.connection import IS_IMAGE, Connection
from samekind.gallery.store.store import Store
from samekind.gallery.store.vectors import unit_rows

COLUMNS = "id, path, size, mtime_ns, sha256, width, height, taken, error, embedding"
_PAGE = 1024
# What lies within tar and Parquet files, or behind an address, comes from shards and is no file of its own.
OF_ITS_OWN = "lower(path) NOT LIKE '%.tar#%' AND lower(path) NOT LIKE '%.parquet#%' AND path NOT LIKE '%://%'"
_WITHIN = re.compile(r"\.(tar|parquet)#|://", re.IGNORECASE)
# The values of a row's columns, id and path first, embedding last.
Stored = tuple[Any, ...]


class Rows(Protocol):
    """Rows as they were at one moment, whatever is written to the gallery since; each has a place."""

    def name(self, place: int) -> str:
        """The path as the gallery has it."""

    def embedding(self, place: int) -> bytes:
        """The embedding as it is stored."""

    def stored(self, place: int) -> Stored:
        """All values."""


@dataclass(frozen=True)
class ReadRows:
    """Rows that a statement read."""

    rows: list[Stored]

    def name(self, place: int) -> str:
        """The path as the gallery has it."""
        name: str = self.rows[place][1]
        return name

    def embedding(self, place: int) -> bytes:
        """The embedding as it is stored."""
        embedding: bytes = self.rows[place][-1]
        return embedding

    def stored(self, place: int) -> Stored:
        """All values."""
        return self.rows[place]


@dataclass(frozen=True)
class Row:
    """What a gallery knows of one file.

    Attributes:
        id: A number that no other image of this gallery ever had.
        name: The path as the gallery has it, relative to the gallery's folder, with forward slashes. A frame of a video
            has the video's, and its time in seconds: ``clip.mp4#t=12.5``.
        path: The file, ready to open; of a frame what ``samekind.load().embed`` and ``verify`` read it by.
        size: The number of its bytes.
        mtime_ns: The time when it was last written, in nanoseconds since 1970; -1 if that was too shortly before it
            was read.
        sha256: The hash of its bytes, in hexadecimal; None if they could not be read.
        width: The pixels of a line, upright; None if it is not readable as an image.
        height: The number of lines, upright; None if it is not readable as an image.
        taken: The time of the photograph, ``YYYY-MM-DD HH:MM:SS`` by the camera's clock, if the file says so.
        error: The reason why it cannot be read as an image; None if it can.
        embedding: The network's embedding, float32 (D,), unit length; None if it cannot be read.
    """

    id: int
    name: str
    path: Path
    size: int
    mtime_ns: int
    sha256: str | None
    width: int | None
    height: int | None
    taken: str | None
    error: str | None
    embedding: NDArray[np.float32] | None = field(repr=False, compare=False)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of its own, which can be opened and removed, or a frame of one.

        What shards brought lies within a tar or Parquet file, or behind an address.
        """
        return _WITHIN.search(self.name) is None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine: a file of its own, or within a tar or Parquet file."""
        return "://" not in self.name

    @property
    def place(self) -> Path | str:
        """Where it is: its path, within a tar or Parquet file too; or as text its address, which is no path."""
        return self.path if self.is_here else self.name


def read_rows(store: Store, ids: Sequence[int] | None = None, where: Condition = EVERYTHING) -> Iterator[Row]:
    """The rows with these ids, in no order; or all, in the order of their paths. A page is in memory at a time.

    Args:
        store: The gallery's file.
        ids: None is all.
        where: A condition that all must meet; it is for all, not for those with these ids.
    """
    if ids is not None:
        for start in range(0, len(ids), _PAGE):
            with store.reading() as db:
                found = stored_rows(db, ids[start : start + _PAGE])
            yield from (row_of(store.folder / values[1], values) for values in found)
        return
    last = ""
    after = f"path > CAST(? AS TEXT) AND {IS_IMAGE} AND {where[0]}"
    query = f"SELECT {COLUMNS} FROM images WHERE {after} ORDER BY path LIMIT {_PAGE}"
    while True:
        with store.reading() as db:
            found = db.execute(query, (last.encode("utf-8", "surrogateescape"), *where[1])).fetchall()
        if not found:
            return
        yield from (row_of(store.folder / values[1], values) for values in found)
        last = found[-1][1]


def ids_where(db: Connection, where: Condition) -> list[int]:
    """The ids of the readable images that meet a condition, rising."""
    query = f"SELECT id FROM images WHERE embedding IS NOT NULL AND {where[0]} ORDER BY id"
    return [image for (image,) in db.execute(query, where[1])]


def stored_rows(db: Connection, ids: Sequence[int]) -> list[Stored]:
    """The rows with these ids, none of them twice, as SQLite has them, in no order; those that are there."""
    found = []
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        found += db.execute(_by_ids(len(page)), page).fetchall()
    return found


def all_stored(db: Connection) -> Iterator[Stored]:
    """The rows of all readable images as SQLite has them, in the order of their ids."""
    return iter(db.stream(f"SELECT {COLUMNS} FROM images WHERE embedding IS NOT NULL ORDER BY id"))


@lru_cache
def _by_ids(count: int) -> str:
    # A join is quicker than IN, which sorts.
    asked = ", ".join(["(?)"] * count)
    return f"WITH asked (id) AS (VALUES {asked}) SELECT {COLUMNS} FROM asked CROSS JOIN images USING (id)"


def row_of(path: Path, values: Stored) -> Row:
    """A row from what SQLite has of it, and the file that its name leads to."""
    image_id, name, size, mtime_ns, sha256, width, height, taken, error, embedding = values
    return Row(
        *(image_id, name, path, size, mtime_ns, sha256.hex() if sha256 else None),
        *(width, height, taken, error, unit_rows([embedding])[0] if embedding else None),
    )
