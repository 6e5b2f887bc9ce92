"""From an embedding to the images that are like it.

All that a search uses, link, index and rows, is of one moment: it gives an image as the last commit left it, or not at
all. What is costly is done when something has changed (``_State``), or when somebody asks (``Hit.image``).
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import pair_probability
from samekind.card import PairCalibration
from samekind.errors import GalleryError
from samekind.gallery.embeddings import similarities
from samekind.gallery.model import nothing_yet, parse_card
from samekind.gallery.rows import Row, Stored, row_of, stored_rows
from samekind.gallery.snapshot import Snapshot, take_snapshot
from samekind.gallery.store import About, Store, one_moment, read_about
from samekind.similarity import Embeddings


@dataclass(frozen=True)
class Hit:
    """An image of the gallery that is like the query.

    Attributes:
        path: The file, ready to open.
        similarity: Cosine of the embeddings, in [-1, 1].
        probability: Calibrated P(same kind), in [0, 1], for a world where both answers are equally common.
    """

    path: Path
    similarity: float
    probability: float
    _stored: Stored = field(repr=False)

    @cached_property
    def image(self) -> Row:
        """What the gallery knew of it at the moment of the search."""
        return row_of(self.path, self._stored)


@dataclass(frozen=True)
class _State:
    """What searches have in common as long as nothing is written.

    Attributes:
        about: By it a change is noticed.
        link: Of the gallery's model; None before the first sync.
        snapshot: The embeddings.
    """

    about: About
    link: PairCalibration | None
    snapshot: Snapshot


class Searcher:
    """Searches a gallery. Safe to use from several threads, and while another process writes.

    Args:
        store: The gallery's file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder
        self._state: _State | None = None
        self._guard = threading.Lock()

    def forget(self) -> None:
        """Let go of the index and the embeddings."""
        self._state = None

    def snapshot(self) -> Snapshot:
        """The embeddings as they are now."""
        with self._store.reading() as db, one_moment(db):
            return self._now(db).snapshot

    def search(self, embedding: Embeddings, k: int, min_probability: float | None) -> list[Hit]:
        """The images that are most like an embedding, float32 (D,): the most alike first, of equals the older.

        Raises:
            GalleryError: Nothing was synced yet, or ``k`` is less than one.
        """
        if k < 1:
            raise GalleryError(f"a search finds at least one image; got k = {k}")
        query = np.ascontiguousarray(embedding, np.float32)
        with self._store.reading() as db:
            # As if nothing had been written since the last search; SQLite says with the rows whether that is so.
            state = self._state
            found = None if state is None else _find(db, state, query, k)
            if state is None or found is None or not found.sure:
                with one_moment(db):
                    state = self._now(db)
                    found = _find(db, state, query, k)
        if state.link is None:
            raise nothing_yet(self._store)
        probabilities = pair_probability(state.link, found.similarities).tolist()
        # Of equals the one that came first into the gallery: a row begins with its id.
        judged = sorted(zip((-found.similarities).tolist(), found.rows, probabilities, strict=True))
        return [
            Hit(self._folder / row[1], -turned, probability, row)
            for turned, row, probability in judged
            if min_probability is None or probability >= min_probability
        ]

    def _now(self, db: sqlite3.Connection) -> _State:
        about = read_about(db)
        with self._guard:  # one thread reads what is new; the others wait for it
            state = self._state
            if state is None or about != state.about:
                link = None if about[0] is None else parse_card(about[0]).pair
                last = None if state is None else state.snapshot
                self._state = state = _State(about, link, take_snapshot(self._store, db, last))
            return state


class _Found(NamedTuple):
    """What a search found, in no order, and whether that is sure to be right: the gallery was in that state."""

    rows: list[Stored]
    similarities: NDArray[np.float32]
    sure: bool


def _find(db: sqlite3.Connection, state: _State, query: Embeddings, k: int) -> _Found:
    nearest, places = state.snapshot.search(query[None], k)
    ids: list[int] = places[0].tolist()
    if ids[-1] < 0:  # there are fewer than k
        ids = [image for image in ids if image >= 0]
    rows = stored_rows(db, ids, state.about)
    if state.snapshot.exact and [row[0] for row in rows] == ids:
        return _Found(rows, np.minimum(np.maximum(nearest[0, : len(ids)], -1), 1), bool(ids))
    # An index that compresses rounds, so what it says is not told.
    return _Found(rows, similarities(query, [row[-1] for row in rows]), bool(ids) and len(rows) == len(ids))
