"""The card: what a model is, what it was trained on, and how often it is wrong."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

FORMAT_VERSION: Final = 2

Finite = Annotated[float, Field(allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _Part(BaseModel):
    # Later cards of this format may say more. JSON has no word for "not a number" (the interval of a metric that could
    # not be resampled), so it is written as a string.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class OperatingPoint(_Part):
    """A threshold and the error rates measured at it.

    Attributes:
        threshold: The verdict is "same" at or above it; a similarity for pairs, a probability for trios.
        far: False accept rate: the share of items whose answer is no that are judged yes.
        tar: True accept rate: the share of items whose answer is yes that are judged yes.
        far_interval: The 95 % interval of the FAR, where one is known.
        tar_interval: The 95 % interval of the TAR, where one is known.
    """

    threshold: Finite
    far: Rate
    tar: Rate
    far_interval: tuple[Rate, Rate] | None = None
    tar_interval: tuple[Rate, Rate] | None = None


def _has_balanced(points: dict[str, OperatingPoint]) -> dict[str, OperatingPoint]:
    if "balanced" not in points:
        raise ValueError("there must be an operating point named balanced")
    return points


OperatingPoints = Annotated[dict[str, OperatingPoint], AfterValidator(_has_balanced)]


class MeasuredOn(_Part):
    """The items on which a calibration was fitted, and its operating points chosen and measured.

    Attributes:
        description: In words, where the images come from.
        domain: In plain words, what kind of pictures they are, such as "everyday objects (Caltech-101)"; empty where
            nobody has said.
        images: The number of images behind the rates.
        classes: The number of classes.
        positives: The number of items whose answer is yes (genuine pairs) behind the rates.
        negatives: The number of items whose answer is no (impostor pairs) behind the rates.
        cross_fitted: Whether no rate was measured on images that its threshold was fitted on: thresholds fitted on a
            part of the images were measured on the rest, in turn, while the card's own thresholds come from all images.
    """

    description: str
    images: int
    classes: int
    positives: int
    negatives: int
    cross_fitted: bool = False
    domain: str = ""

    @property
    def kind_of_pictures(self) -> str:
        """The pictures in plain words, for a verdict: their kind where it is known, else where they come from."""
        return self.domain or self.description


class _HasPoints(Protocol):
    @property
    def operating_points(self) -> dict[str, OperatingPoint]: ...


class _AtOneHalf:
    @property
    def balanced(self: _HasPoints) -> OperatingPoint:
        """The operating point at a probability of one half, which every model has."""
        return self.operating_points["balanced"]


class PairCalibration(_AtOneHalf, _Part):
    """P(same) = 1 / (1 + exp(-(scale × similarity + bias))): Platt scaling of the cosine (Platt, 1999).

    Fitted with genuine and impostor pairs weighing the same: a probability of 0.5 means "as likely as not" where
    both answers are equally common.
    """

    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    bias: Finite
    operating_points: OperatingPoints
    measured_on: MeasuredOn


class TrioCalibration(_AtOneHalf, _Part):
    """P(at least two alike): a logistic of the three similarities sorted from the highest to the lowest.

    Sorting makes it symmetric; weights that are not negative make it monotone: two pictures coming closer never turn
    a yes into a no.
    """

    weights: tuple[Weight, Weight, Weight]
    bias: Finite
    operating_points: OperatingPoints
    measured_on: MeasuredOn


class BroadCollections(_Part):
    """What similarities mean in collections of many kinds, which have little in common.

    Their kinds are told apart more easily than those of one broad kind, so different pictures come closer to each other
    by less than the spread says.

    Attributes:
        below: A collection is broad if the length of its mean is below this.
        shift: By how much more a similarity must be to mean the same, in units of the spread, for each unit of length
            that the mean is shorter.
        pair: As that of ``DomainCalibration``, with the rates of broad collections.
        trio: Likewise.
    """

    below: Annotated[float, Field(gt=0.0, le=1.0)]
    shift: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    pair: PairCalibration
    trio: TrioCalibration | None


class DomainCalibration(_Part):
    """What similarities mean in a collection of pictures that the model does not know, once it is adapted to it.

    A share of the collection's mean is taken away from its embeddings; similarities then count in units of their
    spread among the collection's own pictures. In these units one calibration serves collections of all kinds. It was
    fitted over several domains (kinds of pictures), and its rates were measured on domains left out of the fit.

    Attributes:
        full_length: The length of the mean from which on all of it is taken away; of a shorter one the same part.
        spread: The spread of a usual collection.
        few: That spread weighs as much as so many pictures of the collection.
        pair: The calibration of two images; scale, bias and thresholds are for similarities in units of the spread.
        trio: The calibration of three images; its weights are for such similarities, its thresholds probabilities.
        domains: The names of the domains, in plain words.
        broad: The same for broad collections; None where none were among those that it was fitted on.
    """

    full_length: Annotated[float, Field(gt=0.0, le=1.0)]
    spread: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    few: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    pair: PairCalibration
    trio: TrioCalibration | None
    domains: tuple[str, ...]
    broad: BroadCollections | None = None


class NarrowKinds(_Part):
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


class Adapted(_Part):
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


class Training(_Part):
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


class Measurement(_Part):
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


class Card(_Part):
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
