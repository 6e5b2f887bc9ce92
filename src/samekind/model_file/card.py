"""The card: what a model is, what it was trained on, and how often it is wrong."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from samekind.errors import NotCalibratedError, OperatingPointError
from samekind.model_file.calibration import CardPart, DomainCalibration, Finite, PairCalibration, Rate, TrioCalibration

FORMAT_VERSION: Final = 2


class NarrowKinds(CardPart):
    """Kinds of pictures on which a bare model's rates are known not to hold, and how to tell that two are of one.

    Attributes:
        names: The names of the kinds, in plain words; the last is that of everyday pictures, on which they do hold.
        kinds: The place in ``names`` of the kind of each prototype.
        prototypes: int8 (K, D), as base64: the directions of typical embeddings, scaled so that the largest value of
            each is 127.
        margin: An image is of a kind if it is nearer to its nearest prototype than to the nearest everyday one, in
            cosines, by more than this.
    """

    names: tuple[str, ...]
    kinds: tuple[int, ...]
    prototypes: str
    margin: Finite


class Adapted(CardPart):
    """The collection that a model is adapted to: what is kept of it, which are never its pictures.

    Attributes:
        source: In words, what the pictures were.
        pictures: The number of pictures.
        distinct: The number of different pictures among those that were compared.
        length: The length of the mean of their embeddings.
        share: The share of the mean that is taken away.
        spread: How widely the similarities of its pictures spread after that.
        created: Date, ISO 8601.
        network: The fingerprint of the network as it was before.
    """

    source: str
    pictures: Annotated[int, Field(ge=1)]
    distinct: Annotated[int, Field(ge=1)]
    length: Rate
    share: Rate
    spread: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    created: str
    network: str


class Training(CardPart):
    """How the network was made.

    Attributes:
        data: In words, the training data.
        classes: The names of the classes it was trained on.
        images: Number of training images (held-out images not counted).
        digest: SHA-256 over the sorted SHA-256 sums of the training files (``datasets.splits.split_digest``).
        objective: In words, what it was trained towards.
        init: Where the weights started.
        pretraining: In words, what the starting weights had seen.
        recipe: All settings, enough to train it again.
        init_tag: timm's full name of the pretrained weights that it began with; empty where that is not known.
        init_licence: The licence of the weights that it began with; empty where that is not known.
        revision: Which state of its source an encoder from elsewhere is: a commit, or the SHA-256 of its file; empty
            for a network that was trained here.
    """

    data: str
    classes: tuple[str, ...]
    images: int
    digest: str
    objective: str
    init: str
    pretraining: str
    recipe: dict[str, JsonValue]
    init_tag: str = ""
    init_licence: str = ""
    revision: str = ""


class Measurement(CardPart):
    """One number measured on test images, with its 95 % interval.

    Attributes:
        data: The name of the test data.
        split: The part of it that was measured on, such as ``val``; empty where there are no parts.
        group: The classes that were measured on: ``all``, ``seen`` in training, ``unseen``, or ``listed`` items.
        note: In words, what else to know of the group.
        task: ``pairs``, ``trios`` or ``retrieval``.
        metric: The key of the metric, such as ``far@balanced`` (``evaluation.metrics.metric``).
        label: The name of the metric for people.
        value: The number.
        low: The lower end of its interval.
        high: The upper end.
    """

    data: str
    split: str = ""
    group: str
    note: str = ""
    task: str
    metric: str
    label: str = ""
    value: float
    low: float
    high: float


class Card(CardPart):
    """Everything that a model file says of itself, as JSON.

    Attributes:
        format_version: 2; ``card_format_1`` reads the cards of format 1.
        name: The model's name.
        backbone: The feature extractor, by its timm name; of an encoder from elsewhere the name of its file.
        input_size: S; the network takes uint8 (N, S, S, 3).
        resize: How images become square: ``squash`` shows the network all of each, ``crop`` the largest square in the
            middle.
        shown: The share of each side of that which the network is shown, in the middle; 1 shows all.
        dimension: D of the embedding.
        pair: The calibration and operating points for two images; None for an encoder from elsewhere whose
            similarities nobody has calibrated yet, which gives no verdicts.
        trio: The calibration and operating points for three images; None if it was calibrated on fewer than three
            classes, or not at all.
        domains: What similarities mean once the model is adapted to a collection; None if that was never measured.
        adapted: The collection that the model is adapted to; None for a bare model.
        narrow: Kinds of pictures on which the bare model's rates do not hold; None where no such are known.
        training: How the network was made.
        metrics: What was measured on test images.
        licence: The licence of the weights.
        fingerprint: SHA-256 of the network and its input; the same fingerprint means the same embeddings.
        created: Date, ISO 8601.
        samekind_version: The version of the samekind that wrote the file.
    """

    format_version: Literal[2]
    name: str
    backbone: str
    input_size: Annotated[int, Field(ge=16, le=4096)]
    resize: Literal["squash", "crop"]
    shown: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    dimension: Annotated[int, Field(ge=1, le=65536)]
    pair: PairCalibration | None
    trio: TrioCalibration | None
    domains: DomainCalibration | None = None
    adapted: Adapted | None = None
    narrow: NarrowKinds | None = None
    training: Training
    metrics: tuple[Measurement, ...] = ()
    licence: str
    fingerprint: str = ""
    created: str
    samekind_version: str


def pair_calibration_of(card: Card) -> PairCalibration:
    """The calibration for pairs.

    Raises:
        NotCalibratedError: Nobody has calibrated the model; the message says how that is done.
    """
    if card.pair is None:
        raise NotCalibratedError(card.name, adaptable=card.domains is not None)
    return card.pair


def trio_calibration_of(card: Card) -> TrioCalibration:
    """The calibration for trios.

    Raises:
        NotCalibratedError: Nobody has calibrated the model.
        OperatingPointError: It was calibrated for pairs only.
    """
    if card.trio is None:
        pair_calibration_of(card)
        raise OperatingPointError(f"{card.name}: calibrated for pairs only, on fewer than three classes")
    return card.trio
