"""The columns of the accuracy table, from embeddings."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from accuracy_features import Pool
from numpy.typing import NDArray

from samekind.evaluation.groups import Sample, all_pairs_task, retrieval_metrics, sampled_trios, trios_task
from samekind.evaluation.metrics.metric import Interval, Metric
from samekind.evaluation.metrics.verification import verdict_rates
from samekind.evaluation.resampling.bootstrap import draw
from samekind.evaluation.resampling.intervals import Drawn
from samekind.fitting.calibrations import pair_calibration, pair_items, trio_calibration, trio_items
from samekind.fitting.cross_fit import fit_calibrations
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import (
    MeasuredOn,
    OperatingPoint,
    PairCalibration,
    TrioCalibration,
    trio_probability,
)
from samekind.model_file.file import read_model

Calibrations = tuple[PairCalibration, TrioCalibration | None]
# By task (pairs, trios, retrieval) and metric.
Measured = dict[tuple[str, Metric], Drawn]

RESAMPLES = 500
_TRIOS = 20_000
# A card is needed to measure, of which only the calibrations count.
_TEMPLATE = "imagenette"


@dataclass(frozen=True)
class NewClassScores:
    """The similarities of pairs (N,) and trios (M, 3) of classes that a network was not trained on, and their answers.

    Those of several networks, each without other classes, put together, say what the recipe does on new classes.
    """

    pairs: NDArray[np.floating]
    pairs_same: NDArray[np.bool_]
    trios: NDArray[np.floating]
    trios_same: NDArray[np.bool_]
    images: int
    classes: int

    @classmethod
    def of(cls, embeddings: Embeddings, labels: NDArray[np.int64]) -> NewClassScores:
        """All pairs and a balanced sample of trios of labelled images."""
        numbered = _renumbered(labels)
        return cls(
            *pair_items(embeddings, numbered), *trio_items(embeddings, numbered), len(labels), int(numbered.max()) + 1
        )

    @classmethod
    def together(cls, scores: Sequence[NewClassScores]) -> NewClassScores:
        """All of several."""
        return cls(
            np.concatenate([one.pairs for one in scores]),
            np.concatenate([one.pairs_same for one in scores]),
            np.concatenate([one.trios for one in scores]),
            np.concatenate([one.trios_same for one in scores]),
            sum(one.images for one in scores),
            sum(one.classes for one in scores),
        )

    def calibrations(self, description: str) -> Calibrations:
        """Calibrations fitted to them."""

        def measured(same: NDArray[np.bool_]) -> MeasuredOn:
            yes = int(same.sum())
            return MeasuredOn(
                description=description, images=self.images, classes=self.classes, positives=yes,
                negatives=len(same) - yes,
            )  # fmt: skip

        return (
            pair_calibration(self.pairs, self.pairs_same, measured(self.pairs_same)),
            trio_calibration(self.trios, self.trios_same, measured(self.trios_same)),
        )


def cross_fitted_calibrations(scores: Sequence[NewClassScores], description: str) -> Calibrations:
    """Calibrations fitted to all scores, with the rates of others fitted to all parts but one, measured on that one."""
    pair, trio = NewClassScores.together(scores).calibrations(description)
    assert trio is not None
    rates: dict[tuple[str, str], list[tuple[float, float, int, int]]] = {}
    for number, own in enumerate(scores):
        fitted, fitted_trio = NewClassScores.together(
            [one for other, one in enumerate(scores) if other != number]
        ).calibrations("")
        assert fitted_trio is not None
        judged = (
            ("pair", fitted.operating_points, own.pairs, own.pairs_same),
            ("trio", fitted_trio.operating_points, trio_probability(fitted_trio, own.trios), own.trios_same),
        )
        for kind, points, values, same in judged:
            for name, point in points.items():
                far, tar = verdict_rates(values >= point.threshold, same)
                rates.setdefault((kind, name), []).append((far, tar, int((~same).sum()), int(same.sum())))

    def measured(kind: str, points: Mapping[str, OperatingPoint]) -> dict[str, OperatingPoint]:
        found = {}
        for name, point in points.items():
            if len(rates.get((kind, name), [])) < len(scores):
                continue  # too few items for this point without one of the parts
            far, tar, no, yes = np.array(rates[kind, name]).T
            found[name] = OperatingPoint(
                threshold=point.threshold, far=float(far @ no / no.sum()), tar=float(tar @ yes / yes.sum())
            )
        return found

    def marked(measured_on: MeasuredOn) -> MeasuredOn:
        return measured_on.model_copy(update={"cross_fitted": True})

    return (
        pair.model_copy(
            update={
                "operating_points": measured("pair", pair.operating_points), "measured_on": marked(pair.measured_on)
            }
        ),
        trio.model_copy(
            update={
                "operating_points": measured("trio", trio.operating_points), "measured_on": marked(trio.measured_on)
            }
        ),
    )  # fmt: skip


def calibrations_of(embeddings: Embeddings, pool: Pool, images: NDArray[np.int64]) -> Calibrations:
    """Calibrations fitted on some images of a pool."""
    labels = _renumbered(pool.images.labels[images])
    return fit_calibrations(embeddings[images], labels, [pool.hashes[i] for i in images], "held-out images")


def seen_classes(embeddings: Embeddings, pool: Pool, calibrations: Calibrations) -> Measured:
    """Pairs and trios of classes that were trained on; intervals over images."""
    sample = _sample(embeddings, pool.images.labels, calibrations, whole=False, seed=0)
    trios = trios_task(sample, *sampled_trios(sample.labels, _TRIOS, 0))
    return {("pairs", metric): drawn for metric, drawn in all_pairs_task(sample).metrics.items()} | {
        ("trios", metric): drawn for metric, drawn in trios.metrics.items()
    }


def new_classes(
    embeddings: Embeddings, pool: Pool, classes: frozenset[str], calibrations: Calibrations | None = None
) -> Measured:
    """Pairs of classes that were not trained on; intervals over classes where there are more than five.

    The resamples depend on the classes alone, so that those of two rows can be compared one by one.
    """
    images = pool.of(classes)
    labels = _renumbered(pool.images.labels[images])
    whole = len(classes) > 5
    seed = zlib.crc32(" ".join(sorted(classes)).encode())
    sample = _sample(embeddings[images], labels, calibrations, whole=whole, seed=seed)
    found = {("pairs", metric): drawn for metric, drawn in all_pairs_task(sample).metrics.items()}
    if calibrations:
        trios = trios_task(sample, *sampled_trios(labels, _TRIOS, 0))
        found |= {("trios", metric): drawn for metric, drawn in trios.metrics.items()}
    return found | {("retrieval", metric): _centred(drawn) for metric, drawn in retrieval_metrics(sample).items()}


def mean(parts: Sequence[Measured]) -> Measured:
    """The mean of each metric over several groups of classes, whose resamples are independent."""
    common = set(parts[0]).intersection(*parts[1:])
    return {
        key: Drawn(
            float(np.mean([part[key].value for part in parts])),
            np.mean([part[key].draws for part in parts], axis=0),
            # A mean of shares of different items is no share.
            Interval.BIAS_CORRECTED if key[1].interval is Interval.BIAS_CORRECTED else Interval.PERCENTILE,
        )
        for key in common
    }


def _centred(drawn: Drawn) -> Drawn:
    """Its resamples moved to where the value is.

    Where classes are drawn there are fewer different ones in a resample, and an image is found more easily among them,
    so that recall lies too high. How far resamples spread is what they tell.
    """
    return replace(drawn, draws=drawn.draws - np.nanmean(drawn.draws) + drawn.value)


def _sample(
    embeddings: Embeddings, labels: NDArray[np.int64], calibrations: Calibrations | None, *, whole: bool, seed: int
) -> Sample:
    classes = int(labels.max()) + 1
    card = read_model(_TEMPLATE).card
    if calibrations:  # what needs none is the same with any
        pair, trio = calibrations
        card = card.model_copy(update={"pair": pair, "trio": trio})
    resamples = draw(labels, RESAMPLES, seed, whole=np.full(classes, whole))
    return Sample(card, embeddings, labels, tuple(map(str, range(classes))), resamples, 0)


def _renumbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
