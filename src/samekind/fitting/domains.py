"""What similarities mean in collections that a model does not know: fitted over domains, each left out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.verification import verdict_rates
from samekind.fitting.calibrations import pair_calibration, pair_items, trio_calibration, trio_items
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import trio_probability
from samekind.model_file.card import DomainCalibration, MeasuredOn, OperatingPoint, PairCalibration, TrioCalibration

# From this length of the mean on all of it is taken away. Less of a shorter one: everyday objects have little in
# common, and the mean of a few of their pictures is mostly chance.
FULL_LENGTH = 0.6
# The spread of a usual collection counts as so many pictures of the one at hand.
FEW = 20.0
# Each domain gives as many items of each answer, however many pictures it has, and each of its collections as many.
_ITEMS = 10_000
_TRIOS = 3_000
_RESAMPLES = 1_000
_Calibration = TypeVar("_Calibration", PairCalibration, TrioCalibration)


@dataclass(frozen=True, eq=False)
class JudgedCollection:
    """Pictures of a collection to which a network was adapted that knows nothing of their domain.

    Attributes:
        domain: The kind of pictures.
        name: The name of the collection.
        pairs: float32 (N,), the similarities of pairs in units of the collection's spread.
        pairs_same: bool (N,), whether they share a class.
        trios: float32 (M, 3), the similarities of trios in these units.
        trios_same: bool (M,), whether two of each share a class.
        images: The number of pictures behind them.
        classes: The number of classes.
    """

    domain: str
    name: str
    pairs: NDArray[np.float32]
    pairs_same: NDArray[np.bool_]
    trios: NDArray[np.float32]
    trios_same: NDArray[np.bool_]
    images: int
    classes: int

    @classmethod
    def of(
        cls, domain: str, name: str, embeddings: Embeddings, labels: NDArray[np.int64], spread: float
    ) -> JudgedCollection:
        """All pairs and a balanced sample of trios.

        Args:
            domain: The kind of pictures.
            name: The name of the collection.
            embeddings: float32 (N, D), adapted, of pictures that had no part in adapting.
            labels: int64 (N,), of three classes or more.
            spread: The spread of the collection.
        """
        numbered = np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)
        pairs, pairs_same = pair_items(embeddings, numbered)
        trios, trios_same = trio_items(embeddings, numbered, most=_TRIOS)
        unit = np.float32(spread)
        classes = int(numbered.max()) + 1
        return cls(domain, name, pairs / unit, pairs_same, trios / unit, trios_same, len(numbered), classes)


def fit_domains(
    collections: Sequence[JudgedCollection],
    spread: float,
    description: str,
    more: Sequence[JudgedCollection] = (),
) -> DomainCalibration:
    """The calibration of adapted models, with rates measured on domains that were left out of the fit.

    The thresholds come from all domains, each weighing the same. A rate is the mean over collections, each judged by
    what the other domains say; its interval is that of other domains.

    Args:
        collections: The collections, of three domains or more.
        spread: The spread of a usual collection.
        description: Where they come from, for the card.
        more: Collections that are fitted on, too, but that no rate is measured on, such as nobody has. They are left
            out with their domain.
    """
    domains = sorted({one.domain for one in collections})
    pair, trio = fit_collections(collections, description, more)
    rates: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for domain in domains:
        others = fit_collections(_others(collections, domain), more=_others(more, domain))
        for one in (one for one in collections if one.domain == domain):
            for key, far_and_tar in rates_of(one, *others).items():
                rates.setdefault(key, {}).setdefault(domain, []).append(far_and_tar)
    return DomainCalibration(
        full_length=FULL_LENGTH,
        spread=spread,
        few=FEW,
        pair=_with_rates(pair, "pairs", rates, len(domains)),
        trio=_with_rates(trio, "trios", rates, len(domains)),
        domains=tuple(domains),
    )


def rates_of(
    one: JudgedCollection, pair: PairCalibration, trio: TrioCalibration
) -> dict[tuple[str, str], tuple[float, float]]:
    """FAR and TAR of a collection, by task and operating point."""
    found = {}
    for name, point in pair.operating_points.items():
        found["pairs", name] = verdict_rates(one.pairs >= point.threshold, one.pairs_same)
    probability = trio_probability(trio, one.trios)
    for name, point in trio.operating_points.items():
        found["trios", name] = verdict_rates(probability >= point.threshold, one.trios_same)
    return found


def fit_collections(
    collections: Sequence[JudgedCollection], description: str = "", more: Sequence[JudgedCollection] = ()
) -> tuple[PairCalibration, TrioCalibration]:
    """The calibrations for similarities in units of the spread, with the rates of the fit; arguments as above."""
    rng = np.random.default_rng(0)
    of_domain: dict[str, list[JudgedCollection]] = {}
    for one in (*collections, *more):
        of_domain.setdefault(one.domain, []).append(one)
    pairs, pairs_same, trios, trios_same = [], [], [], []
    for domain in sorted(of_domain):
        share = _ITEMS // len(of_domain[domain])
        for one in of_domain[domain]:
            chosen = _drawn(one.pairs_same, share, rng)
            pairs.append(one.pairs[chosen])
            pairs_same.append(one.pairs_same[chosen])
            chosen = _drawn(one.trios_same, share, rng)
            trios.append(one.trios[chosen])
            trios_same.append(one.trios_same[chosen])
    same, trio_same = np.concatenate(pairs_same), np.concatenate(trios_same)
    return (
        pair_calibration(np.concatenate(pairs), same, _measured_on(collections, same, description)),
        trio_calibration(np.concatenate(trios), trio_same, _measured_on(collections, trio_same, description)),
    )


def _others(collections: Sequence[JudgedCollection], domain: str) -> list[JudgedCollection]:
    return [one for one in collections if one.domain != domain]


def _drawn(same: NDArray[np.bool_], items: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """As many items of each answer; of few some twice."""
    return np.concatenate([rng.choice(np.flatnonzero(answer), items) for answer in (same, ~same)])


def _measured_on(collections: Sequence[JudgedCollection], same: NDArray[np.bool_], description: str) -> MeasuredOn:
    largest: dict[str, JudgedCollection] = {}
    for one in collections:
        if one.domain not in largest or one.images > largest[one.domain].images:
            largest[one.domain] = one
    return MeasuredOn(
        description=description,
        images=sum(one.images for one in largest.values()),
        classes=sum(one.classes for one in largest.values()),
        positives=int(same.sum()),
        negatives=int((~same).sum()),
        cross_fitted=True,
        domain="collections of kinds that the network did not know",
    )


def _with_rates(
    calibration: _Calibration,
    task: str,
    rates: Mapping[tuple[str, str], Mapping[str, Sequence[tuple[float, float]]]],
    domains: int,
) -> _Calibration:
    points = {}
    for name, point in calibration.operating_points.items():
        by_domain = rates.get((task, name), {})
        # Too few items for this point where one of the domains is left out.
        if len(by_domain) == domains:
            points[name] = _measured(point, list(by_domain.values()))
    return calibration.model_copy(update={"operating_points": points})


def _measured(point: OperatingPoint, by_domain: Sequence[Sequence[tuple[float, float]]]) -> OperatingPoint:
    rng = np.random.default_rng(0)
    whole = np.concatenate([np.array(rates) for rates in by_domain]).mean(axis=0)
    draws = [
        np.concatenate([np.array(by_domain[i]) for i in rng.integers(len(by_domain), size=len(by_domain))]).mean(axis=0)
        for _ in range(_RESAMPLES)
    ]
    (far_low, tar_low), (far_high, tar_high) = np.quantile(draws, [0.025, 0.975], axis=0)
    return OperatingPoint(
        threshold=point.threshold,
        far=float(whole[0]),
        tar=float(whole[1]),
        far_interval=(float(far_low), float(far_high)),
        tar_interval=(float(tar_low), float(tar_high)),
    )
