"""Searching with the index beside the gallery's file: FAISS finds ids, SQLite has their rows."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.filters.sql import Condition
from samekind.gallery.index.snapshot import Snapshot
from samekind.gallery.search.moment import Found, Moment, found_rows
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.rows import ReadRows, Rows, ids_where, stored_rows
from samekind.gallery.store.sqlite import SqliteConnection
from samekind.gallery.store.vectors import Ids
from samekind.inference.similarity import Embeddings

# So many images are compared one by one in about the time in which a person sees no delay.
_FEW = 4096
_MORE = 8  # than are asked for: the usual number of equals is none
_LAST_DIGITS = 1e-5  # of similarities that may be equal once they are computed alike


def find(db: Connection, moment: Moment, bare: Embeddings, k: int, where: Condition | None) -> Found:
    """The k images that are most like an embedding, float32 (D,), among those that meet a condition.

    With a condition it is to be called within ``one_moment``; without, what is found says whether it is sure.
    """
    assert moment.snapshot is not None
    query = moment.place(bare)
    k = min(k, max(1, len(moment.snapshot)))  # FAISS takes room for as many as are asked for
    if where is not None:
        return _find_among(db, moment, query, k, where)
    rows: Rows
    at: Sequence[int]
    files = moment.snapshot.in_files
    if files is not None and moment.touched is not None and not moment.touched:
        # The usual case: nothing was written since both were made.
        nearest, places = files[0].places(query, k)
        at = found = asked = _there(places)
        rows = files[1]
    else:
        nearest, ids = _nearest(moment.snapshot, query, k)
        asked = _there(ids)
        found, rows, at = _rows(db, moment, asked)
    if moment.snapshot.exact and not moment.snapshot.complete and found == asked:
        # An IVF's are right but for the last digit, and to compute them anew takes as long as the search did.
        similarities = nearest[0, : len(found)]
        if len(found) and (similarities[0] > 1 or similarities[-1] < -1):  # they fall
            similarities = np.minimum(np.maximum(similarities, -1), 1)
    else:
        # What an index says of them depends on its kind and on their places; what is told does not.
        similarities = moment.space.similarities(query[0], [rows.embedding(place) for place in at])
    # Asked for last: then rows that were read are of the index's moment, too.
    return Found(found, rows, at, similarities, _still(db, moment) and len(found) == len(asked))


def _nearest(
    snapshot: Snapshot, query: Embeddings, k: int, among: Ids | None = None
) -> tuple[NDArray[np.float32], Ids]:
    """The k most alike, and all that are as much alike as the last, up to some thousand: their ids decide."""
    if not snapshot.complete:
        return snapshot.nearest(query, k, among)
    there = max(k, len(snapshot) if among is None else len(among))
    asked = min(k + _MORE, there)
    while True:
        nearest, ids = snapshot.nearest(query, asked, among)
        alike = int((nearest[0] >= nearest[0, k - 1] - _LAST_DIGITS).sum())
        if alike < asked or asked >= min(there, max(k, _FEW)):
            return nearest[:, :alike], ids[:, :alike]
        asked = min(2 * asked, there)


def _there(found: Ids) -> list[int]:
    """What FAISS found for one query; where there are fewer than were asked for it says -1."""
    one: list[int] = found[0].tolist()
    return one if one[-1] >= 0 else [number for number in one if number >= 0]


def _rows(db: Connection, moment: Moment, ids: list[int]) -> tuple[list[int], Rows, Sequence[int]]:
    """What is known of images: the ids of those that are there, their rows, and where each is in these."""
    assert moment.snapshot is not None
    file, touched = moment.snapshot.rows, moment.touched
    places = file.places(ids) if file is not None and touched is not None and touched.isdisjoint(ids) else None
    if file is not None and places is not None:
        return ids, file, places
    read = [row for row in stored_rows(db, ids) if row[-1] is not None]  # of one that became unreadable it is
    return [row[0] for row in read], ReadRows(read), range(len(read))


def _still(db: Connection, moment: Moment) -> bool:
    """Whether nothing was committed since the moment was read; noted in the transaction that read it."""
    assert isinstance(db, SqliteConnection)
    state = db.version, moment.about, moment.touched
    if db.in_transaction:
        db.seen = state
    return db.seen == state


def _find_among(db: Connection, moment: Moment, query: Embeddings, k: int, where: Condition) -> Found:
    """The same among the images that meet a condition, and never fewer than there are."""
    assert moment.snapshot is not None
    among = np.array(ids_where(db, where), np.int64)
    ids: Ids = np.empty(0, np.int64)
    # Few are compared one by one rather than looked for among what an approximate index finds.
    if moment.snapshot.complete or len(among) > _FEW:
        ids = _nearest(moment.snapshot, query, min(k, len(among)), among)[1][0] if len(among) else among
        ids = ids[ids >= 0]
    if len(ids) < min(k, len(among)):
        ids = _nearest_of(db, moment, query, k, among)
    rows = stored_rows(db, ids.tolist())
    return found_rows(rows, moment.space.similarities(query[0], [row[-1] for row in rows]), sure=True)


def _nearest_of(db: Connection, moment: Moment, query: Embeddings, k: int, among: Ids) -> Ids:
    """The ids of the k most alike of some images, each of which is compared."""
    best: list[tuple[float, int]] = []
    for start in range(0, len(among), _FEW):
        rows = stored_rows(db, among[start : start + _FEW].tolist())
        similarities = moment.space.similarities(query[0], [row[-1] for row in rows]).tolist()
        scored = [(-similarity, row[0]) for similarity, row in zip(similarities, rows, strict=True)]
        best = heapq.nsmallest(k, best + scored)
    return np.array([image for _, image in best], np.int64)
