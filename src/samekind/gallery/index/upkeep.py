"""When the index is made anew: the one place that decides how far it may lag behind the rows."""

from __future__ import annotations

import sqlite3

from samekind.gallery.file.facts import read_fact
from samekind.gallery.file.store import Store
from samekind.gallery.index.build import build_index
from samekind.gallery.index.index_file import Facts, IndexFile, read_facts

# While a sync goes on the index is made anew when it lacks so many rows, and half of all; at its end, 1 %.
_LEAST_DURING_SYNC, _SHARE_DURING_SYNC, _SHARE_AT_ITS_END = 50_000, 0.5, 0.01


def keep_up_during_sync(store: Store, db: sqlite3.Connection) -> None:
    """Make the index anew if searches would become slow before the sync ends. ``db`` is the writer's."""
    _keep_up(store, db, None, _LEAST_DURING_SYNC, _SHARE_DURING_SYNC)


def keep_up(store: Store, db: sqlite3.Connection, factory: str | None = None) -> None:
    """Make the index anew if it lags behind the rows, is lost, or is not of the kind that is wanted.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``.
        factory: The wanted kind, a FAISS factory string; None is the one that there is.

    Raises:
        GalleryError: As ``build_index``.
    """
    _keep_up(store, db, factory, 0, _SHARE_AT_ITS_END)


def stale_rows(db: sqlite3.Connection) -> tuple[int, int]:
    """How many embeddings the index lacks or has for nothing, and how many there are."""
    facts = index_facts(db)
    current = facts.get("space", "") == (read_fact(db, "space") or "")
    covered = facts.get("generation", -1) if current else -1
    new = db.execute(
        "SELECT count(*) FROM images WHERE embedding IS NOT NULL AND generation > ?", (covered,)
    ).fetchone()[0]
    dropped = db.execute("SELECT count(*) FROM dropped").fetchone()[0] if covered >= 0 else 0
    total = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0]
    return new + dropped, total


def index_facts(db: sqlite3.Connection) -> Facts:
    """What is known of the index; empty if there was never any."""
    return read_facts(read_fact(db, "index"))


def _keep_up(store: Store, db: sqlite3.Connection, factory: str | None, least: int, share: float) -> None:
    stale, count = stale_rows(db)
    facts = index_facts(db)
    other = factory is not None and factory != facts.get("factory")
    if count and (other or stale > max(least, share * count) or (facts and not IndexFile.open(store.folder, facts))):
        build_index(store, db, factory)
