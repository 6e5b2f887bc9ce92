"""Writing what was found of files into the gallery's rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from samekind.embedding.embed_batch import EmbeddedImage
from samekind.embedding.new_image import NewImage
from samekind.gallery.store.connection import CONTENT, Connection, transaction
from samekind.gallery.store.facts import generation, set_fact
from samekind.gallery.store.rows import OF_ITS_OWN
from samekind.gallery.store.store import Store
from samekind.gallery.sync.examine import Examined
from samekind.gallery.sync.report import SyncReport
from samekind.images.videos import frame_of

# What follows from a file's bytes: the values of the columns of ``CONTENT``.
_Content = tuple[str | int | bytes | None, ...]
# Of a content that so many files have it is worth remembering which of them are missing.
_MANY = 8


class RowWriter:
    """Writes batches of files, one transaction each, and counts in a report what it did.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``, with the tables of ``list_files``.
        report: The report.
    """

    def __init__(self, store: Store, db: Connection, report: SyncReport) -> None:
        self._store = store
        self._db = db
        self._report = report
        self._generation = 0
        self._changed = False
        # Of contents with many files the rows whose file was missing when it was first asked for.
        self._missing: dict[bytes | None, list[int]] = {}

    def new_images(self, batch: Sequence[Examined]) -> dict[bytes, NewImage]:
        """The images of a batch, by hash, whose content is new; the gallery may have got some while they were read."""
        images = {found.sha256: found.image for found in batch if found.sha256 is not None and found.image is not None}
        query = "SELECT 1 FROM images WHERE sha256 = ? LIMIT 1"
        return {sha256: image for sha256, image in images.items() if not self._db.execute(query, (sha256,)).fetchone()}

    def write(self, batch: Sequence[Examined], vectors: Mapping[bytes, bytes]) -> None:
        """Write a batch.

        Args:
            batch: The files.
            vectors: The embedding, as it is stored, of each of ``new_images``.
        """
        computed = dict(vectors)
        with transaction(self._db):
            self._generation, self._changed = generation(self._db) + 1, False
            for found in batch:
                if found.image is not None and found.sha256 in computed:
                    self._put(found, _fresh_content(found.sha256, found.image, computed.pop(found.sha256)))
                    if found.image.decoded.damage:
                        self._report.damaged.append((found.file.path, found.image.decoded.damage))
                elif found.video:
                    self._write_video(found)
                elif found.error is not None and self._failed_before(found):
                    self._report.unreadable_before += 1
                elif found.error is not None:
                    self._put(found, (found.sha256, found.error, *[None] * 7))
                else:
                    self._write_known(found)
            self._report.embedded += len(vectors)
            if self._changed:
                set_fact(self._db, "generation", str(self._generation))

    def write_embedded(self, rows: Sequence[tuple[Examined, EmbeddedImage]]) -> None:
        """Write a batch of images that were embedded elsewhere."""
        with transaction(self._db):
            self._generation, self._changed = generation(self._db) + 1, False
            for found, image in rows:
                self._put(found, image.content)
                if image.damage:
                    self._report.damaged.append((found.file.path, image.damage))
            if self._changed:
                set_fact(self._db, "generation", str(self._generation))

    def _write_video(self, found: Examined) -> None:
        """A video whose frames are all written: by this row the next sync knows that it need not look again."""
        self._report.videos += 1
        if found.damage:
            self._report.damaged.append((found.file.path, found.damage))
        self._upsert(found, (found.sha256, *[None] * 8))

    def _write_known(self, found: Examined) -> None:
        """A file whose bytes the gallery has met: touched, moved, or a copy."""
        file, times = found.file, (found.file.size, found.mtime_ns)
        own = self._db.execute(
            "SELECT error FROM images WHERE id = ? AND sha256 = ?", (file.row, found.sha256)
        ).fetchone()
        if own is not None:
            self._db.execute("UPDATE images SET size = ?, mtime_ns = ? WHERE id = ?", (*times, file.row))
            # The same bytes give the same error.
            if own[0] is None:
                self._report.unchanged += 1
            else:
                self._report.unreadable_before += 1
        elif file.row is None and (moved := self._missing_row(found.sha256)) is not None:
            self._db.execute(
                "UPDATE images SET path = CAST(? AS TEXT), size = ?, mtime_ns = ? WHERE id = ?",
                (os.fsencode(file.path), *times, moved),
            )
            self._report.moved += 1
        else:
            self._put(found, next(self._contents(found.sha256)))

    def _missing_row(self, sha256: bytes | None) -> int | None:
        """A row of this content whose file is gone; it is given once."""
        if sha256 not in self._missing:
            query = f"SELECT id, path FROM images WHERE sha256 = ? AND {OF_ITS_OWN} ORDER BY id"
            rows = self._db.execute(query, (sha256,)).fetchall()
            missing = [row for row, path in rows if _is_missing(self._store.folder / path)]
            if len(rows) < _MANY:
                return missing[0] if missing else None
            self._missing[sha256] = missing[::-1]
        waiting = self._missing[sha256]
        return waiting.pop() if waiting else None

    def _failed_before(self, found: Examined) -> bool:
        """Whether a file could not be opened at the last look either, for the same reason."""
        query = "SELECT 1 FROM images WHERE id = ? AND sha256 IS ? AND error = ?"
        return self._db.execute(query, (found.file.row, found.sha256, found.error)).fetchone() is not None

    def _contents(self, sha256: bytes | None) -> Iterator[_Content]:
        for table in ("images", "before"):  # ``before`` has what was written over in this sync
            yield from self._db.execute(f"SELECT {CONTENT} FROM {table} WHERE sha256 = ? LIMIT 1", (sha256,))

    def _put(self, found: Examined, content: _Content) -> None:
        file, error = found.file, content[1]
        self._upsert(found, content)
        self._changed |= error is None or file.row is not None
        if isinstance(error, str):
            self._report.unreadable.append((file.path, error))
        elif file.row is None:
            self._report.added += 1
        else:
            self._report.changed += 1

    def _upsert(self, found: Examined, content: _Content) -> None:
        file = found.file
        columns = f"size, mtime_ns, {CONTENT}"
        self._db.execute(
            f"INSERT INTO images (path, {columns}, generation)"
            " VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS BLOB), ?)"
            f" ON CONFLICT (path) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in columns.split(', '))},"
            # Where only metadata changed, what the index has of it is right, and it must not be found twice.
            " generation = CASE WHEN excluded.embedding IS images.embedding THEN images.generation"
            " ELSE excluded.generation END",
            (os.fsencode(file.path), file.size, found.mtime_ns, *content, self._generation),
        )


def _fresh_content(sha256: bytes | None, image: NewImage, embedding: bytes) -> _Content:
    facts = image.decoded.width, image.decoded.height, image.decoded.taken
    return (sha256, None, *facts, image.phash, *image.picture, embedding)


def _is_missing(path: Path) -> bool:
    """Whether a file is gone, of a frame the video; of one that cannot be looked at nobody knows."""
    frame = frame_of(path)
    if frame is not None:
        path = Path(frame[0])
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
