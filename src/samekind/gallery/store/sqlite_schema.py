"""What lies in a gallery's SQLite file: its tables, and by what it is told from other files and older galleries."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from samekind.errors import GalleryError
from samekind.gallery.store.connection import Connection, transaction

_APPLICATION_ID = 0x534B4744  # "SKGD": by it a gallery is told from other SQLite files
# Format 2 keeps of each image a small picture and its local features, by which copies are found.
FORMAT_VERSION = 2

# An id is never given twice, so an index that is out of date cannot name another image. "generation" is that of the
# gallery when the row's embedding last changed; "dropped" has the ids whose embedding in the index is out of date.
_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE folders (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 BLOB,
    error TEXT,
    width INTEGER,
    height INTEGER,
    taken TEXT,
    phash BLOB,
    picture BLOB,
    features BLOB,
    embedding BLOB,
    generation INTEGER NOT NULL
);
CREATE INDEX images_by_content ON images (sha256);
CREATE INDEX images_by_generation ON images (generation);
CREATE TABLE dropped (id INTEGER PRIMARY KEY);
"""
# "touched" has the ids of rows that are not as the file of rows beside the index has them. OR IGNORE would not do: in
# a trigger the statement that fired it decides on conflicts.
_WATCHED = (
    "DROP TRIGGER IF EXISTS image_removed",
    "DROP TRIGGER IF EXISTS image_changed",
    "CREATE TABLE touched (id INTEGER PRIMARY KEY)",
    (
        "CREATE TRIGGER image_removed AFTER DELETE ON images WHEN old.embedding IS NOT NULL"
        " BEGIN INSERT INTO dropped VALUES (old.id) ON CONFLICT DO NOTHING; END"
    ),
    (
        "CREATE TRIGGER image_changed AFTER UPDATE OF embedding ON images"
        " WHEN old.embedding IS NOT NULL AND new.embedding IS NOT old.embedding"
        " BEGIN INSERT INTO dropped VALUES (old.id) ON CONFLICT DO NOTHING; END"
    ),
    (
        "CREATE TRIGGER image_touched"
        " AFTER UPDATE OF path, size, mtime_ns, sha256, error, width, height, taken, embedding ON images"
        " WHEN old.embedding IS NOT NULL BEGIN INSERT INTO touched VALUES (old.id) ON CONFLICT DO NOTHING; END"
    ),
)


def is_gallery(db: Connection) -> bool:
    """Whether the file is a gallery, of whatever format."""
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID)


def make_gallery(db: sqlite3.Connection) -> None:
    """Make a gallery of an empty file."""
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(
        f"BEGIN; {_SCHEMA} {'; '.join(_WATCHED)}; PRAGMA application_id = {_APPLICATION_ID};"
        f" PRAGMA user_version = {FORMAT_VERSION}; COMMIT;"
    )


def refuse_foreign(db: Connection, path: Path, *, may_be_empty: bool) -> None:
    """Make sure that a file is a gallery, or an empty one where it may be.

    Raises:
        GalleryError: It is something else, or of a newer format.
    """
    if is_gallery(db):
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT_VERSION:
            raise GalleryError(
                f"{path}: gallery format {version} is newer than {FORMAT_VERSION}; "
                "a newer samekind reads it: pip install -U samekind"
            )
    elif not may_be_empty or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise GalleryError(f"{path}: not a samekind gallery")


def bring_up_to_date(db: Connection) -> None:
    """Give a gallery what an earlier samekind did not: the table of touched rows, and format 1 the columns of today.

    A sync fills these. What only format 1 used stays, unread.
    """
    if not is_gallery(db):
        return
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'touched'").fetchone():
        with transaction(db):
            for statement in _WATCHED:
                db.execute(statement)
    if db.execute("PRAGMA user_version").fetchone()[0] >= FORMAT_VERSION:
        return
    with transaction(db):
        db.execute("ALTER TABLE images ADD COLUMN picture BLOB")
        db.execute("ALTER TABLE images ADD COLUMN features BLOB")
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
