"""A model for a collection of pictures: what is taken away from its embeddings, and what similarities then mean."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.collection import MOST_COMPARED, Collection, less
from samekind.adaptation.graph import fold
from samekind.errors import AdaptationError
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import DomainCalibration, PairCalibration, TrioCalibration
from samekind.model_file.card import Adapted, Card
from samekind.model_file.file import ModelFile, fingerprint
from samekind.model_file.onnx_envelope import OnnxEnvelope


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What a model knows of a collection, without labels.

    Attributes:
        offset: float32 (D,), the share of the collection's mean that is taken away from each embedding.
        pair: What similarities then mean; None where nobody has calibrated the model.
        trio: What the similarities of three then mean; None if the model cannot judge trios.
        about: The collection, for the card.
    """

    offset: NDArray[np.float32]
    pair: PairCalibration | None
    trio: TrioCalibration | None
    about: Adapted

    def apply(self, embeddings: Embeddings) -> Embeddings:
        """Bare embeddings, float32 (N, D), to adapted ones of the same shape; both have unit rows."""
        return less(embeddings, self.offset)

    def card_of(self, bare: Card) -> Card:
        """The card of the adapted model; its fingerprint is still that of the bare one."""
        return bare.model_copy(
            update={
                "pair": self.pair, "trio": self.trio, "adapted": self.about, "narrow": None, "metrics": (),
                "created": self.about.created,
            }
        )  # fmt: skip


def adapt(embeddings: Embeddings, card: Card, source: str) -> Adaptation:
    """Adapt a model to a collection of pictures, of which nothing is known but how they look to the model.

    Args:
        embeddings: float32 (N, D), unit rows, by the bare model; 20 serve, 200 are better.
        card: The bare model's card.
        source: What the pictures are, for the card.

    Raises:
        AdaptationError: There are fewer than ten different pictures; these are not this model's embeddings; or the
            model was never measured on collections that it does not know.

    Example:
        >>> from samekind.model_file.file import read_model
        >>> card = read_model("general").card
        >>> rows = np.linalg.qr(np.random.default_rng(0).normal(size=(512, 20)))[0].T.astype(np.float32)
        >>> adapt(rows, card, "twenty pictures").about.pictures
        20
    """
    domains = refuse_unmeasured(card)
    collection, offset, share = _centred(embeddings, card, domains.full_length)
    spread = known_spread(collection, offset, domains.spread, domains.few)
    about = _about(card, source, collection, share, spread)
    length = collection.length
    return Adaptation(offset, pair_for(domains, spread, length), trio_for(domains, spread, length), about)


def refuse_unmeasured(card: Card) -> DomainCalibration:
    """What similarities mean to a model once it is adapted.

    Raises:
        AdaptationError: Nobody has measured that; the message says how it is measured.
    """
    if card.domains is None:
        raise AdaptationError(
            f"{card.name}: cannot be adapted without labels, because nobody has measured what its similarities then "
            "mean; adapt general, or give labels: three or more labelled folders of any kinds of pictures "
            "(samekind adapt --labelled FOLDER), or your own (samekind calibrate)"
        )
    return card.domains


def centre(embeddings: Embeddings, card: Card, source: str, full_length: float) -> Adaptation:
    """The offset alone, for any model: what similarities then mean, labels must tell.

    Args:
        embeddings: As ``adapt``.
        card: As ``adapt``.
        source: As ``adapt``.
        full_length: The length of the mean from which on all of it is taken away; of a shorter one the same part.

    Returns:
        The adaptation, whose calibrations are still those of the bare model.

    Raises:
        AdaptationError: There are fewer than ten different pictures, these are not this model's embeddings, or nothing
            but the mean is in them.
    """
    collection, offset, share = _centred(embeddings, card, full_length)
    spread = collection.spread(offset)
    if spread <= 0:
        raise AdaptationError(f"{source}: each two of these pictures are about as alike to {card.name} as any others")
    return Adaptation(offset, card.pair, card.trio, _about(card, source, collection, share, spread))


def _centred(embeddings: Embeddings, card: Card, full_length: float) -> tuple[Collection, NDArray[np.float32], float]:
    """The collection, what is taken away from its embeddings, and which share of the mean that is."""
    if embeddings.ndim == 2 and embeddings.shape[1] != card.dimension:
        raise AdaptationError(
            f"these embeddings have {embeddings.shape[1]} dimensions, and {card.name}'s have {card.dimension}: they "
            "are another model's"
        )
    collection = Collection.of(embeddings)
    share = min(1.0, collection.length / full_length)
    return collection, np.asarray(share * collection.mean, np.float32), share


def _about(card: Card, source: str, collection: Collection, share: float, spread: float) -> Adapted:
    return Adapted(
        source=source,
        pictures=collection.pictures,
        distinct=len(collection.compared),
        length=collection.length,
        share=share,
        spread=spread,
        created=dt.datetime.now(dt.UTC).date().isoformat(),
        network=card.fingerprint,
    )


def known_spread(collection: Collection, offset: NDArray[np.float32], usual: float, few: float) -> float:
    """The spread of a collection, drawn towards the usual one where its pictures are few."""
    known = min(len(collection.compared), MOST_COMPARED)
    squared = known * collection.spread(offset) ** 2 + few * usual**2
    return float((squared / (known + few)) ** 0.5)


def pair_for(domains: DomainCalibration, spread: float, length: float) -> PairCalibration:
    """The calibration of two images in a collection of some spread, whose mean has some length."""
    pair, _, shift = _known(domains, length)
    points = {
        name: point.model_copy(update={"threshold": min(1.0, (point.threshold + shift) * spread)})
        for name, point in pair.operating_points.items()
    }
    bias = pair.bias - pair.scale * shift
    return pair.model_copy(update={"scale": pair.scale / spread, "bias": bias, "operating_points": points})


def trio_for(domains: DomainCalibration, spread: float, length: float) -> TrioCalibration | None:
    """The calibration of three images in such a collection; its thresholds are probabilities."""
    _, trio, shift = _known(domains, length)
    if trio is None:
        return None
    first, second, third = (weight / spread for weight in trio.weights)
    bias = trio.bias - sum(trio.weights) * shift
    return trio.model_copy(update={"weights": (first, second, third), "bias": bias})


def _known(domains: DomainCalibration, length: float) -> tuple[PairCalibration, TrioCalibration | None, float]:
    """The calibrations for a collection, in units of its spread, and how many of these its similarities count less."""
    broad = domains.broad
    if broad is None or length >= broad.below:
        return domains.pair, domains.trio, 0.0
    return broad.pair, broad.trio, broad.shift * (broad.below - length)


def adapted_model(model: ModelFile, adaptation: Adaptation, name: str | None = None) -> ModelFile:
    """A model file in memory whose network gives adapted embeddings, so that it runs wherever the bare one does.

    Args:
        model: The bare model.
        adaptation: To a collection.
        name: Of the new model; None keeps the bare one's.

    Raises:
        ModelFileError: The network does not end by normalising, as those of samekind do.
    """
    data = fold(model.data, adaptation.offset, model.card.name)
    card = adaptation.card_of(model.card)
    card = card.model_copy(
        update={
            "name": card.name if name is None else name,
            "fingerprint": fingerprint(OnnxEnvelope(data, card.name).network, card),
        }
    )
    return ModelFile(card, data, model.seen_images)
