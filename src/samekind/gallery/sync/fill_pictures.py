"""Small pictures for rows of an older gallery, which kept none: read from the files, without the network."""

from __future__ import annotations

from itertools import islice

from samekind.embedding.small_picture import read_small_picture
from samekind.errors import ImageError
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.store import Store
from samekind.gallery.sync.changes import under
from samekind.system.read_ahead import read_ahead

_AHEAD, _BATCH = 32, 64
# A file that cannot be read now is not tried at each sync.
_NONE = (b"", b"")


def fill_pictures(store: Store, db: Connection, prefix: str) -> int:
    """Give each row of a folder that lacks it its small picture; how many contents got one.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``. The folder has just been synced.
        prefix: The beginning of its images' paths in the gallery.
    """
    where, parameters = under(prefix)
    lacking = db.execute(
        "SELECT sha256, min(path) FROM images WHERE picture IS NULL AND embedding IS NOT NULL"
        f" AND sha256 IS NOT NULL AND {where} GROUP BY sha256",
        parameters,
    ).fetchall()

    def read(row: tuple[bytes, str]) -> tuple[bytes, bytes, bytes]:
        try:
            return (*read_small_picture(store.folder / row[1]), row[0])
        except ImageError:
            return (*_NONE, row[0])

    filled = read_ahead(read, iter(lacking), ahead=_AHEAD, name="samekind-pictures")
    while batch := list(islice(filled, _BATCH)):
        with transaction(db):
            db.executemany("UPDATE images SET picture = ?, features = ? WHERE sha256 = ?", batch)
    return len(lacking)
