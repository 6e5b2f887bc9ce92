"""The embeddings of a gallery at one moment, ready to be searched.

A search does not need the index to be up to date. It covers the rows up to one generation of the gallery; rows that
came later are compared one by one, and those that were changed or removed are left out. So a search is right at any
moment, also while another process writes, and also without the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.gallery.embeddings.embedding_space import EmbeddingSpace
from samekind.gallery.index.index_file import IndexFile, read_facts
from samekind.gallery.index.row_file import RowFile
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.facts import read_about
from samekind.gallery.store.store import Store
from samekind.gallery.store.vectors import Ids
from samekind.inference.similarity import Embeddings


@dataclass(frozen=True)
class Snapshot:
    """What a search looks at: the gallery's embeddings as they were at one generation.

    Attributes:
        generation: The gallery's generation, as text; None before the first embedding.
        facts: The gallery's text about its index; None if there was never any.
        space: The name of the space of the embeddings.
        base: The index; None also if its file is gone or damaged.
        rows: The file of rows beside it; None where there is none, or as with ``base``.
        dropped: The ids whose entry in the index is out of date, int64.
        ids: The rows that the index has not, int64 (M,).
        vectors: The embeddings of these rows, float32 (M, D).
    """

    generation: str | None
    facts: str | None
    space: str
    base: IndexFile | None
    rows: RowFile | None
    dropped: Ids
    ids: Ids
    vectors: Embeddings

    def __len__(self) -> int:
        return (len(self.base) if self.base else 0) - len(self.dropped) + len(self.ids)

    @cached_property
    def dimension(self) -> int | None:
        """D of the embeddings; None if there are none."""
        if self.base:
            return self.base.dimension
        return self.vectors.shape[1] if len(self.ids) else None

    @property
    def complete(self) -> bool:
        """Whether a search finds all that there is; an approximate index looks at a part."""
        return self.base is None or self.base.complete

    @property
    def exact(self) -> bool:
        """Whether the similarities are those of the embeddings; an index that compresses rounds them."""
        return self.base is None or self.base.exact

    @cached_property
    def in_files(self) -> tuple[IndexFile, RowFile] | None:
        """Index and rows, if these are all that there is, and a place in one is the same place in the other."""
        if self.base is None or self.rows is None or len(self.dropped) or len(self.ids):
            return None
        return (self.base, self.rows) if np.array_equal(self.base.ids, self.rows.ids) else None

    def nearest(self, queries: Embeddings, k: int, among: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        """The k most alike of each query.

        Args:
            queries: float32 (Q, D), unit rows.
            k: The number of them.
            among: The ids to look among, rising; None is all. An approximate index may find fewer than there are.

        Returns:
            Similarities, falling, float32 (Q, k), and ids, int64 (Q, k). Where there are fewer the id is -1.
        """
        if self.base and among is None and not len(self.dropped) and not len(self.ids):
            return self.base.neighbours(queries, k, self.dropped)
        found = []
        if self.base:
            found.append(self.base.neighbours(queries, k, self.dropped, among))
        ids, vectors = self.ids, self.vectors
        if among is not None and len(ids):
            wanted = np.isin(ids, among)
            ids, vectors = ids[wanted], vectors[wanted]
        if len(ids):
            similarity, places = faiss.knn(queries, vectors, min(k, len(ids)), metric=faiss.METRIC_INNER_PRODUCT)
            found.append((similarity, ids[places]))
        if not found:
            return np.full((len(queries), k), -2, np.float32), np.full((len(queries), k), -1, np.int64)
        similarity, ids = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
        similarity = np.where(ids < 0, np.float32(-2), similarity)
        # Of equals the one that came first into the gallery, whichever part it was found in.
        order = np.lexsort((ids, -similarity), axis=1)[:, :k]
        return np.take_along_axis(similarity, order, 1), np.take_along_axis(ids, order, 1)


def take_snapshot(store: Store, db: Connection, space: EmbeddingSpace, last: Snapshot | None = None) -> Snapshot:
    """The gallery's embeddings as they are now; ``last`` itself if nothing has changed since.

    Args:
        store: The gallery's file.
        db: The connection to read it with, within ``one_moment``.
        space: The space of the gallery at this moment.
        last: An earlier snapshot of the same file; its index is used again if it still is the gallery's.
    """
    _, generation, text, _ = read_about(db)
    if last is not None and (generation, text, space.name) == (last.generation, last.facts, last.space):
        return last
    facts = read_facts(text)
    base = last.base if last is not None and (last.facts, last.space) == (text, space.name) else None
    # An index of embeddings that something else was taken away from says nothing here.
    if base is None and store.files is not None and facts.get("space", "") == space.name:
        base = IndexFile.open(store.folder, facts)
    rows = last.rows if last is not None and last.facts == text else None
    if rows is None and facts.get("rows"):
        rows = RowFile.open(store.folder / facts["rows"])
    dropped = np.empty(0, np.int64)
    if base is not None:
        dropped = np.array([row[0] for row in db.execute("SELECT id FROM dropped ORDER BY id")], np.int64)
        dropped = dropped[np.isin(dropped, base.ids)]  # also what came later and was changed again is named there
    chunks = list(space.read(db, after=facts["generation"] if base is not None else -1))
    ids = np.concatenate([chunk[0] for chunk in chunks]) if chunks else np.empty(0, np.int64)
    vectors = np.concatenate([chunk[1] for chunk in chunks]) if chunks else np.empty((0, 0), np.float32)
    return Snapshot(generation, text, space.name, base, rows, dropped, ids, vectors)
