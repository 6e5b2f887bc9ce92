"""Bringing a gallery in step with a folder: only what changed is read, and only new content is embedded.

A file is known by path, size and modification time; where these differ, by the SHA-256 of its bytes. So a moved file
keeps its embedding, and a copy takes that of its original. Each batch is one transaction: whatever happens, the next
sync goes on where this one stood.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.describe import DescribingEncoder
from samekind.gallery.examine import Examined, examine_all
from samekind.gallery.folders import (
    count_unchanged,
    files_to_look_at,
    folder_prefix,
    gone,
    list_files,
    refuse_sudden_emptiness,
    remove_images,
)
from samekind.gallery.looks import Looks
from samekind.gallery.store import CONTENT, Store, generation, set_about, transaction

# Files that one transaction covers.
_BATCH = 64
_NETWORK_BATCH = 8

SyncProgress = Callable[[int, int], None]
# What follows from a file's bytes: the values of the columns of ``CONTENT``.
_Content = tuple[str | int | bytes | None, ...]


@dataclass
class SyncReport:
    """What a sync found and did.

    Attributes:
        added: New files, each embedded, or given the embedding of a file with the same bytes.
        changed: Files whose bytes are other ones now.
        moved: Files found again under another path.
        removed: Files that are gone.
        unchanged: Files that needed nothing.
        embedded: Runs of the network: images whose content was new.
        unreadable: Files that cannot be read as images, and why; those found in this sync only.
        unreadable_before: Files that could not be read before and have not changed since.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_before: int = 0


def sync_folder(
    store: Store,
    db: sqlite3.Connection,
    folder: Path,
    encoder: Callable[[], DescribingEncoder],
    *,
    on_progress: SyncProgress | None = None,
    after_batch: Callable[[], None] | None = None,
) -> SyncReport:
    """Bring the gallery in step with the folder.

    Args:
        store: The gallery's file.
        db: From ``store.writing``.
        folder: Its images, in subfolders too; hidden files and folders are passed over.
        encoder: Gives the network; called when the first new image turns up, so that nothing is loaded for nothing.
        on_progress: Called with the number of files done and the number to look at, after each batch.
        after_batch: Called after each committed batch.

    Raises:
        GalleryError: The folder is missing, or is empty while the gallery has images of it (an unmounted disk, say).
    """
    if not folder.is_dir():
        raise GalleryError(f"{folder}: no such folder")
    prefix = folder_prefix(store.folder, folder)
    list_files(db, folder, prefix)
    refuse_sudden_emptiness(db, folder, prefix)
    with transaction(db):
        db.execute("INSERT OR IGNORE INTO folders VALUES (CAST(? AS TEXT))", (os.fsencode(prefix),))
    report = SyncReport()
    report.unchanged, report.unreadable_before = count_unchanged(db)
    total = db.execute("SELECT count(*) FROM todo").fetchone()[0]
    done = 0
    examined = examine_all(store, files_to_look_at(db), lambda: encoder().input_size)
    while batch := list(islice(examined, _BATCH)):
        vectors = _vectors([found.looks for found in batch if found.looks is not None], encoder)
        with transaction(db):
            _Batch(store, db, report).write(batch, vectors)
        done += len(batch)
        if after_batch:
            after_batch()
        if on_progress:
            on_progress(done, total)
    report.removed = remove_images(db, gone(prefix))
    return report


def _vectors(fresh: Sequence[Looks], encoder: Callable[[], DescribingEncoder]) -> list[tuple[bytes, bytes]]:
    """The (descriptor, embedding) of each image as they are stored: float16."""
    vectors: list[tuple[bytes, bytes]] = []
    for start in range(0, len(fresh), _NETWORK_BATCH):
        pixels = np.stack([looks.pixels for looks in fresh[start : start + _NETWORK_BATCH]])
        embeddings, descriptors = (rows.astype(np.float16) for rows in encoder().encode(pixels))
        vectors += [(d.tobytes(), e.tobytes()) for d, e in zip(descriptors, embeddings, strict=True)]
    return vectors


class _Batch:
    """Writes what was found of a batch of files, within one transaction."""

    def __init__(self, store: Store, db: sqlite3.Connection, report: SyncReport) -> None:
        self._store = store
        self._db = db
        self._report = report
        self._generation = generation(db) + 1
        self._changed = False

    def write(self, batch: Sequence[Examined], vectors: Sequence[tuple[bytes, bytes]]) -> None:
        computed = iter(vectors)
        for found in batch:
            if found.looks is not None:
                self._put(found, _fresh_content(found.sha256, found.looks, next(computed)))
            elif found.error is not None and self._failed_before(found):
                self._report.unreadable_before += 1
            elif found.error is not None:
                self._put(found, (found.sha256, found.error, *[None] * 7))
            else:
                self._write_known(found)
        self._report.embedded += len(vectors)
        if self._changed:
            set_about(self._db, "generation", str(self._generation))

    def _write_known(self, found: Examined) -> None:
        """A file whose bytes the gallery has met: touched, moved, or a copy."""
        file, times = found.file, (found.file.size, found.mtime_ns)
        query = "SELECT id, path, error FROM images WHERE sha256 = ? ORDER BY id"
        rows = self._db.execute(query, (found.sha256,)).fetchall()
        if file.image in (row[0] for row in rows):
            self._db.execute("UPDATE images SET size = ?, mtime_ns = ? WHERE id = ?", (*times, file.image))
            # The same bytes give the same error.
            if rows[0][2] is None:
                self._report.unchanged += 1
            else:
                self._report.unreadable_before += 1
            return
        moved = next((row[0] for row in rows if not os.path.lexists(self._store.folder / row[1])), None)
        if moved is not None and file.image is None:
            self._db.execute(
                "UPDATE images SET path = CAST(? AS TEXT), size = ?, mtime_ns = ? WHERE id = ?",
                (os.fsencode(file.path), *times, moved),
            )
            self._report.moved += 1
            return
        self._put(found, next(self._contents(found.sha256)))

    def _failed_before(self, found: Examined) -> bool:
        """Whether a file could not be opened at the last look either, for the same reason."""
        query = "SELECT 1 FROM images WHERE id = ? AND sha256 IS ? AND error = ?"
        return self._db.execute(query, (found.file.image, found.sha256, found.error)).fetchone() is not None

    def _contents(self, sha256: bytes | None) -> Iterator[_Content]:
        for table in ("images", "before"):  # ``before`` has what was written over in this sync
            yield from self._db.execute(f"SELECT {CONTENT} FROM {table} WHERE sha256 = ? LIMIT 1", (sha256,))

    def _put(self, found: Examined, content: _Content) -> None:
        file, error = found.file, content[1]
        if isinstance(error, str):
            self._report.unreadable.append((file.path, error))
        elif file.image is None:
            self._report.added += 1
        else:
            self._report.changed += 1
        columns = f"size, mtime_ns, {CONTENT}"
        self._db.execute(
            f"INSERT INTO images (path, {columns}, generation)"
            " VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            f" ON CONFLICT (path) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in columns.split(', '))},"
            # Where only metadata changed, what the index has of it is right, and it must not be found twice.
            " generation = iif(excluded.embedding IS embedding, generation, excluded.generation)",
            (os.fsencode(file.path), file.size, found.mtime_ns, *content, self._generation),
        )
        self._changed |= error is None or file.image is not None


def _fresh_content(sha256: bytes | None, looks: Looks, vectors: tuple[bytes, bytes]) -> _Content:
    thumbnail = looks.thumbnail.tobytes()
    return (sha256, None, looks.width, looks.height, looks.taken, looks.phash, thumbnail, *vectors)
