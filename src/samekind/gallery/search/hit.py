"""An image that a search found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from samekind.gallery.store.rows import Row, Stored, row_of


@dataclass(frozen=True)
class Hit:
    """An image of the gallery that is like the query.

    Attributes:
        path: The file, ready to open.
        similarity: The cosine of the embeddings, in [-1, 1].
        probability: The calibrated P(same kind), in [0, 1], for a world where both answers are equally common; None
            where nobody has calibrated the model.
    """

    path: Path
    similarity: float
    probability: float | None
    _stored: Stored = field(repr=False)

    @property
    def words(self) -> str:
        """How alike it is: ``p=0.98, similarity 0.45``; without the probability where there is none."""
        known = "" if self.probability is None else f"p={self.probability:.2f}, "
        return f"{known}similarity {self.similarity:.2f}"

    @cached_property
    def row(self) -> Row:
        """What the gallery knew of the image at the moment of the search."""
        return row_of(self.path, self._stored)
