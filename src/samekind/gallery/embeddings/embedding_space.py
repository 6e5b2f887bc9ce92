"""How the images of a gallery are compared: their embeddings as they are to be compared, and what cosines mean.

A gallery's file keeps the bare embeddings of the network. What its images have in common is taken away from them
here, so nothing is embedded again when the gallery grows. Search, index, clusters, duplicates of one class and matches
all take embeddings from here, with the calibration that belongs to them, so they judge alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import Adaptation
from samekind.errors import GalleryError, NotCalibratedError
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.adaptation import read_adaptation
from samekind.gallery.store.connection import Connection, one_moment
from samekind.gallery.store.facts import parse_card, read_about
from samekind.gallery.store.store import Store
from samekind.gallery.store.vectors import Ids, read_embeddings, unit_rows
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT, Floats, PairCalibration, pair_probability


@dataclass(frozen=True, eq=False)
class EmbeddingSpace:
    """Where embeddings are compared, and the calibration of their cosines.

    Attributes:
        calibration: The pair calibration of the gallery's model; None before the first sync, and where nobody has
            calibrated the model.
        fingerprint: The fingerprint of the model; None before the first sync.
        adaptation: The adaptation to the gallery's images; None where bare embeddings are compared.
        name: A short name of the adaptation, by which an index is known to be made for it; empty without.
        model: The name of the model, for messages.
    """

    calibration: PairCalibration | None
    fingerprint: str | None = None
    adaptation: Adaptation | None = None
    name: str = ""
    model: str = ""

    def place(self, bare: Embeddings) -> Embeddings:
        """Embeddings of the network, float32 (N, D), unit rows, as they are compared here, of the same form."""
        return bare if self.adaptation is None else self.adaptation.apply(bare)

    def read(
        self, db: Connection, *, after: int = -1, where: Condition = EVERYTHING
    ) -> Iterator[tuple[Ids, Embeddings]]:
        """The gallery's embeddings as they are compared here, as ``read_embeddings`` gives them.

        Yields:
            int64 (M,) and float32 (M, D), unit rows, in the order of their ids.
        """
        for ids, bare in read_embeddings(db, after=after, where=where):
            yield ids, self.place(bare)

    def similarities(self, query: NDArray[np.float32], stored: list[bytes]) -> NDArray[np.float32]:
        """Cosine of a query with each of some embeddings as the file has them.

        Args:
            query: float32 (D,), unit length, from ``place``.
            stored: The embeddings of the gallery.

        Returns:
            float32 (N,), in [-1, 1]; equal to the bit for equal embeddings, wherever they stand.
        """
        if not stored:
            return np.empty(0, np.float32)
        # Not a matrix product: that may sum in an order that depends on the place.
        cosines = np.einsum("ij,j->i", self.place(unit_rows(stored)), query)
        result: NDArray[np.float32] = np.minimum(np.maximum(cosines, np.float32(-1)), np.float32(1))
        return result

    def probability(self, similarity: NDArray[np.floating]) -> Floats:
        """P(same kind) for each similarity, float64 in [0, 1].

        Raises:
            NotCalibratedError: Nobody has calibrated the model.
        """
        return pair_probability(self._calibrated(), similarity)

    def threshold(self, operating_point: str) -> float:
        """The similarity at an operating point, or else at ``balanced``, which every calibrated model has.

        Raises:
            NotCalibratedError: Nobody has calibrated the model.
        """
        points = self._calibrated().operating_points
        return points.get(operating_point, points[DEFAULT_OPERATING_POINT]).threshold

    def _calibrated(self) -> PairCalibration:
        if self.calibration is None:
            raise NotCalibratedError(self.model)
        return self.calibration


@dataclass(frozen=True)
class Collection:
    """The images of a gallery at one moment, ready to be compared.

    Attributes:
        ids: The N images.
        embeddings: float32 (N, D), unit rows, in ``space``.
        space: The space in which they are compared.
    """

    ids: list[int]
    embeddings: Embeddings
    space: EmbeddingSpace


def refuse_no_similarity(threshold: object) -> None:
    """Make sure that a threshold is a similarity.

    Raises:
        GalleryError: It is text, no number, or not from -1 to 1.
    """
    if threshold is not None and not (isinstance(threshold, Real) and -1 <= float(threshold) <= 1):
        raise GalleryError(f"a threshold is a similarity, from -1 to 1; got {threshold!r}")


def read_space(db: Connection, *, bare: bool = False) -> EmbeddingSpace:
    """The space of a gallery as it is now.

    Args:
        db: The connection.
        bare: Whether the bare model is asked for, without the adaptation to the gallery's images.
    """
    card_text, _, _, name = read_about(db)
    if card_text is None:
        return EmbeddingSpace(None)
    card = parse_card(card_text)
    adaptation = None if bare else read_adaptation(db)
    if adaptation is None or adaptation.about.network != card.fingerprint:
        return EmbeddingSpace(card.pair, card.fingerprint, model=card.name)
    return EmbeddingSpace(adaptation.pair, card.fingerprint, adaptation, name or "", card.name)


def read_collection(store: Store, space: EmbeddingSpace | None = None, where: Condition = EVERYTHING) -> Collection:
    """The images of a gallery that can be compared.

    Args:
        store: The gallery's file.
        space: The space of another gallery of the same model, to compare them with its images; None is the own one.
        where: The condition that they must meet.
    """
    with store.reading() as db, one_moment(db):
        space = read_space(db, bare=store.bare) if space is None else space
        chunks = list(space.read(db, where=where))
    if not chunks:
        return Collection([], np.empty((0, 1), np.float32), space)
    return Collection(
        np.concatenate([ids for ids, _ in chunks]).tolist(), np.concatenate([rows for _, rows in chunks]), space
    )
