"""An image that a search found."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NoReturn

from samekind.gallery.store.rows import ReadRows, Row, Rows, row_of


class Hit:
    """An image of the gallery that is like the query. It does not change, and equals another with the same values.

    Attributes:
        similarity: The cosine of the embeddings, in [-1, 1].
        probability: The calibrated P(same kind), in [0, 1], for a world where both answers are equally common; None
            where nobody has calibrated the model.
    """

    similarity: float
    probability: float | None
    _folder: Path
    _rows: Rows
    _place: int

    # A search makes many, so what takes longer than to note where it is waits until somebody asks.
    def __init__(self, similarity: float, probability: float | None, folder: Path, rows: Rows, place: int) -> None:
        own = self.__dict__
        own["similarity"], own["probability"] = similarity, probability
        own["_folder"], own["_rows"], own["_place"] = folder, rows, place

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a hit does not change; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a hit does not change; {name} cannot be deleted")

    def __repr__(self) -> str:
        return f"Hit(path={self.path!r}, similarity={self.similarity!r}, probability={self.probability!r})"

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Hit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[object, ...]:
        own = ReadRows([self._rows.stored(self._place)])
        return Hit, (self.similarity, self.probability, self._folder, own, 0)

    @cached_property
    def path(self) -> Path:
        """The file, ready to open."""
        return self._folder / self._rows.name(self._place)

    @property
    def words(self) -> str:
        """How alike it is: ``p=0.98, similarity 0.45``; without the probability where there is none."""
        known = "" if self.probability is None else f"p={self.probability:.2f}, "
        return f"{known}similarity {self.similarity:.2f}"

    @cached_property
    def row(self) -> Row:
        """What the gallery knew of the image at the moment of the search."""
        return row_of(self.path, self._rows.stored(self._place))

    def _values(self) -> tuple[object, ...]:
        return self.path, self.similarity, self.probability, self._rows.stored(self._place)
