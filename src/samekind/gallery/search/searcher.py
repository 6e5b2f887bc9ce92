"""Searching a gallery, fast and right, while others write it.

All that a search uses, calibration, index and rows, is of one moment: it gives an image as the last commit left it, or
not at all. What is costly is done when something has changed (``_Moment``), or when somebody asks (``Hit.row``).
"""

from __future__ import annotations

import heapq
import sqlite3
import threading
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace, read_space
from samekind.gallery.embeddings.model import nothing_yet
from samekind.gallery.file.facts import About, read_about
from samekind.gallery.file.rows import Stored, ids_where, stored_rows
from samekind.gallery.file.store import Connection, Store, one_moment
from samekind.gallery.file.vectors import Ids
from samekind.gallery.filters.sql import Condition
from samekind.gallery.index.snapshot import Snapshot, take_snapshot
from samekind.gallery.search.hit import Hit
from samekind.inference.similarity import Embeddings

# So many images are compared one by one in about the time in which a person sees no delay.
_FEW = 4096


@dataclass(frozen=True)
class _Moment:
    """What searches have in common as long as nothing is written.

    Attributes:
        file: The identity of the gallery's file.
        about: The facts of the gallery, by which a change is noticed.
        space: The space in which its embeddings are compared.
        snapshot: The embeddings.
    """

    file: tuple[int, int] | None
    about: About
    space: EmbeddingSpace
    snapshot: Snapshot


class Searcher:
    """Searches a gallery. Safe to use from several threads, and while another process writes.

    Args:
        store: The gallery's file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder
        self._last: _Moment | None = None
        self._guard = threading.Lock()

    def forget(self) -> None:
        """Let go of the index and the embeddings."""
        self._last = None

    def snapshot(self) -> Snapshot:
        """The embeddings as they are now."""
        with self._store.reading() as db, one_moment(db):
            return self._now(db).snapshot

    def hits(
        self, embedding: Embeddings, k: int, min_probability: float | None, where: Condition | None = None
    ) -> list[Hit]:
        """The images that are most like an embedding, float32 (D,): the most alike first, of equals the older.

        Args:
            embedding: float32 (D,), unit length.
            k: At most so many.
            min_probability: Leave out what is less probable.
            where: The condition that they must meet; None is none.

        Raises:
            GalleryError: Nothing was synced yet, ``k`` is less than one, the embedding is of another dimension, or the
                file was replaced by a gallery of another model.
        """
        if not isinstance(k, int | np.integer) or k < 1:
            raise GalleryError(f"a search finds at least one image; got k = {k!r}")
        least: object = min_probability  # which a program may have read as text
        if least is not None and not isinstance(least, Real):
            raise GalleryError(f"the least probability is a number from 0 to 1; got {min_probability!r}")
        bare = np.ascontiguousarray(embedding, np.float32)
        with self._store.reading() as db:
            # As if nothing had been written since the last search; SQLite says with the rows whether that is so.
            moment = self._last
            found = None
            if moment is not None and moment.file == db.file_identity and where is None:
                found = _find(db, moment, bare, k)
            if moment is None or found is None or not found.sure:
                with one_moment(db):
                    moment = self._now(db)
                    found = _find(db, moment, bare, k) if where is None else _find_among(db, moment, bare, k, where)
        if moment.space.calibration is None:
            raise nothing_yet(self._store)
        probabilities = moment.space.probability(found.similarities).tolist()
        # Of equals the one that came first into the gallery: a row begins with its id.
        judged = sorted(zip((-found.similarities).tolist(), found.rows, probabilities, strict=True))
        return [
            Hit(self._folder / row[1], -turned, probability, row)
            for turned, row, probability in judged
            if min_probability is None or probability >= min_probability
        ]

    def _now(self, db: Connection) -> _Moment:
        about = read_about(db)
        with self._guard:  # one thread reads what is new; the others wait for it
            last = self._last
            if last is None or (about, db.file_identity) != (last.about, last.file):
                space = read_space(db, bare=self._store.bare)
                self._refuse_other_model(space, last)
                # Generations of two files say nothing of each other.
                same_file = last is not None and db.file_identity == last.file
                snapshot = take_snapshot(self._store, db, space, last.snapshot if last and same_file else None)
                self._last = last = _Moment(db.file_identity, about, space, snapshot)
            return last

    def _refuse_other_model(self, space: EmbeddingSpace, last: _Moment | None) -> None:
        before = None if last is None else last.space.fingerprint
        if before is not None and before != space.fingerprint:
            raise GalleryError(
                f"{self._store.path}: was replaced by a gallery of another model, which knows nothing of this one's "
                "embeddings; open it anew"
            )


class _Found(NamedTuple):
    """What a search found, in no order, and whether that is sure to be right: the gallery was in that state."""

    rows: list[Stored]
    similarities: NDArray[np.float32]
    sure: bool


def _placed(moment: _Moment, bare: Embeddings) -> Embeddings:
    dimension = moment.snapshot.dimension
    if dimension not in (None, bare.shape[0]):
        raise GalleryError(f"this gallery's embeddings have {dimension} dimensions, the query's {bare.shape[0]}")
    return moment.space.place(bare[None])


def _find(db: sqlite3.Connection, moment: _Moment, bare: Embeddings, k: int) -> _Found:
    query = _placed(moment, bare)
    nearest, places = moment.snapshot.nearest(query, k)
    ids: list[int] = places[0].tolist()
    if ids[-1] < 0:  # there are fewer than k
        ids = [image for image in ids if image >= 0]
    rows = stored_rows(db, ids, moment.about)
    if moment.snapshot.exact and [row[0] for row in rows] == ids:
        return _Found(rows, np.minimum(np.maximum(nearest[0, : len(ids)], -1), 1), bool(ids))
    # An index that compresses rounds, so what it says is not told.
    similarities = moment.space.similarities(query[0], [row[-1] for row in rows])
    return _Found(rows, similarities, bool(ids) and len(rows) == len(ids))


def _find_among(db: sqlite3.Connection, moment: _Moment, bare: Embeddings, k: int, where: Condition) -> _Found:
    """What ``_find`` finds among the images that meet a condition, and never fewer than there are."""
    query = _placed(moment, bare)
    among = np.array(ids_where(db, where), np.int64)
    ids = np.empty(0, np.int64)
    # Few are compared one by one rather than looked for among what an approximate index finds.
    if moment.snapshot.complete or len(among) > _FEW:
        ids = moment.snapshot.nearest(query, k, among)[1][0] if len(among) else among
        ids = ids[ids >= 0]
    if len(ids) < min(k, len(among)):
        ids = _nearest_of(db, moment, query, k, among)
    rows = stored_rows(db, ids.tolist())
    return _Found(rows, moment.space.similarities(query[0], [row[-1] for row in rows]), sure=True)


def _nearest_of(db: sqlite3.Connection, moment: _Moment, query: Embeddings, k: int, among: Ids) -> Ids:
    """The ids of the k most alike of some images, each of which is compared."""
    best: list[tuple[float, int]] = []
    for start in range(0, len(among), _FEW):
        rows = stored_rows(db, among[start : start + _FEW].tolist())
        similarities = moment.space.similarities(query[0], [row[-1] for row in rows]).tolist()
        scored = [(-similarity, row[0]) for similarity, row in zip(similarities, rows, strict=True)]
        best = heapq.nsmallest(k, best + scored)
    return np.array([image for _, image in best], np.int64)
