"""What of a folder is on the disk, what of it is in the gallery, and the difference.

The lists live in SQLite's temporary tables, not in memory, so a folder may hold any number of files.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from samekind.datasets.folders import IMAGE_SUFFIXES
from samekind.datasets.lists import relative_path
from samekind.errors import GalleryError
from samekind.gallery.store import CONTENT, Store, generation, set_about, transaction

# An SQL condition on images, and its parameters.
Condition = tuple[str, tuple[bytes, ...]]


@dataclass(frozen=True)
class FoundFile:
    """A file to look at.

    Attributes:
        path: As the gallery has it.
        size: In bytes.
        mtime_ns: When it was last written.
        image: Its row in the gallery, if it has one.
    """

    path: str
    size: int
    mtime_ns: int
    image: int | None


def folder_prefix(gallery_folder: Path, folder: Path) -> str:
    """What the paths of a folder's images begin with in the gallery: ``photos/``, or nothing for the gallery's own."""
    relative = relative_path(folder.resolve(), gallery_folder)
    return "" if relative == "." else f"{relative}/"


def under(prefix: str) -> Condition:
    """The condition for the paths that begin with a prefix."""
    if not prefix:  # the gallery's own folder; what lies elsewhere begins with .. or is absolute
        return "(path NOT LIKE '../%' AND path NOT LIKE '/%' AND path NOT GLOB '?:/*')", ()
    low = os.fsencode(prefix)
    high = low[:-1] + bytes([low[-1] + 1])
    return "(path >= CAST(? AS TEXT) AND path < CAST(? AS TEXT))", (low, high)


def remove_images(db: sqlite3.Connection, condition: Condition) -> int:
    """Take the images that meet a condition out of the gallery, in one transaction; how many they were."""
    where, parameters = condition
    with transaction(db):
        if db.execute(f"SELECT 1 FROM images WHERE embedding IS NOT NULL AND {where} LIMIT 1", parameters).fetchone():
            set_about(db, "generation", str(generation(db) + 1))
        return db.execute(f"DELETE FROM images WHERE {where}", parameters).rowcount


def remove_folder(store: Store, db: sqlite3.Connection, folder: Path) -> int:
    """Take a folder out of the gallery with its images; how many they were.

    Raises:
        GalleryError: The gallery has no images of it.
    """
    where, parameters = under(folder_prefix(store.folder, folder))
    removed = remove_images(db, (where, parameters))
    with transaction(db):
        listed = db.execute(f"DELETE FROM folders WHERE {where}", parameters).rowcount
    if not removed and not listed:
        raise GalleryError(f"{store.path}: has no images of {folder}; `samekind status` lists its folders")
    return removed


def gone(prefix: str) -> Condition:
    """The condition for images of a folder whose files ``list_files`` has not seen."""
    where, parameters = under(prefix)
    return f"{where} AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.path = images.path)", parameters


def list_files(db: sqlite3.Connection, folder: Path, prefix: str) -> None:
    """Look at a folder and fill the temporary tables.

    ``seen``: every image file. ``todo``: those that are not as the gallery has them. ``before``: the rows that may be
    written over, for a file's old content may turn up under another name when the names of a series are shifted by one.

    Raises:
        GalleryError: A folder within cannot be listed.
    """
    for table in ("seen", "todo", "before"):
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute("CREATE TEMP TABLE seen (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER) WITHOUT ROWID")
    with transaction(db):
        db.executemany("INSERT INTO seen VALUES (CAST(? AS TEXT), ?, ?)", _walk(folder, prefix))
        # What could not even be opened is tried again: permissions change without a trace in the time of the file.
        db.execute(
            "CREATE TEMP TABLE todo AS SELECT seen.path, seen.size, seen.mtime_ns, images.id AS image"
            " FROM seen LEFT JOIN images USING (path)"
            " WHERE images.id IS NULL OR images.size <> seen.size OR images.mtime_ns <> seen.mtime_ns"
            " OR images.sha256 IS NULL ORDER BY seen.path"
        )
        db.execute(f"CREATE TEMP TABLE before AS SELECT {CONTENT} FROM images WHERE id IN (SELECT image FROM todo)")
        db.execute("CREATE INDEX temp.before_by_content ON before (sha256)")


def _walk(folder: Path, prefix: str) -> Iterator[tuple[bytes, int, int]]:
    """Each image file under a folder: its path as the gallery has it, its size, its time."""
    waiting = [(os.fspath(folder), prefix)]
    while waiting:
        place, inner = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except FileNotFoundError as error:
            if place != os.fspath(folder):  # it went away just now, and its images with it
                continue
            raise GalleryError(f"{place}: no such folder") from error
        except OSError as error:
            # To pass it over would take all its images for deleted.
            raise GalleryError(f"{place}: cannot be listed ({error.strerror})") from error
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, f"{inner}{entry.name}/"))
                elif PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                    status = entry.stat()
                    yield os.fsencode(inner + entry.name), status.st_size, status.st_mtime_ns
            except OSError:  # it went away just now
                continue


def refuse_sudden_emptiness(db: sqlite3.Connection, folder: Path, prefix: str) -> None:
    """Make sure that a folder without images was not full a while ago.

    Raises:
        GalleryError: The gallery has images of it. More likely than that all were deleted is an unmounted disk.
    """
    where, parameters = under(prefix)
    if db.execute("SELECT 1 FROM seen LIMIT 1").fetchone():
        return
    known = db.execute(f"SELECT count(*) FROM images WHERE {where}", parameters).fetchone()[0]
    if known:
        raise GalleryError(
            f"{folder}: holds no images, but the gallery has {known:,} of it. Is its disk mounted? "
            "If they are gone for good: samekind remove"
        )


def count_unchanged(db: sqlite3.Connection) -> tuple[int, int]:
    """How many files are as the gallery has them: readable ones, and unreadable ones."""
    row = db.execute(
        "SELECT count(*), count(images.error) FROM seen JOIN images USING (path)"
        " WHERE images.size = seen.size AND images.mtime_ns = seen.mtime_ns AND images.sha256 IS NOT NULL"
    ).fetchone()
    return row[0] - row[1], row[1]


def files_to_look_at(db: sqlite3.Connection) -> Iterator[FoundFile]:
    """The files that ``list_files`` found to be new or changed, in the order of their paths."""
    last = 0
    page = "SELECT rowid, path, size, mtime_ns, image FROM todo WHERE rowid > ? ORDER BY rowid LIMIT 512"
    while rows := db.execute(page, (last,)).fetchall():
        last = rows[-1][0]
        yield from (FoundFile(*row[1:]) for row in rows)
