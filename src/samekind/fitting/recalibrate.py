"""What a model's similarities mean on other images: new calibrations and thresholds, and an offset where it helps."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import Adaptation, centre
from samekind.datasets.folders import LabelledImages
from samekind.errors import AdaptationError, DatasetError, ImageError
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import as_it_is, balanced_accuracy, verdict_rates
from samekind.evaluation.selection import refuse_seen, without_contradictions
from samekind.fitting.cross_fit import CrossFitted, Preparation, as_they_are, cross_fit_pair, cross_fit_trio
from samekind.fitting.domains import FULL_LENGTH
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import (
    DEFAULT_OPERATING_POINT,
    PairCalibration,
    TrioCalibration,
    pair_probability,
    trio_probability,
)
from samekind.model_file.card import Card
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.system.hashing import content_hashes

_AnyCalibration = PairCalibration | TrioCalibration
_AnyFitted = CrossFitted[PairCalibration] | CrossFitted[TrioCalibration]
_Both = tuple[CrossFitted[PairCalibration], CrossFitted[TrioCalibration] | None]


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
class Start:
    """What new calibrations start from: the network as it is, or adapted to the images, which labels do not enter.

    Both were tried. All numbers are of pairs, and cross-fitted: the adaptation, too, was to the half of the images that
    an item is not from.

    Attributes:
        adapted: Whether it is the adapted network: where the log loss is lower.
        bare_log_loss: The log loss of calibrations of the network as it is.
        adapted_log_loss: The log loss of calibrations of the adapted network.
        bare_eer: The equal error rate of the network as it is.
        adapted_eer: The equal error rate of the adapted network.
    """

    adapted: bool
    bare_log_loss: float
    adapted_log_loss: float
    bare_eer: float
    adapted_eer: float


@dataclass(frozen=True)
class Recalibration:
    """What ``recalibrate`` found.

    Attributes:
        card: The card with new calibrations, and without the metrics that were measured at the old thresholds. Its
            fingerprint is that of the network as it is.
        hashes: SHA-256 of each image that had a part in it.
        unreadable: Messages about files that were left out.
        pairs: Old and new on pairs.
        trios: Old and new on trios; None with fewer than three classes.
        start: What the new ones start from; None where only the network as it is was tried.
        adaptation: The adaptation to all of the images that the new calibrations are for; None for the network as it
            is.
    """

    card: Card
    hashes: tuple[str, ...]
    unreadable: tuple[str, ...]
    pairs: OldAndNew
    trios: OldAndNew | None
    start: Start | None
    adaptation: Adaptation | None


def recalibrate(
    model: Recognizer,
    images: LabelledImages,
    name: str,
    data: str,
    *,
    bare: bool = False,
    on_progress: Progress | None = None,
) -> Recalibration:
    """Fit a model's calibrations and operating points anew, on labelled images that it was not trained on.

    The rates that the new card gives are cross-fitted (``cross_fit``). Where the model can be adapted to the images,
    and calibrations of the adapted model have the lower cross-fitted log loss, the new ones are for the adapted model.

    Args:
        model: The model. One that is adapted already stays as it is.
        images: Unreadable ones are named in the result and left out.
        name: The name of the new model.
        data: What the card calls the images.
        bare: Try the network as it is only.
        on_progress: Called with ("images", done, total).

    Raises:
        DatasetError: There are too few images or classes, images that had a part in the model's training or
            calibration, or the network cannot tell these classes apart at all.
    """
    hashes, unreadable = content_hashes(images.paths)
    images = images.subset(np.flatnonzero([path in hashes for path in images.paths]))
    refuse_seen(model, images, hashes)
    images, doubtful = without_contradictions(images, hashes)
    unreadable += doubtful
    rows = list(model.encoder.stream(images.paths, on_progress=on_progress))
    kept = images.subset(np.flatnonzero([not isinstance(row, ImageError) for row in rows]))
    unreadable += [str(row) for row in rows if isinstance(row, ImageError)]
    kept = kept.only_classes(frozenset(kept.classes[label] for label in np.unique(kept.labels)))
    if len(kept.classes) < 2:
        raise DatasetError(f"{images.root}: at least two classes of readable images are needed")
    embeddings = np.stack([row for row in rows if not isinstance(row, ImageError)])
    identities = [hashes[path] for path in kept.paths]
    fit = partial(_cross_fitted, embeddings, kept, identities, _description(model.card, kept, data))
    old = chosen = fit()
    start = adaptation = None
    if not bare and (adapted := _adapted(fit, embeddings, model.card, data)):
        start = _start(old[0], adapted[1][0])
        if start.adapted:
            adaptation, chosen = adapted
    pair, trio = chosen
    return Recalibration(
        calibrated(model.card, name, pair.calibration, trio.calibration if trio else None, adaptation),
        tuple(identities),
        tuple(unreadable),
        _compare(model.card.pair, old[0], pair),
        _compare(model.card.trio, old[1], trio) if old[1] and trio else None,
        start,
        adaptation,
    )


def calibrated(
    card: Card, name: str, pair: PairCalibration, trio: TrioCalibration | None, adaptation: Adaptation | None
) -> Card:
    """The card of a model that was calibrated anew, as it is or adapted."""
    return card.model_copy(
        update={
            "name": name,
            "pair": pair,
            "trio": trio,
            "adapted": adaptation.about if adaptation else card.adapted,
            # Labels know better what the network's own similarities mean, so no gallery is to adapt it over them.
            "domains": card.domains if adaptation or card.adapted else None,
            "metrics": (),
            "narrow": None,
            "created": dt.datetime.now(dt.UTC).date().isoformat(),
            "samekind_version": version("samekind"),
        }
    )


def _description(card: Card, images: LabelledImages, data: str) -> str:
    seen = len(set(images.classes) & set(card.training.classes))
    known = f"{seen} of their {len(images.classes)} classes were" if seen else "none of their classes was"
    return f"{len(images)} images of {data}, on which {card.name} was calibrated anew; {known} trained on"


def _adapted(
    fit: Callable[[Preparation], _Both], embeddings: Embeddings, card: Card, data: str
) -> tuple[Adaptation, _Both] | None:
    """The model adapted to the images, and its calibrations; None if it is adapted already, or cannot be."""
    if card.adapted is not None:
        return None
    full_length = card.domains.full_length if card.domains else FULL_LENGTH
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that most pictures are copies, once for each half
            fitted = fit(lambda rows: centre(rows, card, data, full_length).apply)
            return centre(embeddings, card, data, full_length), fitted
    except (AdaptationError, DatasetError):  # too few different pictures in a half; the network as it is serves
        return None


def _start(bare: CrossFitted[PairCalibration], adapted: CrossFitted[PairCalibration]) -> Start:
    losses = [Scores.of(each.probability, each.same).reliability(as_it_is).log_loss for each in (bare, adapted)]
    rates = [Scores.of(each.probability, each.same).curve().equal_error_rate().rate for each in (bare, adapted)]
    return Start(losses[1] < losses[0], *losses, *rates)


def _cross_fitted(
    embeddings: Embeddings,
    images: LabelledImages,
    identities: list[str],
    description: str,
    prepare: Preparation = as_they_are,
) -> _Both:
    try:
        pair = cross_fit_pair(embeddings, images.labels, identities, description, prepare)
        if len(images.classes) < 3:
            return pair, None
        return pair, cross_fit_trio(embeddings, images.labels, identities, description, prepare)
    except DatasetError as error:
        raise DatasetError(f"{images.root}: {error}") from None


def _compare(old: _AnyCalibration | None, as_it_was: _AnyFitted, fitted: _AnyFitted) -> OldAndNew:
    """The old calibration on the network as it was, beside the new one on the network that it is for."""
    measured_on = fitted.calibration.measured_on
    new = {name: Rates(point.far, point.tar) for name, point in fitted.calibration.operating_points.items()}
    return OldAndNew(
        measured_on.positives,
        measured_on.negatives,
        None if old is None else _of_old(old, as_it_was),
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
