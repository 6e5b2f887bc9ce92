"""The FAISS index beside a gallery: made from its rows, mapped into memory, never the only copy of anything.

A search does not need the index to be up to date. It covers the rows up to one generation of the gallery; rows that
came later are compared one by one, and those that were changed or removed are left out. So a search is right at any
moment, also while another process writes, and also without the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.atomic import replacing
from samekind.errors import GalleryError
from samekind.gallery.store import Store, generation, set_about, transaction
from samekind.similarity import Embeddings

EXACT = "Flat"
# Above this many vectors a search of all of them takes longer than a person notices.
_ADVISE_ABOVE = 500_000
_CHUNK = 16_384
TARGET_RECALL = 0.96  # on the sample by which the search is set; a little above what is promised
_SAMPLE, _NEIGHBOURS = 256, 10

Ids = NDArray[np.int64]


def advised_index(count: int) -> str:
    """The index that suits so many vectors, as a FAISS factory string.

    Example:
        >>> advised_index(13_394), advised_index(1_000_000)
        ('Flat', 'IVF4000,Flat')
    """
    return EXACT if count <= _ADVISE_ABOVE else f"IVF{int(4 * count**0.5)},Flat"


def read_embeddings(
    db: sqlite3.Connection, *, after: int = -1, chunk: int = _CHUNK
) -> Iterator[tuple[Ids, Embeddings]]:
    """The embeddings that are newer than a generation, in the order of their ids, a chunk at a time.

    Yields:
        int64 (M,) and float32 (M, D), unit rows.
    """
    cursor = db.execute(
        "SELECT id, embedding FROM images WHERE embedding IS NOT NULL AND generation > ? ORDER BY id", (after,)
    )
    while rows := cursor.fetchmany(chunk):
        yield np.array([row[0] for row in rows], np.int64), unit_rows([row[1] for row in rows])


def unit_rows(stored: list[bytes]) -> Embeddings:
    """float32 (N, D), unit rows, from embeddings as stored: rounding to float16 moved their length a little."""
    rows = np.frombuffer(b"".join(stored), np.float16).reshape(len(stored), -1).astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return rows


@dataclass(frozen=True)
class Snapshot:
    """What a search looks at: the gallery's embeddings as they were at one generation.

    Attributes:
        generation: Of the gallery.
        base: The index, or None, also if its file is gone or damaged.
        base_generation: The index has the rows up to this one; -1 if there was never any.
        dropped: int64, ids whose entry in the index is out of date.
        ids: int64 (M,), the rows that the index has not.
        vectors: float32 (M, D), their embeddings.
    """

    generation: int
    base: faiss.Index | None
    base_generation: int
    dropped: Ids
    ids: Ids
    vectors: Embeddings

    def __len__(self) -> int:
        return (self.base.ntotal if self.base else 0) - len(self.dropped) + len(self.ids)

    def search(self, queries: Embeddings, k: int) -> tuple[NDArray[np.float32], Ids]:
        """The k most alike of each query.

        Args:
            queries: float32 (Q, D), unit rows.
            k: How many.

        Returns:
            Similarities, falling, float32 (Q, k), and ids, int64 (Q, k). Where there are fewer the id is -1.
        """
        found = []
        if self.base is not None and self.base.ntotal:
            found.append(_search_base(self.base, queries, k, self.dropped))
        if len(self.ids):
            similarity, places = faiss.knn(
                queries, self.vectors, min(k, len(self.ids)), metric=faiss.METRIC_INNER_PRODUCT
            )
            found.append((similarity, self.ids[places]))
        if not found:
            return np.full((len(queries), k), -2, np.float32), np.full((len(queries), k), -1, np.int64)
        similarity, ids = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
        similarity = np.where(ids < 0, np.float32(-2), similarity)
        # Of equals the one that came first into the gallery, whichever part it was found in.
        order = np.lexsort((ids, -similarity), axis=1)[:, :k]
        return np.clip(np.take_along_axis(similarity, order, 1), -2, 1), np.take_along_axis(ids, order, 1)


def take_snapshot(store: Store, last: Snapshot | None) -> Snapshot:
    """The gallery's embeddings as they are now; ``last`` itself if nothing has changed since."""
    with store.reading() as db:
        db.execute("BEGIN")
        try:
            now = generation(db)
            about = _index_facts(db)
            recorded = about.get("generation", -1)
            if last is not None and (now, recorded) == (last.generation, last.base_generation):
                return last
            base = last.base if last is not None and recorded == last.base_generation else None
            if base is None:
                base = _open(store, about)
            covered = recorded if base is not None else -1
            dropped = [row[0] for row in db.execute("SELECT id FROM dropped ORDER BY id")] if base is not None else []
            chunks = list(read_embeddings(db, after=covered))
        finally:
            db.execute("COMMIT")
    ids = np.concatenate([chunk[0] for chunk in chunks]) if chunks else np.empty(0, np.int64)
    vectors = np.concatenate([chunk[1] for chunk in chunks]) if chunks else np.empty((0, 0), np.float32)
    return Snapshot(now, base, recorded, np.array(dropped, np.int64), ids, vectors)


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


def index_facts(store: Store) -> dict[str, Any]:
    """What is known of the index: its ``factory`` string, ``recall``, ``generation`` and ``file``."""
    with store.reading() as db:
        return _index_facts(db)


def index_is_lost(store: Store) -> bool:
    """Whether the file of the index is gone or damaged."""
    facts = index_facts(store)
    return bool(facts) and _open(store, facts) is None


def _index_facts(db: sqlite3.Connection) -> dict[str, Any]:
    row = db.execute("SELECT value FROM about WHERE key = 'index'").fetchone()
    facts: dict[str, Any] = json.loads(row[0]) if row else {}
    return facts


def _open(store: Store, facts: dict[str, Any]) -> faiss.Index | None:
    """The index, mapped into memory; None if there is none or it cannot be read, for it is only a help."""
    path = store.folder / str(facts.get("file"))
    if not path.is_file():
        return None
    # FAISS maps inverted lists by one flag and everything else by another.
    flag = faiss.IO_FLAG_MMAP if "IVF" in facts["factory"] else faiss.IO_FLAG_MMAP_IFC
    try:
        return faiss.read_index(str(path), flag)
    except RuntimeError:
        return None


def _search_base(index: Any, queries: Embeddings, k: int, dropped: Ids) -> tuple[NDArray[np.float32], Ids]:
    similarity: NDArray[np.float32]
    ids: Ids
    if len(dropped) and isinstance(faiss.downcast_index(index.index), faiss.IndexFlat):
        selector = faiss.IDSelectorNot(faiss.IDSelectorBatch(dropped))
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # added to the class from Python
        # pytorch-metric-learning, in the same process, wraps FAISS for torch; that wrapper takes no parameters.
        search = getattr(index, "search_numpy", index.search)
        similarity, ids = search(queries, k, params=parameters)
        return similarity, ids
    # Other kinds take their selector each in a way of its own.
    similarity, ids = index.search(queries, min(k + len(dropped), max(index.ntotal, k)))
    return similarity, np.where(np.isin(ids, dropped), -1, ids) if len(dropped) else ids


def _sample(db: sqlite3.Connection, most: int) -> Embeddings:
    """Evenly spread over the gallery, at most so many rows."""
    count = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()[0]
    step = -(-count // most)
    return np.concatenate(
        [vectors[-(first * _CHUNK) % step :: step] for first, (_, vectors) in enumerate(read_embeddings(db))]
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
