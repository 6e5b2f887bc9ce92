"""What a search goes by, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace
from samekind.gallery.index.snapshot import Snapshot
from samekind.gallery.store.facts import About, parse_card
from samekind.gallery.store.rows import ReadRows, Rows, Stored
from samekind.inference.similarity import Embeddings


@dataclass(frozen=True)
class Moment:
    """What searches have in common as long as nothing is written.

    Attributes:
        identity: The identity of the gallery.
        about: The facts of the gallery, by which a change is noticed.
        commit: The number of the last commit, by which a database notices one; None of a file.
        space: The space in which its embeddings are compared.
        snapshot: The embeddings; None where a database looks for them itself.
        touched: The ids of rows that are not as the file of rows has them; None where there is none, or they are many.
    """

    identity: object
    about: About
    commit: str | None
    space: EmbeddingSpace
    snapshot: Snapshot | None
    touched: frozenset[int] | None

    def place(self, bare: Embeddings) -> Embeddings:
        """A query, float32 (D,), as it is compared here: float32 (1, D).

        Raises:
            GalleryError: It is of another dimension than the gallery's embeddings.
        """
        if self.snapshot is not None:
            dimension = self.snapshot.dimension
        else:
            dimension = parse_card(self.about[0]).dimension if self.about[0] else None
        if dimension not in (None, bare.shape[0]):
            raise GalleryError(f"this gallery's embeddings have {dimension} dimensions, the query's {bare.shape[0]}")
        return self.space.place(bare[None])


class Found(NamedTuple):
    """What a search found, in no order, and whether that is sure to be right: the gallery was in that state.

    Attributes:
        ids: The images.
        rows: What is known of them.
        places: Where each of them is in ``rows``.
        similarities: float32 (N,).
        sure: Whether nothing was committed since the moment.
    """

    ids: list[int]
    rows: Rows
    places: Sequence[int]
    similarities: NDArray[np.float32]
    sure: bool


def found_rows(rows: list[Stored], similarities: NDArray[np.float32], sure: bool) -> Found:
    """What a search found whose rows a statement read."""
    return Found([row[0] for row in rows], ReadRows(rows), range(len(rows)), similarities, sure)
