"""A pair calibration from pairs that a person answered, where nobody knows the classes.

A list may say in a column ``weight`` how many pairs each stands for (``samekind data label`` writes it): then what is
fitted and measured is that of all pairs, although uncertain ones were asked about more often.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import Adaptation, adapt
from samekind.datasets.folders import LabelledImages
from samekind.datasets.lists import PAIR_COLUMNS
from samekind.datasets.tables import read_rows
from samekind.errors import AdaptationError, DatasetError
from samekind.evaluation.listed_items import FEWEST_ANSWERS, ListedItems, read_pairs
from samekind.evaluation.metrics.scores import Scores, Side
from samekind.evaluation.metrics.verification import as_it_is, balanced_accuracy
from samekind.evaluation.selection import refuse_seen
from samekind.fitting.calibrations import pair_calibration
from samekind.fitting.recalibrate import CalibrationQuality, OldAndNew, Rates, Recalibration, Start, calibrated
from samekind.inference.similarity import Embeddings, paired_similarity
from samekind.model_file.calibration import (
    DEFAULT_OPERATING_POINT,
    MeasuredOn,
    OperatingPoint,
    PairCalibration,
    pair_probability,
)
from samekind.model_file.card import Card
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.system.hashing import content_hashes

_WEIGHT = "weight"


@dataclass(frozen=True)
class _Answered:
    """Answered pairs as a network sees them.

    Attributes:
        similarity: float32 (M,).
        same: bool (M,).
        weight: float64 (M,), how many pairs each stands for.
        measured_on: What the card says of them.
    """

    similarity: NDArray[np.float32]
    same: NDArray[np.bool_]
    weight: NDArray[np.float64]
    measured_on: MeasuredOn

    def part(self, chosen: NDArray[np.bool_]) -> _Answered:
        return _Answered(self.similarity[chosen], self.same[chosen], self.weight[chosen], self.measured_on)

    def fit(self) -> PairCalibration:
        """The calibration, with the one operating point that so few pairs can have."""
        fitted = pair_calibration(self.similarity, self.same, self.measured_on, weight=self.weight)
        balanced = fitted.operating_points[DEFAULT_OPERATING_POINT]
        return fitted.model_copy(update={"operating_points": {DEFAULT_OPERATING_POINT: balanced}})


@dataclass(frozen=True)
class _Fitted:
    """A calibration of all answered pairs, and what calibrations of either half are worth on the other."""

    calibration: PairCalibration
    quality: CalibrationQuality
    log_loss: float
    eer: float


def recalibrate_by_pairs(
    model: Recognizer, pairs: Path, name: str, *, bare: bool = False, on_progress: Progress | None = None
) -> Recalibration:
    """Fit a model's pair calibration anew to answered pairs.

    Three images are judged as before where the network stays as it is; an adapted network judges them as adapted models
    do without labels.

    Args:
        model: The model.
        pairs: A CSV list with the columns first, second, same and, if wanted, weight.
        name: The name of the new model.
        bare: Try the network as it is only.
        on_progress: Called with ("images", done, total).

    Raises:
        DatasetError: The list cannot be read, has fewer than ten pairs of an answer, or names images that had a part in
            the model's training or calibration.
    """
    listed = read_pairs(pairs)
    counts = int(listed.same.sum()), int((~listed.same).sum())
    if min(counts) < FEWEST_ANSWERS:
        raise DatasetError(
            f"{pairs}: {counts[0]} answers are yes and {counts[1]} are no; {FEWEST_ANSWERS} of each are needed"
        )
    images = LabelledImages(pairs, listed.paths, np.zeros(len(listed.paths), np.int64), ("not known",))
    hashes, _ = content_hashes(listed.paths)
    refuse_seen(model, images, hashes)
    embedded = model.embed(list(listed.paths), on_error="skip", on_progress=on_progress)
    rows = np.zeros((len(listed.paths), embedded.embeddings.shape[1]), np.float32)
    rows[embedded.positions] = embedded.embeddings
    readable = np.asarray(np.isin(listed.items, embedded.positions).all(axis=1), np.bool_)
    weight = _weights(pairs, listed)
    fitted = _cross_fitted(_answered(rows, listed, weight, readable, model.card))
    before = fitted
    start = adaptation = None
    if not bare and (adaptation := _adapted(model, embedded.embeddings, pairs)) is not None:
        moved = rows.copy()
        moved[embedded.positions] = adaptation.apply(embedded.embeddings)
        adapted = _cross_fitted(_answered(moved, listed, weight, readable, model.card))
        better = adapted.log_loss < fitted.log_loss
        start = Start(better, fitted.log_loss, adapted.log_loss, fitted.eer, adapted.eer)
        fitted, adaptation = (adapted, adaptation) if better else (fitted, None)
    of_old = _answered(rows, listed, weight, readable, model.card)
    old = None if model.card.pair is None else _quality(of_old, pair_probability(model.card.pair, of_old.similarity), {
        name: of_old.similarity >= point.threshold for name, point in model.card.pair.operating_points.items()
    })  # fmt: skip
    measured_on = before.calibration.measured_on
    trio = adaptation.trio if adaptation else model.card.trio
    card = calibrated(model.card, name, fitted.calibration, trio, adaptation)
    compared = OldAndNew(measured_on.positives, measured_on.negatives, old, fitted.quality)
    unreadable = tuple(str(error) for error in embedded.errors.values())
    return Recalibration(card, tuple(hashes.values()), unreadable, compared, None, start, adaptation)


def calibration_of_answers(
    embeddings: Embeddings, items: NDArray[np.int64], same: NDArray[np.bool_], description: str
) -> PairCalibration:
    """A calibration by answered pairs, whose rates come from either half of them, measured on the other.

    Args:
        embeddings: float32 (N, D), unit rows.
        items: int64 (M, 2), the pairs; of each answer there are ten or more.
        same: bool (M,), the answers.
        description: Of the pairs, for the card.

    Raises:
        DatasetError: Genuine pairs are not more alike than the others.
    """
    similarity = paired_similarity(embeddings[items[:, 0]], embeddings[items[:, 1]])
    about = _measured_on(description, items, same)
    return _cross_fitted(_Answered(similarity, same, np.ones(len(same)), about)).calibration


def _measured_on(description: str, items: NDArray[np.int64], same: NDArray[np.bool_]) -> MeasuredOn:
    return MeasuredOn(
        description=description,
        images=len(np.unique(items)),
        classes=0,
        positives=int(same.sum()),
        negatives=int((~same).sum()),
        cross_fitted=True,
    )


def _answered(
    rows: Embeddings, listed: ListedItems, weight: NDArray[np.float64], chosen: NDArray[np.bool_], card: Card
) -> _Answered:
    items, same = listed.items[chosen], listed.same[chosen]
    similarity = paired_similarity(rows[items[:, 0]], rows[items[:, 1]])
    description = f"{len(items)} pairs of {listed.source.name} that a person answered, by {card.name}"
    about = _measured_on(description, items, same)
    return _Answered(similarity, same, weight[chosen], about)


def _weights(path: Path, listed: ListedItems) -> NDArray[np.float64]:
    """How many pairs each listed one stands for; all alike where the list does not say."""
    columns, rows = read_rows(path, PAIR_COLUMNS)
    if _WEIGHT not in columns or len(rows) != len(listed.items):
        return np.ones(len(listed.items))
    found = []
    for line, row in rows:
        try:
            found.append(float(row[_WEIGHT]))
        except ValueError:
            found.append(-1.0)
        if not 0 < found[-1] < np.inf:
            raise DatasetError(f"{path}: line {line} has the weight {row[_WEIGHT]!r}; write a number above 0")
    return np.array(found)


def _adapted(model: Recognizer, embeddings: Embeddings, pairs: Path) -> Adaptation | None:
    if model.card.adapted is not None:
        return None
    try:
        return adapt(embeddings, model.card, pairs.resolve().parent.name)
    except AdaptationError:  # too few pictures, or a model that was never measured on collections
        return None


def _cross_fitted(answered: _Answered) -> _Fitted:
    """Fit to all pairs; and to either half of them, drawn by lot of each answer, to measure on the other."""
    second = np.zeros(len(answered.same), np.bool_)
    rng = np.random.default_rng(0)
    for answer in (False, True):
        second[rng.permutation(np.flatnonzero(answered.same == answer))[::2]] = True
    probability = np.zeros(len(second))
    accepted = np.zeros(len(second), np.bool_)
    for half in (second, ~second):
        other = answered.part(~half).fit()
        probability[half] = pair_probability(other, answered.similarity[half])
        threshold = other.operating_points[DEFAULT_OPERATING_POINT].threshold
        accepted[half] = answered.similarity[half] >= threshold
    quality = _quality(answered, probability, {DEFAULT_OPERATING_POINT: accepted})
    rates = quality.points[DEFAULT_OPERATING_POINT]
    calibration = answered.fit()
    threshold = calibration.operating_points[DEFAULT_OPERATING_POINT].threshold
    point = OperatingPoint(threshold=threshold, far=rates.far, tar=rates.tar)
    calibration = calibration.model_copy(update={"operating_points": {DEFAULT_OPERATING_POINT: point}})
    scores = _scores(answered, probability)
    log_loss = scores.reliability(as_it_is).log_loss
    return _Fitted(calibration, quality, log_loss, scores.curve().equal_error_rate().rate)


def _quality(
    answered: _Answered, probability: NDArray[np.float64], accepted: dict[str, NDArray[np.bool_]]
) -> CalibrationQuality:
    points = {name: Rates(*_rates(answered, yes)) for name, yes in accepted.items()}
    balanced = points[DEFAULT_OPERATING_POINT]
    return CalibrationQuality(
        points,
        accuracy=balanced_accuracy(balanced.far, balanced.tar),
        calibration_error=_scores(answered, probability).reliability(as_it_is).ece,
    )


def _rates(answered: _Answered, accepted: NDArray[np.bool_]) -> tuple[float, float]:
    far, tar = (
        float(np.average(accepted[answered.same == answer], weights=answered.weight[answered.same == answer]))
        for answer in (False, True)
    )
    return far, tar


def _scores(answered: _Answered, values: NDArray[np.float64]) -> Scores:
    sides = []
    for answer in (True, False):
        own = np.flatnonzero(answered.same == answer)
        own = own[np.argsort(values[own], kind="stable")]
        sides.append(Side(values[own], answered.weight[own]))
    return Scores(*sides)
