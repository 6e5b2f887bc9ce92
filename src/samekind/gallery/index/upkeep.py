"""When the index is made anew: the one place that decides how far it may lag behind the rows."""

from __future__ import annotations

from samekind.gallery.index.build import EXACT, advised_index, build_index, build_rows, refuse_unknown_index
from samekind.gallery.index.index_file import Facts, IndexFile, read_facts
from samekind.gallery.index.row_file import MOST_TOUCHED, RowFile
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.facts import read_fact
from samekind.gallery.store.store import Store

# While a sync goes on the index is made anew when it lacks so many rows, and half of all; at its end, 1 %.
_LEAST_DURING_SYNC, _SHARE_DURING_SYNC, _SHARE_AT_ITS_END = 50_000, 0.5, 0.01


def keep_up_during_sync(store: Store, db: Connection) -> None:
    """Make the index anew if searches would become slow before the sync ends. ``db`` is the writer's."""
    if store.files is not None:
        _keep_up(store, db, None, _LEAST_DURING_SYNC, _SHARE_DURING_SYNC)


def keep_up(store: Store, db: Connection, factory: str | None = None) -> None:
    """Make the index anew if it lags behind the rows, is lost, or is not of the kind that is wanted.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``.
        factory: The wanted kind, a FAISS factory string; None is the one that there is.

    Raises:
        GalleryError: As ``build_index``.
    """
    if store.files is not None:
        _keep_up(store, db, factory, 0, _SHARE_AT_ITS_END)
        if _rows_lag(store, db):
            build_rows(store, db)
    else:
        from samekind.gallery.index.hnsw import keep_up_hnsw  # noqa: PLC0415 - it needs the extra "postgres"

        keep_up_hnsw(store, db, factory)


def refuse_index(factory: str, dimension: int, *, in_database: bool) -> None:
    """Make sure that a kind of index can be made, before there is much to put into it.

    Raises:
        GalleryError: It cannot.
    """
    if in_database:
        from samekind.gallery.index.hnsw import refuse_other_index  # noqa: PLC0415 - it needs the extra "postgres"

        refuse_other_index(factory)
    else:
        refuse_unknown_index(factory, dimension)


def advised(store: Store, count: int) -> str:
    """The kind of index that suits so many images."""
    if store.files is not None:
        return advised_index(count)
    from samekind.gallery.index.hnsw import advised_hnsw  # noqa: PLC0415 - it needs the extra "postgres"

    return advised_hnsw(count)


def stale_rows(db: Connection) -> tuple[int, int]:
    """How many embeddings the index lacks or has for nothing, and how many there are."""
    total = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0]
    if db.database == "postgresql":  # which keeps its index up with each row
        return 0, total
    facts = index_facts(db)
    current = facts.get("space", "") == (read_fact(db, "space") or "")
    covered = facts.get("generation", -1) if current else -1
    new = db.execute(
        "SELECT count(*) FROM images WHERE embedding IS NOT NULL AND generation > ?", (covered,)
    ).fetchone()[0]
    dropped = db.execute("SELECT count(*) FROM dropped").fetchone()[0] if covered >= 0 else 0
    return new + dropped, total


def index_facts(db: Connection) -> Facts:
    """What is known of the index; empty if there was never any."""
    return read_facts(read_fact(db, "index"))


def _keep_up(store: Store, db: Connection, factory: str | None, least: int, share: float) -> None:
    stale, count = stale_rows(db)
    facts = index_facts(db)
    other = factory is not None and factory != facts.get("factory")
    if count and (other or stale > max(least, share * count) or (facts and not IndexFile.open(store.folder, facts))):
        build_index(store, db, factory)


def _rows_lag(store: Store, db: Connection) -> bool:
    """Whether the file of rows is wanted and lost, or too many have changed since it was made."""
    facts = index_facts(db)
    if facts.get("factory", EXACT) == EXACT:
        return False
    if facts.get("rows") is None or (file := RowFile.open(store.folder / facts["rows"])) is None:
        return True
    touched = db.execute("SELECT count(*) FROM touched").fetchone()[0]
    return bool(touched > min(MOST_TOUCHED, _SHARE_AT_ITS_END * len(file.ids)))
