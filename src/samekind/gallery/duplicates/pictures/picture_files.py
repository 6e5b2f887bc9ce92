"""Files whose pictures are compared: what a gallery, or a look into a folder, knows of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from samekind.copies.compare import Side, compare
from samekind.copies.evidence import Edit, Evidence
from samekind.copies.keep import Facts
from samekind.copies.picture import Picture, unpacked
from samekind.embedding.small_picture import read_detail, read_small_picture
from samekind.errors import ImageError
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.rows import Row, read_rows
from samekind.gallery.store.store import Store
from samekind.images import ImageSource, Pixels
from samekind.images.videos import frame_of

_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".qoi"})
# Files whose pixels are held while they are compared, up to 12 MB each.
_HELD = 8
SAME_BYTES = Evidence("copy", (Edit("exact"),), "sure", "", 0, 0.0, (1.0, 1.0), 1.0)


@dataclass(frozen=True)
class PictureFile:
    """A file and its small picture.

    Attributes:
        row: What is known of the file.
        kept: The small picture and its local features, as a gallery keeps them; empty if it could not be read.
        facts: What decides which of two copies is worth keeping.
        link: The name of a link that leads to the file; empty if none is known.
        source: The picture, where it is in no file.
    """

    row: Row
    kept: tuple[bytes, bytes]
    facts: Facts
    link: str = ""
    source: ImageSource | None = field(default=None, compare=False, repr=False)

    @property
    def image(self) -> ImageSource:
        """Where its pixels are read from."""
        return self.row.path if self.source is None else self.source

    @cached_property
    def picture(self) -> Picture:
        """The small picture and its local features."""
        return unpacked(*self.kept)


class Comparison:
    """Compares files two at a time, in any thread, and holds the pixels of the last ones."""

    def __init__(self) -> None:
        self._read = lru_cache(_HELD)(read_detail)

    def __call__(self, first: PictureFile, second: PictureFile) -> Evidence | None:
        """What the second file's picture is to the first's. Where a file cannot be read, nothing is sure."""
        if first.row.sha256 is not None and first.row.sha256 == second.row.sha256:
            return SAME_BYTES
        try:
            return compare(self.side(first), self.side(second))
        except ImageError:
            return compare(self.side(first, blind=True), self.side(second, blind=True))

    def side(self, file: PictureFile, *, blind: bool = False) -> Side:
        """One side of a comparison; a blind one does not look at the file."""

        def pixels() -> Pixels:
            return self._read(file.row.path) if file.source is None else read_detail(file.source)

        return Side(file.picture, None if blind else pixels, file.row.width or 1, file.row.height or 1)


def read_picture_files(
    store: Store,
    on_changed: Callable[[int], None] | None = None,
    *,
    ids: Sequence[int] | None = None,
    where: Condition = EVERYTHING,
    changed_too: bool = False,
) -> list[PictureFile]:
    """The files of a gallery that are as they were indexed, each once, whatever names lead to it.

    Args:
        store: The gallery's file. A row without a small picture gets one from the file, in memory.
        on_changed: Called with the number of files left out, for they are gone or have changed since.
        ids: Of the rows that are wanted; None is all.
        where: The condition that all must meet.
        changed_too: Take also those that are gone or have changed, as they were.
    """
    with store.reading() as db:
        wanted = "picture, features" if db.has_pictures() else "NULL, NULL"
        query = f"SELECT id, {wanted} FROM images WHERE embedding IS NOT NULL AND {where[0]}"
        found = db.execute(query, where[1]) if ids is None else _by_id(db, f"{query} AND id = ?", where, ids)
        kept = {row: (small, features) for row, small, features in found}
    rows = [row for row in read_rows(store, ids, where) if row.id in kept]
    return [
        PictureFile(row, _known_or_read(row, kept[row.id]), facts, link)
        for row, facts, link in single_files(rows, store.folder, on_changed, changed_too=changed_too)
    ]


def _by_id(
    db: Connection, query: str, where: Condition, ids: Sequence[int]
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    for row in ids:
        yield from db.execute(query, (*where[1], row))


def single_files(
    rows: Iterable[Row],
    folder: Path,
    on_changed: Callable[[int], None] | None = None,
    *,
    changed_too: bool = False,
) -> list[tuple[Row, Facts, str]]:
    """The rows whose files are as they were, one for each file, with its facts and a link that leads to it.

    A link and its target are one file, and so are the hard links of one. A frame of a video is no file, which anyone
    could remove.
    """
    real = os.path.realpath(folder)
    found: dict[tuple[int, int], list[tuple[Row, Facts]]] = {}
    changed = 0
    for row in rows:
        if frame_of(row.name) is not None:
            continue
        identity = _as_indexed(row) or ((-1, row.id) if changed_too else None)
        if identity is None:
            changed += 1
            continue
        found.setdefault(identity, []).append((row, facts_of(row, real)))
    if changed and on_changed:
        on_changed(changed)
    single = []
    for names in found.values():
        names.sort(key=lambda name: (name[1].last, name[0].name))
        row, facts = names[0]
        link = next((other.name for other, more in names[1:] if more.link), "")
        single.append((row, facts, link))
    return sorted(single, key=lambda one: one[0].name)


def facts_of(row: Row, real_folder: str) -> Facts:
    """What decides whether a file is worth keeping.

    Args:
        row: The file.
        real_folder: The folder that its name is relative to, without links.
    """
    whole = os.path.normpath(Path(real_folder) / row.name)
    return Facts(
        row.name,
        row.width or 0,
        row.height or 0,
        row.size,
        row.mtime_ns,
        camera=row.taken is not None,
        link=os.path.normcase(os.path.realpath(row.path)) != os.path.normcase(whole),
        lossless=row.path.suffix.lower() in _LOSSLESS,
    )


def _as_indexed(row: Row) -> tuple[int, int] | None:
    """Which file it is, if it is as it was indexed."""
    try:
        status = row.path.stat()
    except OSError:
        return None
    if status.st_size != row.size or row.mtime_ns not in (status.st_mtime_ns, -1):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else (-1, row.id)


def _known_or_read(row: Row, kept: tuple[bytes | None, bytes | None]) -> tuple[bytes, bytes]:
    small, features = kept
    if small is not None and features is not None:
        return small, features
    try:
        return read_small_picture(row.path)
    except ImageError:
        return b"", b""
