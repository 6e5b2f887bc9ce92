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
        probability: The calibrated P(same kind), in [0, 1], for a world where both answers are equally common.
    """

    path: Path
    similarity: float
    probability: float
    _stored: Stored = field(repr=False)

    @cached_property
    def row(self) -> Row:
        """What the gallery knew of the image at the moment of the search."""
        return row_of(self.path, self._stored)
