"""Calibrations: from similarities to probabilities and thresholds, with measured rates (``fitting`` fits them)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from samekind.errors import OperatingPointError

Floats = NDArray[np.float64]

DEFAULT_OPERATING_POINT = "balanced"
# Those that promise a false accept rate. Each is left out where fewer errors than this would stand behind it.
PROMISED_FAR: Mapping[str, float] = {"strict": 0.01, "very_strict": 0.001}
MIN_ERRORS = 10


Finite = Annotated[float, Field(allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0.0, le=1.0)]
_Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class CardPart(BaseModel):
    """A part of a card, as JSON."""

    # Later cards of this format may say more. JSON has no word for "not a number" (the interval of a metric that could
    # not be resampled), so it is written as a string.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class OperatingPoint(CardPart):
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


class MeasuredOn(CardPart):
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


class PairCalibration(_AtOneHalf, CardPart):
    """P(same) = 1 / (1 + exp(-(scale × similarity + bias))): Platt scaling of the cosine (Platt, 1999).

    Fitted with genuine and impostor pairs weighing the same: a probability of 0.5 means "as likely as not" where
    both answers are equally common.
    """

    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    bias: Finite
    operating_points: OperatingPoints
    measured_on: MeasuredOn


class TrioCalibration(_AtOneHalf, CardPart):
    """P(at least two alike): a logistic of the three similarities sorted from the highest to the lowest.

    Sorting makes it symmetric; weights that are not negative make it monotone: two pictures coming closer never turn
    a yes into a no.
    """

    weights: tuple[_Weight, _Weight, _Weight]
    bias: Finite
    operating_points: OperatingPoints
    measured_on: MeasuredOn


class BroadCollections(CardPart):
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


class DomainCalibration(CardPart):
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


def logistic(score: Floats) -> Floats:
    """1 / (1 + exp(-score)), without overflow.

    Example:
        >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.exp(-np.logaddexp(0.0, -score))


def pair_probability(calibration: PairCalibration, similarity: NDArray[np.floating]) -> Floats:
    """P(same class) for each similarity.

    Args:
        calibration: That of a card for pairs.
        similarity: (N,) or scalar, in [-1, 1].

    Returns:
        float64, the shape of ``similarity``, in [0, 1].
    """
    return logistic(calibration.scale * np.asarray(similarity, np.float64) + calibration.bias)


def trio_probability(calibration: TrioCalibration, similarities: NDArray[np.floating]) -> Floats:
    """P(at least two of three share a class) for each trio.

    Args:
        calibration: That of a card for trios.
        similarities: (N, 3), the similarities of the three pairs of each trio, in any order.

    Returns:
        float64 (N,), in [0, 1]; the same to the bit for every order of the three.
    """
    descending = -np.sort(-np.asarray(similarities, np.float64), axis=1)
    # One product at a time: a matrix product may sum in an order that depends on the batch.
    first, second, third = (descending[:, i] * calibration.weights[i] for i in range(3))
    return logistic(first + second + third + calibration.bias)


def choose_threshold(
    calibration: PairCalibration | TrioCalibration, operating_point: str | None, threshold: float | None
) -> tuple[str | None, float]:
    """The threshold to judge at, by name or as a number; with neither, that of ``balanced``.

    Args:
        calibration: That of a card: its thresholds are similarities for pairs, probabilities for trios.
        operating_point: A name, or None.
        threshold: A number, or None.

    Returns:
        The name (None for a number) and the threshold.

    Raises:
        OperatingPointError: The model has none of that name, both were given, or the number is out of range.
    """
    if threshold is None:
        name = DEFAULT_OPERATING_POINT if operating_point is None else operating_point
        if name not in calibration.operating_points:
            raise OperatingPointError(_why_missing(calibration, name))
        return name, calibration.operating_points[name].threshold
    if operating_point is not None:
        raise OperatingPointError("give an operating point or a threshold, not both")
    scale, lowest = ("similarity", -1.0) if isinstance(calibration, PairCalibration) else ("probability", 0.0)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.integer | np.floating):
        raise OperatingPointError(
            f"the threshold is a number, a {scale} from {lowest:g} to 1, and its name is an operating point; "
            f"got {threshold!r}"
        )
    if not lowest <= threshold <= 1.0:  # NaN is in no range
        raise OperatingPointError(f"the threshold is a {scale}, from {lowest:g} to 1; got {threshold:g}")
    return None, float(threshold)


def _why_missing(calibration: PairCalibration | TrioCalibration, name: str) -> str:
    known = ", ".join(calibration.operating_points)
    message = f"no operating point {name!r}; this model has {known}"
    if name not in PROMISED_FAR:
        close = get_close_matches(str(name), calibration.operating_points, 1)
        return f"{message}. Did you mean {close[0]}?" if close else message
    items = "pairs" if isinstance(calibration, PairCalibration) else "trios"
    needed, had = math.ceil(MIN_ERRORS / PROMISED_FAR[name]), calibration.measured_on.negatives
    why = (
        f"it was calibrated with {had:,} {items} of different kinds, and a rate of {100 * PROMISED_FAR[name]:g} % "
        f"takes at least {needed:,}; `samekind calibrate MODEL IMAGES` with more images gives it"
        if had < needed
        else f"too many {items} of different kinds are as alike as can be to it; calibrate it on other images, with "
        "`samekind calibrate MODEL IMAGES`"
    )
    return f"{message}: {why}"
