"""Files whose pictures are compared: what a gallery, or a look into a folder, knows of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Final, Literal, TypeAlias

from samekind.copies.compare import Side, compare
from samekind.copies.evidence import Edit, Evidence
from samekind.copies.keep import Facts
from samekind.copies.picture import Picture, unpacked
from samekind.embedding.small_picture import read_detail, read_small_picture
from samekind.errors import ImageError
from samekind.gallery.duplicates.pictures.cut_short import cut_short
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.image_source import source_of
from samekind.gallery.store.rows import Row, read_rows
from samekind.gallery.store.store import Store
from samekind.images import ImageSource, Pixels
from samekind.images.videos import frame_of

_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".qoi"})
# Files whose pixels are held while they are compared, up to 12 MB each.
_HELD = 8
Compared: TypeAlias = Evidence | Literal["unread"] | None
UNREAD: Final = "unread"
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
        """Where its pixels are read from.

        Raises:
            ImageError: It is within another file or behind an address, and cannot be had.
        """
        return source_of(self.row) if self.source is None else self.source

    @cached_property
    def picture(self) -> Picture:
        """The small picture and its local features."""
        return unpacked(*self.kept)


class Comparison:
    """Compares files two at a time, in any thread, and holds the pixels of the last ones."""

    def __init__(self) -> None:
        self._read = lru_cache(_HELD)(_read)

    def __call__(self, first: PictureFile, second: PictureFile) -> Evidence | None:
        """What the second file's picture is to the first's. Where a file cannot be read, nothing is sure."""
        try:
            return self.read_both(first, second)
        except ImageError:
            return compare(self.side(first, blind=True), self.side(second, blind=True))

    def read_both(self, first: PictureFile, second: PictureFile) -> Evidence | None:
        """The same.

        Raises:
            ImageError: A file cannot be read.
        """
        if first.row.sha256 is not None and first.row.sha256 == second.row.sha256:
            return SAME_BYTES
        if (first.source is second.source is None) and (
            cut := cut_short(first.row.path, second.row.path, (first.row.size, second.row.size))
        ):
            return cut
        return compare(self.side(first), self.side(second))

    def side(self, file: PictureFile, *, blind: bool = False) -> Side:
        """One side of a comparison; a blind one does not look at the file."""

        def pixels() -> Pixels:
            return self._read(file.row) if file.source is None else read_detail(file.source)

        return Side(file.picture, None if blind else pixels, file.row.width or 1, file.row.height or 1)


def _read(row: Row) -> Pixels:
    return read_detail(source_of(row))


def compare_there(first: PictureFile, second: PictureFile) -> Compared:
    """What ``Comparison`` finds; ``UNREAD`` in a process that does not see both files as they were indexed."""
    if not (_as_indexed(first.row) and _as_indexed(second.row)):
        return UNREAD
    try:
        return _comparison().read_both(first, second)
    except ImageError:
        return UNREAD


@cache
def _comparison() -> Comparison:
    return Comparison()


def read_picture_files(
    store: Store,
    on_changed: Callable[[int], None] | None = None,
    *,
    ids: Sequence[int] | None = None,
    where: Condition = EVERYTHING,
    changed_too: bool = False,
) -> list[PictureFile]:
    """The files of a gallery that are as they were indexed, each once, whatever names lead to it.

    What is within tar and Parquet files, or behind an address, is looked at when it is compared.

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
        beside = same_bytes_beside(db, where)
    rows = chain((row for row in read_rows(store, ids, where) if row.id in kept), read_rows(store, beside))
    return [
        PictureFile(row, _known_or_read(row, kept[row.id]), facts, link)
        for row, facts, link in single_files(rows, store.folder, on_changed, changed_too=changed_too, wanted=kept)
    ]


def same_bytes_beside(db: Connection, where: Condition) -> list[int]:
    """The ids of images that do not meet a condition, but have the bytes of one that does: a link to it has them."""
    if where is EVERYTHING:
        return []
    meets = f"images WHERE embedding IS NOT NULL AND {where[0]}"
    query = f"SELECT id FROM images WHERE sha256 IN (SELECT sha256 FROM {meets}) EXCEPT SELECT id FROM {meets}"
    return [row for (row,) in db.execute(query, (*where[1], *where[1]))]


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
    wanted: Container[int] | None = None,
) -> list[tuple[Row, Facts, str]]:
    """The rows whose files are as they were, one for each file, with its facts and a link that leads to it.

    A link and its target are one file, and so are the hard links of one. A frame of a video is no file, which anyone
    could remove.

    Args:
        rows: The rows.
        folder: The folder that their names are relative to.
        on_changed: As ``read_picture_files`` takes it.
        changed_too: As ``read_picture_files`` takes it.
        wanted: The ids of those that count; of others only links do, for what they lead to. None is all.
    """
    real = os.path.realpath(folder)
    found: dict[tuple[int, int], list[tuple[Row, Facts]]] = {}
    changed = 0
    for row in rows:
        if frame_of(row.name) is not None:
            continue
        identity = _as_indexed(row) or ((-1, row.id) if changed_too else None)
        counts = wanted is None or row.id in wanted
        if identity is None:
            changed += counts
            continue
        facts = facts_of(row, real)
        if counts or facts.link:
            found.setdefault(identity, []).append((row, facts))
    if changed and on_changed:
        on_changed(changed)
    single = []
    for names in found.values():
        names.sort(key=lambda name: (name[1].last, name[0].name))
        first = next((name for name in names if wanted is None or name[0].id in wanted), None)
        if first is not None:
            link = next((other.name for other, more in names if more.link and other is not first[0]), "")
            single.append((*first, link))
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
    if not row.is_file:
        return -1, row.id
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
