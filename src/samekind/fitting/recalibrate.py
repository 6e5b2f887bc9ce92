"""What a model's similarities mean on other images: new calibrations and thresholds, the network left as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import DEFAULT_OPERATING_POINT, pair_probability, trio_probability
from samekind.card import Card, PairCalibration, TrioCalibration
from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import content_hashes
from samekind.errors import DatasetError, ImageError
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import as_it_is, balanced_accuracy, verdict_rates
from samekind.evaluation.selection import refuse_seen
from samekind.fitting.cross_fit import CrossFitted, cross_fit_pair, cross_fit_trio
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.similarity import Embeddings

_AnyCalibration = PairCalibration | TrioCalibration
_AnyFitted = CrossFitted[PairCalibration] | CrossFitted[TrioCalibration]


@dataclass(frozen=True)
class Rates:
    """Error rates at a threshold: FAR and TAR, as ``card.OperatingPoint`` has them."""

    far: float
    tar: float


@dataclass(frozen=True)
class CalibrationQuality:
    """How right a calibration and its thresholds are on images that they were not fitted on.

    Attributes:
        points: The rates at each operating point.
        accuracy: The accuracy at ``balanced``, both answers weighing alike.
        calibration_error: The ECE of the probability, both answers weighing alike.
    """

    points: dict[str, Rates]
    accuracy: float
    calibration_error: float


@dataclass(frozen=True)
class OldAndNew:
    """The old and the new calibration, measured on the same items.

    Attributes:
        positives: How many items have the answer yes.
        negatives: How many items have the answer no.
        old: The quality of the old one; None if the model could not judge such items.
        new: The quality of the new one; each item was judged by a calibration that was fitted on the half of the images
            that it is not from.
    """

    positives: int
    negatives: int
    old: CalibrationQuality | None
    new: CalibrationQuality


@dataclass(frozen=True)
class Recalibration:
    """What ``recalibrate`` found.

    Attributes:
        card: The card with new calibrations, and without the metrics that were measured at the old thresholds.
        hashes: SHA-256 of each image that had a part in it.
        unreadable: Messages about files that were left out.
        pairs: Old and new on pairs.
        trios: Old and new on trios; None with fewer than three classes.
    """

    card: Card
    hashes: tuple[str, ...]
    unreadable: tuple[str, ...]
    pairs: OldAndNew
    trios: OldAndNew | None


def recalibrate(
    model: Recognizer, images: LabelledImages, name: str, data: str, *, on_progress: Progress | None = None
) -> Recalibration:
    """Fit a model's calibrations and operating points anew, on labelled images that it was not trained on.

    The rates that the new card gives are cross-fitted (``cross_fit``).

    Args:
        model: The model; its network stays as it is.
        images: Unreadable ones are named in the result and left out.
        name: The name of the new model.
        data: What the card calls the images.
        on_progress: Called with ("images", done, total).

    Raises:
        DatasetError: There are too few images or classes, images that had a part in the model's training or
            calibration, or the network cannot tell these classes apart at all.
    """
    hashes, unreadable = content_hashes(images.paths)
    images = images.subset(np.flatnonzero([path in hashes for path in images.paths]))
    refuse_seen(model, images, hashes)
    rows = list(model.encoder.stream(images.paths, on_progress=on_progress))
    kept = images.subset(np.flatnonzero([not isinstance(row, ImageError) for row in rows]))
    unreadable += [str(row) for row in rows if isinstance(row, ImageError)]
    kept = kept.only_classes(frozenset(kept.classes[label] for label in np.unique(kept.labels)))
    if len(kept.classes) < 2:
        raise DatasetError(f"{images.root}: at least two classes of readable images are needed")
    embeddings = np.stack([row for row in rows if not isinstance(row, ImageError)])
    identities = [hashes[path] for path in kept.paths]
    pair, trio = _cross_fitted(embeddings, kept, identities, _description(model.card, kept, data))
    card = model.card.model_copy(
        update={
            "name": name,
            "pair": pair.calibration,
            "trio": trio.calibration if trio else None,
            "metrics": (),
            "created": dt.datetime.now(dt.UTC).date().isoformat(),
            "samekind_version": version("samekind"),
        }
    )
    return Recalibration(
        card,
        tuple(identities),
        tuple(unreadable),
        _compare(model.card.pair, pair),
        _compare(model.card.trio, trio) if trio else None,
    )


def _description(card: Card, images: LabelledImages, data: str) -> str:
    seen = len(set(images.classes) & set(card.training.classes))
    known = f"{seen} of their {len(images.classes)} classes were" if seen else "none of their classes was"
    return f"{len(images)} images of {data}, on which {card.name} was calibrated anew; {known} trained on"


def _cross_fitted(
    embeddings: Embeddings, images: LabelledImages, identities: list[str], description: str
) -> tuple[CrossFitted[PairCalibration], CrossFitted[TrioCalibration] | None]:
    try:
        pair = cross_fit_pair(embeddings, images.labels, identities, description)
        if len(images.classes) < 3:
            return pair, None
        return pair, cross_fit_trio(embeddings, images.labels, identities, description)
    except DatasetError as error:
        raise DatasetError(f"{images.root}: {error}") from None


def _compare(old: _AnyCalibration | None, fitted: _AnyFitted) -> OldAndNew:
    measured_on = fitted.calibration.measured_on
    new = {name: Rates(point.far, point.tar) for name, point in fitted.calibration.operating_points.items()}
    return OldAndNew(
        measured_on.positives,
        measured_on.negatives,
        None if old is None else _of_old(old, fitted),
        _quality(new, fitted.probability, fitted.same),
    )


def _of_old(old: _AnyCalibration, fitted: _AnyFitted) -> CalibrationQuality:
    if isinstance(old, PairCalibration):
        probability, scores = pair_probability(old, fitted.similarities), fitted.similarities
    else:
        probability = scores = trio_probability(old, fitted.similarities)
    points = {
        name: Rates(*verdict_rates(scores >= point.threshold, fitted.same))
        for name, point in old.operating_points.items()
    }
    return _quality(points, probability, fitted.same)


def _quality(
    points: Mapping[str, Rates], probability: NDArray[np.float64], same: NDArray[np.bool_]
) -> CalibrationQuality:
    balanced = points[DEFAULT_OPERATING_POINT]
    return CalibrationQuality(
        dict(points),
        accuracy=balanced_accuracy(balanced.far, balanced.tar),
        calibration_error=Scores.of(probability, same).reliability(as_it_is).ece,
    )
