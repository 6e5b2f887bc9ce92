"""Searching with the index beside the gallery's file: FAISS finds ids, SQLite has their rows."""

from __future__ import annotations

import heapq

import numpy as np

from samekind.gallery.filters.sql import Condition
from samekind.gallery.search.moment import Found, Moment
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.rows import ids_where, stored_rows
from samekind.gallery.store.vectors import Ids
from samekind.inference.similarity import Embeddings

# So many images are compared one by one in about the time in which a person sees no delay.
_FEW = 4096


def find(db: Connection, moment: Moment, bare: Embeddings, k: int, where: Condition | None) -> Found:
    """The k images that are most like an embedding, float32 (D,), among those that meet a condition.

    With a condition it is to be called within ``one_moment``; without, what is found says whether it is sure.
    """
    assert moment.snapshot is not None
    query = moment.place(bare)
    k = min(k, max(1, len(moment.snapshot)))  # FAISS takes room for as many as are asked for
    if where is not None:
        return _find_among(db, moment, query, k, where)
    nearest, places = moment.snapshot.nearest(query, k)
    ids: list[int] = places[0].tolist()
    if ids[-1] < 0:  # there are fewer than k
        ids = [image for image in ids if image >= 0]
    rows = stored_rows(db, ids, moment.about)
    if moment.snapshot.exact and not moment.snapshot.complete and [row[0] for row in rows] == ids:
        # An IVF's are right but for the last digit, and to compute them anew takes as long as the search did.
        return Found(rows, np.minimum(np.maximum(nearest[0, : len(ids)], -1), 1), bool(ids))
    # What an index says of them depends on its kind and on their places; what is told does not.
    similarities = moment.space.similarities(query[0], [row[-1] for row in rows])
    return Found(rows, similarities, bool(ids) and len(rows) == len(ids))


def _find_among(db: Connection, moment: Moment, query: Embeddings, k: int, where: Condition) -> Found:
    """The same among the images that meet a condition, and never fewer than there are."""
    assert moment.snapshot is not None
    among = np.array(ids_where(db, where), np.int64)
    ids: Ids = np.empty(0, np.int64)
    # Few are compared one by one rather than looked for among what an approximate index finds.
    if moment.snapshot.complete or len(among) > _FEW:
        ids = moment.snapshot.nearest(query, k, among)[1][0] if len(among) else among
        ids = ids[ids >= 0]
    if len(ids) < min(k, len(among)):
        ids = _nearest_of(db, moment, query, k, among)
    rows = stored_rows(db, ids.tolist())
    return Found(rows, moment.space.similarities(query[0], [row[-1] for row in rows]), sure=True)


def _nearest_of(db: Connection, moment: Moment, query: Embeddings, k: int, among: Ids) -> Ids:
    """The ids of the k most alike of some images, each of which is compared."""
    best: list[tuple[float, int]] = []
    for start in range(0, len(among), _FEW):
        rows = stored_rows(db, among[start : start + _FEW].tolist())
        similarities = moment.space.similarities(query[0], [row[-1] for row in rows]).tolist()
        scored = [(-similarity, row[0]) for similarity, row in zip(similarities, rows, strict=True)]
        best = heapq.nsmallest(k, best + scored)
    return np.array([image for _, image in best], np.int64)
