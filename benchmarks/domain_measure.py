"""One collection judged bare, adapted with some of its pictures, and calibrated with a few labelled ones."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from domain_cuts import Cut
from numpy.typing import NDArray

from samekind.adaptation.adaptation import known_spread, pair_for, trio_for
from samekind.adaptation.collection import Collection, less
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import as_it_is
from samekind.fitting.calibrations import fit_pair_calibration, pair_items, trio_items
from samekind.fitting.domains import FEW, FULL_LENGTH, JudgedCollection
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import (
    DomainCalibration,
    PairCalibration,
    TrioCalibration,
    pair_probability,
    trio_probability,
)
from samekind.model_file.card import Card, pair_calibration_of

DRAWS = 3
COUNTS = (20, 50, 200)
_FEW = (20, 50)
ALL = "all"
LABELLED = 5
# More pictures than this are not measured: their pairs would take most of the time, and change nothing.
_MOST = 1_500
_TRIOS = 4_000

Labels = NDArray[np.int64]
Row = dict[str, object]


@dataclass(frozen=True)
class Judge:
    """What judges a collection: never fitted on its domain.

    Attributes:
        everyday: The card of the bare model.
        domains: What similarities mean once adapted; None for a model that cannot be adapted.
    """

    everyday: Card
    domains: DomainCalibration | None


@dataclass(frozen=True, eq=False)
class Halved:
    """A collection in two halves, one of which adapts.

    Attributes:
        domain: What is left out with it.
        name: The name of the collection.
        pictures: How many pictures adapted.
        collection: These pictures.
        offset: float32 (D,), what is taken away.
        spread: Their spread.
        measured: float32 (M, D), the adapted embeddings of the other half.
        labels: int64 (M,).
    """

    domain: str
    name: str
    pictures: int | str
    collection: Collection
    offset: NDArray[np.float32]
    spread: float
    measured: Embeddings
    labels: Labels

    def judged(self, usual: float) -> JudgedCollection:
        """The other half, in units of the spread."""
        spread = known_spread(self.collection, self.offset, usual, FEW)
        return JudgedCollection.of(
            self.domain, self.name, self.measured, self.labels, spread=spread, length=self.collection.length
        )


def in_two(cut: Cut, draw: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pictures that may adapt, in the order of the draw, and those that are measured."""
    rng = np.random.default_rng([zlib.crc32(f"{cut.domain} {cut.name}".encode()), draw])
    order = rng.permutation(cut.images)
    half = len(order) // 2
    return order[:half], order[half:][:_MOST]


def halved(
    cut: Cut, embeddings: Embeddings, labels: Labels, draw: int, *, most: int = _MOST, few: bool = False
) -> Iterator[Halved]:
    """A draw of a collection, adapted with each number of pictures that its half has; with ``few`` with 20 and 50."""
    adapting, measured = in_two(cut, draw)
    measured = measured[:most]
    for count in _FEW if few else (*COUNTS, len(adapting)):
        if count > len(adapting) or (count in COUNTS and count == len(adapting)):
            continue
        collection = Collection.of(embeddings[adapting[:count]])
        share = min(1.0, collection.length / FULL_LENGTH)
        offset = np.asarray(share * collection.mean, np.float32)
        spread = collection.spread(offset)
        pictures = count if count in COUNTS else ALL
        yield Halved(
            cut.domain,
            cut.name,
            pictures,
            collection,
            offset,
            spread,
            less(embeddings[measured], offset),
            labels[measured],
        )


def measure_collection(cut: Cut, embeddings: Embeddings, labels: Labels, judge: Judge) -> Iterator[Row]:
    """Rows of a collection: bare, adapted, and with labels, for each draw."""
    for draw in range(DRAWS):
        adapting, measured = in_two(cut, draw)
        own = labels[measured]
        common = {"domain": cut.domain, "collection": cut.name, "draw": draw, "images": len(cut.images)}
        common["classes"] = len(np.unique(labels[cut.images]))
        yield (
            common
            | {"how": "bare"}
            | figures(embeddings[measured], own, pair_calibration_of(judge.everyday), judge.everyday.trio)
        )
        if judge.domains is None:
            continue
        for half in halved(cut, embeddings, labels, draw):
            spread = known_spread(half.collection, half.offset, judge.domains.spread, judge.domains.few)
            length = half.collection.length
            pair, trio = pair_for(judge.domains, spread, length), trio_for(judge.domains, spread, length)
            found = figures(half.measured, half.labels, pair, trio)
            yield common | {"how": f"adapted with {half.pictures}"} | found
            if half.pictures == ALL:
                labelled = few_of_each(labels[adapting])
                rows = less(embeddings[adapting[labelled]], half.offset)
                numbered = np.unique(labels[adapting[labelled]], return_inverse=True)[1].astype(np.int64)
                fitted = fit_pair_calibration(rows, numbered, "")
                yield (
                    common | {"how": f"{LABELLED} labelled a class"} | figures(half.measured, half.labels, fitted, None)
                )


def few_of_each(labels: Labels) -> NDArray[np.intp]:
    """The first few of each class."""
    return np.concatenate([np.flatnonzero(labels == label)[:LABELLED] for label in np.unique(labels)])


def figures(embeddings: Embeddings, labels: Labels, pair: PairCalibration, trio: TrioCalibration | None) -> Row:
    """What is measured: rates with their promises, EER, ECE and accuracy, both answers weighing the same."""
    numbered = np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)
    similarity, same = pair_items(embeddings, numbered)
    scores = Scores.of(similarity, same)
    curve = scores.curve()
    row: Row = {
        "eer": curve.equal_error_rate().rate,
        "ece": scores.reliability(lambda s: pair_probability(pair, s)).ece,
        "best accuracy": float(np.max((curve.tar + 1 - curve.far) / 2)),
    }
    for name, point in pair.operating_points.items():
        far, tar = scores.rates(point.threshold)
        row |= {f"{name}: promised far": point.far, f"{name}: far": far}
        row |= {f"{name}: promised tar": point.tar, f"{name}: tar": tar, f"{name}: accuracy": (tar + 1 - far) / 2}
    if trio is not None:
        similarities, answers = trio_items(embeddings, numbered, most=_TRIOS)
        probability = trio_probability(trio, similarities)
        judged = Scores.of(probability, answers)
        far, tar = judged.rates(trio.operating_points["balanced"].threshold)
        row |= {
            "trios: accuracy": (tar + 1 - far) / 2,
            "trios: far": far,
            "trios: ece": judged.reliability(as_it_is).ece,
        }
    return row
