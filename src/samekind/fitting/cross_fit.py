"""Error rates of thresholds on images that the thresholds were not fitted on, without setting any aside.

A threshold chosen as the best for some images looks better on them than it is. So the rates come from two further fits:
one on each half of the images, measured on the other half. The thresholds themselves come from all images; fitted on
twice as many they are, if anything, better than the rates say. (Pairs are made of ``calibrations.MOST_IMAGES`` at most:
beyond that this advantage shrinks, and from twice that number on there is none.) Both halves have the same classes, so
the rates are those of new images of these classes, not of new classes (ADR 6).

Stone, "Cross-validatory choice and assessment of statistical predictions", 1974.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError
from samekind.evaluation.metrics.verification import verdict_rates
from samekind.fitting.calibrations import (
    MOST_IMAGES,
    fit_pair_calibration,
    fit_trio_calibration,
    pair_items,
    trio_items,
)
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import (
    MIN_ERRORS,
    OperatingPoint,
    PairCalibration,
    TrioCalibration,
    pair_probability,
    trio_probability,
)

Labels = NDArray[np.int64]
_Calibration = TypeVar("_Calibration", PairCalibration, TrioCalibration)
_Items = tuple[NDArray[np.floating], NDArray[np.bool_]]
# From the embeddings of some images, without their labels, to what is done to those of any images.
Preparation = Callable[[Embeddings], Callable[[Embeddings], Embeddings]]

FEWEST_ITEMS = 10  # of each answer, in each half
# A class of fewer different images would have no genuine pair in a half.
_DIVISIBLE = 4


@dataclass(frozen=True)
class CrossFitted(Generic[_Calibration]):
    """A calibration fitted to all images, and how calibrations like it did on images that they were not fitted on.

    Attributes:
        calibration: The calibration, with the rates of the halves at its operating points. A point that a half could
            not have is left out.
        similarities: (N,) of pairs or (N, 3) of trios, all within a half.
        same: bool (N,), their answers.
        probability: float64 (N,), by the calibration of the other half.
    """

    calibration: _Calibration
    similarities: NDArray[np.floating]
    same: NDArray[np.bool_]
    probability: NDArray[np.float64]


def fit_calibrations(
    embeddings: Embeddings, labels: Labels, identities: Sequence[str], description: str
) -> tuple[PairCalibration, TrioCalibration | None]:
    """Both calibrations, with cross-fitted rates where there are enough images to be halved.

    Where there are not, the rates are those of the images that the calibration was fitted on, and the card says so.

    Args:
        embeddings: As ``cross_fit_pair``.
        labels: As ``cross_fit_pair``.
        identities: As ``cross_fit_pair``.
        description: As ``cross_fit_pair``.

    Returns:
        The calibration for pairs, and that for trios; None with fewer than three classes.

    Raises:
        DatasetError: As ``fit_pair_calibration``.
    """
    pair: PairCalibration
    trio: TrioCalibration | None
    try:
        pair = cross_fit_pair(embeddings, labels, identities, description).calibration
    except DatasetError:
        pair = fit_pair_calibration(embeddings, labels, description)
    try:
        trio = cross_fit_trio(embeddings, labels, identities, description).calibration
    except DatasetError:
        trio = fit_trio_calibration(embeddings, labels, description)
    return pair, trio


def as_they_are(_images: Embeddings) -> Callable[[Embeddings], Embeddings]:
    """The preparation that does nothing."""
    return lambda embeddings: embeddings


def cross_fit_pair(
    embeddings: Embeddings,
    labels: Labels,
    identities: Sequence[str],
    description: str,
    prepare: Preparation = as_they_are,
) -> CrossFitted[PairCalibration]:
    """The calibration for pairs; its ``measured_on`` counts the images whose pairs are behind the rates.

    Args:
        embeddings: float32 (N, D), unit rows, of images the network was not trained on.
        labels: int64 (N,).
        identities: A name for each image; those that are equal, such as files with the same bytes, stay in one half.
        description: Where they come from, for the card.
        prepare: What else is fitted, such as an adaptation: to the same half as a calibration, and applied to both
            halves. For the calibration of all images it is fitted to all of them.

    Raises:
        DatasetError: As ``fit_pair_calibration``, or a half has fewer than ``FEWEST_ITEMS`` pairs of an answer.

    Example:
        >>> embeddings = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
        >>> fitted = cross_fit_pair(embeddings, np.arange(40) % 2, [str(i) for i in range(40)], "an example")
        >>> fitted.calibration.operating_points["balanced"].far, fitted.calibration.measured_on.cross_fitted
        (0.0, True)
    """
    calibration = fit_pair_calibration(prepare(embeddings)(embeddings), labels, description)
    fit = partial(fit_pair_calibration, description=description, min_errors=MIN_ERRORS / 2)
    in_second = halves(labels, identities)
    fitted = _cross_fit(
        calibration, fit, pair_items, pair_probability, prepare, embeddings=embeddings, labels=labels,
        in_second=in_second,
    )  # fmt: skip
    images = sum(min(int(half.sum()), MOST_IMAGES) for half in (~in_second, in_second))
    measured_on = fitted.calibration.measured_on.model_copy(update={"images": images})
    return replace(fitted, calibration=fitted.calibration.model_copy(update={"measured_on": measured_on}))


def cross_fit_trio(
    embeddings: Embeddings,
    labels: Labels,
    identities: Sequence[str],
    description: str,
    prepare: Preparation = as_they_are,
) -> CrossFitted[TrioCalibration]:
    """The calibration for trios. Arguments and errors as ``cross_fit_pair``; each half needs three classes."""
    calibration = fit_trio_calibration(prepare(embeddings)(embeddings), labels, description)
    if calibration is None:
        raise DatasetError("trios need at least three classes")
    fit = partial(_fit_trio_of_half, description=description)
    in_second = halves(labels, identities)
    return _cross_fit(
        calibration, fit, trio_items, trio_probability, prepare, embeddings=embeddings, labels=labels,
        in_second=in_second,
    )  # fmt: skip


def halves(labels: Labels, identities: Sequence[str]) -> NDArray[np.bool_]:
    """Divide images into two halves of each class; equal identities, and classes of few images, stay together.

    Args:
        labels: int64 (N,).
        identities: A name for each image.

    Returns:
        bool (N,): which half each image is in. It depends on labels and identities alone, not on their order.

    Example:
        >>> int(halves(np.array([0, 0, 0, 0, 0, 0]), ["a", "b", "c", "d", "e", "e"]).sum())
        3
    """
    rng = np.random.default_rng(0)
    names = np.asarray(identities, np.str_)
    side: dict[str, int] = {}
    total = [0, 0]
    for label in np.unique(labels):
        groups = Counter(names[labels == label].tolist())
        here = [sum(count for name, count in groups.items() if side.get(name) == half) for half in (0, 1)]
        new = [str(name) for name in rng.permutation(sorted(set(groups) - set(side)))]
        smaller = min((0, 1), key=lambda half: total[half])
        for name in new:
            if len(groups) >= _DIVISIBLE:
                smaller = min((0, 1), key=lambda half: (here[half], total[half]))
            side[name] = smaller
            here[smaller] += groups[name]
            total[smaller] += groups[name]
    return np.array([side[name] == 1 for name in names.tolist()], np.bool_)


def _cross_fit(
    calibration: _Calibration,
    fit: Callable[[Embeddings, Labels], _Calibration],
    items: Callable[[Embeddings, Labels], _Items],
    to_probability: Callable[[_Calibration, NDArray[np.floating]], NDArray[np.float64]],
    prepare: Preparation,
    *,
    embeddings: Embeddings,
    labels: Labels,
    in_second: NDArray[np.bool_],
) -> CrossFitted[_Calibration]:
    here, fitted_to = (~in_second, in_second), (in_second, ~in_second)
    prepared = [prepare(embeddings[half]) for half in fitted_to]
    measured = [_of_half(items, do(embeddings[half]), labels[half]) for do, half in zip(prepared, here, strict=True)]
    others = [
        fit(do(embeddings[half]), _renumbered(labels[half])) for do, half in zip(prepared, fitted_to, strict=True)
    ]
    probabilities = [to_probability(other, part[0]) for other, part in zip(others, measured, strict=True)]
    same = np.concatenate([part[1] for part in measured])
    points = {}
    for name, point in calibration.operating_points.items():
        if all(name in other.operating_points for other in others):
            accepted = np.concatenate([
                # A pair's threshold is a similarity, a trio's a probability.
                (part[0] if part[0].ndim == 1 else probability) >= other.operating_points[name].threshold
                for other, part, probability in zip(others, measured, probabilities, strict=True)
            ])  # fmt: skip
            far, tar = verdict_rates(accepted, same)
            points[name] = OperatingPoint(threshold=point.threshold, far=far, tar=tar)
    measured_on = calibration.measured_on.model_copy(
        update={"positives": int(same.sum()), "negatives": int((~same).sum()), "cross_fitted": True}
    )
    return CrossFitted(
        calibration.model_copy(update={"operating_points": points, "measured_on": measured_on}),
        np.concatenate([part[0] for part in measured]),
        same,
        np.concatenate(probabilities),
    )


def _of_half(items: Callable[[Embeddings, Labels], _Items], embeddings: Embeddings, labels: Labels) -> _Items:
    similarities, same = items(embeddings, _renumbered(labels))
    if min(same.sum(), (~same).sum()) < FEWEST_ITEMS:
        raise DatasetError(
            f"too few images to measure error rates: half of them make {same.sum():,} items whose answer is yes and "
            f"{(~same).sum():,} whose answer is no; {FEWEST_ITEMS} of each are needed"
        )
    return similarities, same


def _renumbered(labels: Labels) -> Labels:
    """The classes of a half, 0 to C - 1: a class of few images is in one half only."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _fit_trio_of_half(embeddings: Embeddings, labels: Labels, description: str) -> TrioCalibration:
    calibration = fit_trio_calibration(embeddings, labels, description, min_errors=MIN_ERRORS / 2)
    if calibration is None:
        raise DatasetError("too few images to measure error rates of trios: half of them have fewer than three classes")
    return calibration
