"""Making the FAISS index of a gallery from its rows, whole or not at all."""

from __future__ import annotations

import json
import secrets
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from itertools import product
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace, read_space
from samekind.gallery.index.index_file import read_facts, write_index
from samekind.gallery.index.row_file import write_row_file
from samekind.gallery.index.tuning import tune
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import generation, read_fact, set_fact
from samekind.gallery.store.rows import all_stored
from samekind.gallery.store.store import Store
from samekind.gallery.store.vectors import CHUNK
from samekind.inference.similarity import Embeddings

EXACT = "Flat"
# Above this many vectors a search of all of them takes longer than a person notices.
_ADVISE_ABOVE = 500_000
_TRAINED_ON = 256 * 1024


def advised_index(count: int) -> str:
    """The index that suits so many vectors, as a FAISS factory string.

    Example:
        >>> advised_index(13_394), advised_index(1_000_000)
        ('Flat', 'IVF4000,Flat')
    """
    return EXACT if count <= _ADVISE_ABOVE else f"IVF{int(4 * count**0.5)},Flat"


def refuse_unknown_index(factory: str, dimension: int) -> None:
    """Make sure that FAISS knows a kind of index, before there is much to put into it.

    Args:
        factory: A FAISS factory string.
        dimension: D of the embeddings.

    Raises:
        GalleryError: It does not.
    """
    _new_index(factory, dimension)


def build_index(store: Store, db: Connection, factory: str | None = None) -> None:
    """Make the index anew from the rows.

    Args:
        store: The gallery's file.
        db: The connection from ``store.writing``.
        factory: A FAISS factory string; None keeps the kind that there is, exact at first.

    Raises:
        GalleryError: FAISS knows no such index, there are too few vectors to train it, or its file cannot be written.
    """
    factory = factory or str(read_facts(read_fact(db, "index")).get("factory", EXACT))
    now = generation(db)
    row = db.execute("SELECT length(embedding), count(*) FROM images WHERE embedding IS NOT NULL").fetchone()
    if not row[1]:
        return
    dimension, count = row[0] // 2, row[1]
    space = read_space(db)
    index = _new_index(factory, dimension)
    try:
        if not index.is_trained:
            index.train(_sample(space, db, count, _TRAINED_ON))
        for ids, vectors in space.read(db):
            index.add_with_ids(vectors, ids)
        recall = None if factory == EXACT else tune(index, space, db, _sample(space, db, count, 256))
    except RuntimeError as error:
        raise GalleryError(
            f"{store.path}: FAISS cannot make the index {factory!r} of {count:,} vectors: most often it needs more of "
            "them to be trained. The images are indexed all the same; Flat suits any number"
        ) from error
    file = _new_file(store, now, "faiss")
    with _told_of(store, "its index"):
        write_index(index, file)
    facts = {"file": file.name, "generation": now, "factory": factory, "recall": recall, "space": space.name}
    with transaction(db):
        set_fact(db, "index", json.dumps({**facts, "rows": None}))
        db.execute("DELETE FROM dropped")
    _remove_others(store, {file.name})
    if factory != EXACT:  # which takes so long that the rows do not count
        build_rows(store, db)


def build_rows(store: Store, db: Connection) -> None:
    """Make the file of rows anew; the index stays. ``db`` is the writer's.

    Raises:
        GalleryError: It cannot be written.
    """
    facts = read_facts(read_fact(db, "index"))
    rows = _new_file(store, facts["generation"], "rows")
    with _told_of(store, "the file of rows beside its index"):
        write_row_file(rows, all_stored(db))
    with transaction(db):
        set_fact(db, "index", json.dumps({**facts, "rows": rows.name}))
        db.execute("DELETE FROM touched")
    _remove_others(store, {facts["file"], rows.name})


def _new_file(store: Store, now: int, suffix: str) -> Path:
    # A name of its own: a gallery that is put in the place of another never finds the other's index.
    assert store.files is not None
    return store.folder / f"{store.files.name}.{now}-{secrets.token_hex(4)}.{suffix}"


@contextmanager
def _told_of(store: Store, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GalleryError(
            f"{store.path}: {what} cannot be written ({error.strerror or error}). The images are indexed all the "
            "same, and searches are right; the next samekind index makes it"
        ) from error


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


def _sample(space: EmbeddingSpace, db: Connection, count: int, most: int) -> Embeddings:
    """Rows evenly spread over the ``count`` of the gallery, at most so many."""
    step = -(-count // min(count, most))
    return np.concatenate(
        [vectors[-(first * CHUNK) % step :: step] for first, (_, vectors) in enumerate(space.read(db))]
    )


def _remove_others(store: Store, kept: Container[str | None]) -> None:
    """Remove the earlier files, and the hidden files that a writer left half-written when it was killed."""
    assert store.files is not None
    for start, suffix in product(("", "."), ("faiss", "rows")):
        for old in store.folder.glob(f"{start}{escape(store.files.name)}.*.{suffix}"):
            if old.name in kept:
                continue
            with suppress(OSError):  # Windows keeps a file that a reader has mapped; the next build removes it
                old.unlink()
