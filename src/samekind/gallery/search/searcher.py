"""Searching a gallery, fast and right, while others write it.

All that a search uses, calibration, index and rows, is of one moment: it gives an image as the last commit left it, or
not at all. What is costly is done when something has changed (``Moment``), or when somebody asks (``Hit.row``).
"""

from __future__ import annotations

import threading
from numbers import Real

import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace, read_space
from samekind.gallery.embeddings.model import nothing_yet
from samekind.gallery.filters.sql import Condition
from samekind.gallery.index.index_file import read_facts
from samekind.gallery.index.row_file import read_touched
from samekind.gallery.index.snapshot import Snapshot, take_snapshot
from samekind.gallery.search import by_index, by_statement
from samekind.gallery.search.hit import Hit
from samekind.gallery.search.moment import Moment
from samekind.gallery.store.connection import Connection, one_moment
from samekind.gallery.store.facts import read_about, read_fact
from samekind.gallery.store.store import Store
from samekind.inference.similarity import Embeddings


class Searcher:
    """Searches a gallery. Safe to use from several threads, and while another process writes.

    Args:
        store: The gallery's file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._find = by_index.find if store.files is not None else by_statement.find
        self._last: Moment | None = None
        self._guard = threading.Lock()

    def forget(self) -> None:
        """Let go of the index and the embeddings."""
        self._last = None

    def snapshot(self) -> Snapshot:
        """The embeddings as they are now."""
        with self._store.reading() as db, one_moment(db):
            moment = self._now(db)
            return take_snapshot(self._store, db, moment.space) if moment.snapshot is None else moment.snapshot

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
            # As if nothing had been written since the last search; once the rows are read, the database says whether.
            moment = self._last
            found = None
            if moment is not None and moment.identity == db.identity and where is None:
                found = self._find(db, moment, bare, k, None)
            if moment is None or found is None or not found.sure:
                with one_moment(db):
                    moment = self._now(db)
                    found = self._find(db, moment, bare, k, where)
        if moment.space.fingerprint is None:
            raise nothing_yet(self._store)
        probabilities: list[float | None] = [None] * len(found.ids)
        if moment.space.calibration is not None or min_probability is not None:
            probabilities = moment.space.probability(found.similarities).tolist()
        # Of equals the one that came first into the gallery.
        judged = sorted(zip((-found.similarities).tolist(), found.ids, found.places, probabilities, strict=True))[:k]
        folder = self._store.folder
        return [
            Hit(-turned, probability, folder, found.rows, place)
            for turned, _, place, probability in judged
            if min_probability is None or (probability is not None and probability >= min_probability)
        ]

    def _now(self, db: Connection) -> Moment:
        about, commit = read_about(db), read_fact(db, "commit")
        touched = read_touched(db) if read_facts(about[2]).get("rows") else None
        with self._guard:  # one thread reads what is new; the others wait for it
            last = self._last
            now = db.identity, about, commit, touched
            if last is None or now != (last.identity, last.about, last.commit, last.touched):
                space = read_space(db, bare=self._store.bare)
                self._refuse_other_model(space, last)
                # Generations of two files say nothing of each other.
                same = last.snapshot if last is not None and db.identity == last.identity else None
                snapshot = None if self._store.files is None else take_snapshot(self._store, db, space, same)
                self._last = last = Moment(db.identity, about, commit, space, snapshot, touched)
            return last

    def _refuse_other_model(self, space: EmbeddingSpace, last: Moment | None) -> None:
        before = None if last is None else last.space.fingerprint
        if before is not None and before != space.fingerprint:
            raise GalleryError(
                f"{self._store.path}: was replaced by a gallery of another model, which knows nothing of this one's "
                "embeddings; open it again"
            )
