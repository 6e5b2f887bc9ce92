"""The FAISS index beside a gallery: made from its rows, set to find enough, never the only copy of anything."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from glob import escape
from typing import Any

import faiss
import numpy as np

from samekind.atomic import replacing
from samekind.errors import GalleryError
from samekind.gallery.embeddings import CHUNK, Ids, read_embeddings
from samekind.gallery.index_file import Facts, IndexFile, read_facts
from samekind.gallery.store import Store, generation, set_about, transaction
from samekind.similarity import Embeddings

EXACT = "Flat"
# Above this many vectors a search of all of them takes longer than a person notices.
_ADVISE_ABOVE = 500_000
TARGET_RECALL = 0.96  # on the sample by which the search is set; a little above what is promised
_SAMPLE, _NEIGHBOURS = 256, 10


def advised_index(count: int) -> str:
    """The index that suits so many vectors, as a FAISS factory string.

    Example:
        >>> advised_index(13_394), advised_index(1_000_000)
        ('Flat', 'IVF4000,Flat')
    """
    return EXACT if count <= _ADVISE_ABOVE else f"IVF{int(4 * count**0.5)},Flat"


def stale_share(db: sqlite3.Connection) -> tuple[int, int]:
    """How many embeddings the index lacks or has for nothing, and how many there are."""
    covered = _index_facts(db).get("generation", -1)
    new = db.execute(
        "SELECT count(*) FROM images WHERE embedding IS NOT NULL AND generation > ?", (covered,)
    ).fetchone()[0]
    dropped = db.execute("SELECT count(*) FROM dropped").fetchone()[0] if covered >= 0 else 0
    total = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0]
    return new + dropped, total


def refuse_unknown_index(factory: str, dimension: int) -> None:
    """Make sure that FAISS knows a kind of index, before there is much to put into it.

    Args:
        factory: A FAISS factory string.
        dimension: D of the embeddings.

    Raises:
        GalleryError: It does not.
    """
    _new_index(factory, dimension)


def _new_index(factory: str, dimension: int) -> Any:
    try:
        index: Any = faiss.index_factory(dimension, f"IDMap,{factory}", faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise GalleryError(
            f"FAISS cannot make the index {factory!r} for embeddings of {dimension} dimensions; "
            "it can make Flat, HNSW32 or IVF4096,Flat"
        ) from error
    inner: Any = faiss.downcast_index(index.index)
    clustered: list[Any] = [inner, getattr(inner, "pq", None)]
    for trained in clustered:
        if hasattr(trained, "cp"):
            # Else FAISS prints that so few vectors train it badly; what that costs is measured.
            trained.cp.min_points_per_centroid = 1
    return index


def build_index(store: Store, db: sqlite3.Connection, factory: str | None = None) -> None:
    """Make the index anew from the rows, whole or not at all.

    Args:
        store: The gallery's file.
        db: From ``store.writing``.
        factory: A FAISS factory string; None keeps the kind that there is, exact at first.

    Raises:
        GalleryError: FAISS knows no such index, or there are too few vectors to train it.
    """
    facts = _index_facts(db)
    factory = factory or str(facts.get("factory", EXACT))
    now = generation(db)
    row = db.execute("SELECT length(embedding), count(*) FROM images WHERE embedding IS NOT NULL").fetchone()
    if not row[1]:
        return
    dimension, count = row[0] // 2, row[1]
    index = _new_index(factory, dimension)
    try:
        if not index.is_trained:
            index.train(_sample(db, min(count, 256 * 1024)))
        for ids, vectors in read_embeddings(db):
            index.add_with_ids(vectors, ids)
        recall = None if factory == EXACT else _set_search(index, db)
    except RuntimeError as error:
        raise GalleryError(
            f"{store.path}: FAISS cannot make the index {factory!r} of {count:,} vectors: most often it needs more of "
            "them to be trained. The images are indexed all the same; Flat suits any number"
        ) from error
    name = f"{store.file.name}.{now}.faiss"
    with replacing(store.folder / name) as temporary:
        faiss.write_index(index, str(temporary))
    facts = {"file": name, "generation": now, "factory": factory, "recall": recall}
    with transaction(db):
        set_about(db, "index", json.dumps(facts))
        db.execute("DELETE FROM dropped")
    # The hidden ones were left half-written by a writer that was killed.
    for start in ("", "."):
        for old in store.folder.glob(f"{start}{escape(store.file.name)}.*.faiss"):
            if old.name == name:
                continue
            with suppress(OSError):  # Windows keeps a file that a reader has mapped; the next build removes it
                old.unlink()


def index_facts(store: Store) -> Facts:
    """What is known of the index; empty if there was never any."""
    with store.reading() as db:
        return _index_facts(db)


def index_is_lost(store: Store) -> bool:
    """Whether the file of the index is gone or damaged."""
    facts = index_facts(store)
    return bool(facts) and IndexFile.open(store.folder, facts) is None


def _index_facts(db: sqlite3.Connection) -> Facts:
    row = db.execute("SELECT value FROM about WHERE key = 'index'").fetchone()
    return read_facts(row[0] if row else None)


def _sample(db: sqlite3.Connection, most: int) -> Embeddings:
    """Evenly spread over the gallery, at most so many rows."""
    count = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0]
    step = -(-count // most)
    return np.concatenate(
        [vectors[-(first * CHUNK) % step :: step] for first, (_, vectors) in enumerate(read_embeddings(db))]
    )


def _set_search(index: Any, db: sqlite3.Connection) -> float:
    """Set how far an approximate index looks: the least with which a sample finds 96 % of its ten nearest others.

    Returns:
        The share of them that it finds. An index that compresses may miss the 96 % however far it looks.
    """
    inner: Any = faiss.downcast_index(index.index)
    name, largest = ("nprobe", inner.nlist) if hasattr(inner, "nprobe") else ("efSearch", 4096)
    can_be_set = name == "nprobe" or hasattr(inner, "hnsw")
    queries = _sample(db, _SAMPLE)
    # One more, for each finds itself.
    truth = _exact_neighbours(db, queries, _NEIGHBOURS + 1)[:, 1:]
    value = 1
    while True:
        if can_be_set:
            faiss.ParameterSpace().set_index_parameter(inner, name, value)
        found = index.search(queries, _NEIGHBOURS + 1)[1]
        recall = np.mean([np.isin(right, row).mean() for right, row in zip(truth, found, strict=True)])
        if recall >= TARGET_RECALL or value >= largest or not can_be_set:
            return float(recall)
        value = min(2 * value, largest)


def _exact_neighbours(db: sqlite3.Connection, queries: Embeddings, k: int) -> Ids:
    heap = faiss.ResultHeap(len(queries), k, keep_max=True)
    for ids, vectors in read_embeddings(db):
        similarity, places = faiss.knn(queries, vectors, min(k, len(ids)), metric=faiss.METRIC_INNER_PRODUCT)
        heap.add_result(similarity, ids[places])
    heap.finalize()
    return heap.I
