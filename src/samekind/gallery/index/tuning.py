"""How far an approximate index looks: as little as finds enough, measured on a sample."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from samekind.gallery.embeddings.embedding_space import EmbeddingSpace
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.vectors import Ids
from samekind.inference.similarity import Embeddings

TARGET_RECALL = 0.96  # on the sample by which the search is set; a little above what is promised
_NEIGHBOURS = 10


def tune(index: Any, space: EmbeddingSpace, db: Connection, queries: Embeddings) -> float:
    """Set how far an index looks: the least with which a sample finds 96 % of its ten nearest others.

    Args:
        index: The index, with all embeddings in it.
        space: The space of the gallery.
        db: The connection to read the gallery with.
        queries: The sample, float32 (Q, D), some of the gallery's embeddings.

    Returns:
        The share of them that it finds. An index that compresses may miss the 96 % however far it looks.
    """
    inner: Any = faiss.downcast_index(index.index)
    name, largest = ("nprobe", inner.nlist) if hasattr(inner, "nprobe") else ("efSearch", 4096)
    can_be_set = name == "nprobe" or hasattr(inner, "hnsw")
    # One more, for each finds itself.
    truth = _exact_neighbours(space, db, queries, _NEIGHBOURS + 1)[:, 1:]
    value = 1
    while True:
        if can_be_set:
            faiss.ParameterSpace().set_index_parameter(inner, name, value)
        found = index.search(queries, _NEIGHBOURS + 1)[1]
        recall = np.mean([np.isin(right, row).mean() for right, row in zip(truth, found, strict=True)])
        if recall >= TARGET_RECALL or value >= largest or not can_be_set:
            return float(recall)
        value = min(2 * value, largest)


def _exact_neighbours(space: EmbeddingSpace, db: Connection, queries: Embeddings, k: int) -> Ids:
    heap = faiss.ResultHeap(len(queries), k, keep_max=True)
    for ids, vectors in space.read(db):
        similarity, places = faiss.knn(queries, vectors, min(k, len(ids)), metric=faiss.METRIC_INNER_PRODUCT)
        heap.add_result(similarity, ids[places])
    heap.finalize()
    return heap.I
