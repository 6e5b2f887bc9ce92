"""What a model's similarities mean on other images: new links and thresholds, the network left as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import pair_probability, trio_probability
from samekind.card import Card, PairCalibration, TrioCalibration
from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import content_hashes
from samekind.errors import DatasetError, ImageError
from samekind.evaluation.cross_fit import CrossFitted, cross_fit_pair, cross_fit_trio
from samekind.evaluation.protocol import refuse_seen
from samekind.evaluation.verification import expected_calibration_error, rates_at
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.similarity import Embeddings


@dataclass(frozen=True)
class Rates:
    """Error rates at a threshold: FAR and TAR, as ``card.OperatingPoint`` has them."""

    far: float
    tar: float


@dataclass(frozen=True)
class Quality:
    """How right a link and its thresholds are on images that they were not fitted on.

    Attributes:
        points: The rates at each operating point.
        accuracy: At ``balanced``, both answers weighing alike.
        calibration_error: ECE of the probability, both answers weighing alike.
    """

    points: dict[str, Rates]
    accuracy: float
    calibration_error: float


@dataclass(frozen=True)
class Comparison:
    """The old and the new link, measured on the same items.

    Attributes:
        positives: Number of items whose answer is yes.
        negatives: Number of items whose answer is no.
        old: None if the model could not judge such items.
        new: Each item was judged by a link that was fitted on the half of the images that it is not from.
    """

    positives: int
    negatives: int
    old: Quality | None
    new: Quality


@dataclass(frozen=True)
class Recalibration:
    """What ``recalibrate`` found.

    Attributes:
        card: The model's, with new links, and without the metrics that were measured at the old thresholds.
        hashes: SHA-256 of each image that had a part in it.
        unreadable: Messages about files that were left out.
        pairs: Old and new on pairs.
        trios: Old and new on trios; None with fewer than three classes.
    """

    card: Card
    hashes: tuple[str, ...]
    unreadable: tuple[str, ...]
    pairs: Comparison
    trios: Comparison | None


def recalibrate(
    model: Recognizer, images: LabelledImages, name: str, data: str, *, on_progress: Progress | None = None
) -> Recalibration:
    """Fit a model's links and operating points anew, on labelled images that it was not trained on.

    The rates that the new card gives are cross-fitted (``cross_fit``).

    Args:
        model: Its network stays as it is.
        images: Unreadable ones are named in the result and left out.
        name: Of the new model.
        data: What the card calls the images.
        on_progress: Called with ("images", number embedded, number of images).

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
            "pair": pair.link,
            "trio": trio.link if trio else None,
            "metrics": {},
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


def _compare(
    old: PairCalibration | TrioCalibration | None, fitted: CrossFitted[PairCalibration] | CrossFitted[TrioCalibration]
) -> Comparison:
    same, measured_on = fitted.same, fitted.link.measured_on
    new = {name: Rates(point.far, point.tar) for name, point in fitted.link.operating_points.items()}
    return Comparison(
        measured_on.positives,
        measured_on.negatives,
        None if old is None else _quality(_old_points(old, fitted), _probability(old, fitted.similarities), same),
        _quality(new, fitted.probability, same),
    )


def _old_points(
    link: PairCalibration | TrioCalibration, fitted: CrossFitted[PairCalibration] | CrossFitted[TrioCalibration]
) -> dict[str, Rates]:
    scores = fitted.similarities if isinstance(link, PairCalibration) else _probability(link, fitted.similarities)
    return {
        name: Rates(*rates_at(scores, fitted.same, point.threshold)) for name, point in link.operating_points.items()
    }


def _probability(link: PairCalibration | TrioCalibration, similarities: NDArray[np.floating]) -> NDArray[np.float64]:
    return (
        pair_probability(link, similarities)
        if isinstance(link, PairCalibration)
        else trio_probability(link, similarities)
    )


def _quality(points: Mapping[str, Rates], probability: NDArray[np.float64], same: NDArray[np.bool_]) -> Quality:
    alike = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    balanced = points["balanced"]
    return Quality(
        dict(points),
        accuracy=(balanced.tar + 1 - balanced.far) / 2,
        calibration_error=expected_calibration_error(probability, same, alike),
    )
