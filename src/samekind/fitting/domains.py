"""What similarities mean in collections that a model does not know: fitted over domains, each left out in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.metrics.verification import verdict_rates
from samekind.fitting.calibrations import pair_calibration, pair_items, trio_calibration, trio_items
from samekind.fitting.logistic import fit_logistic
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import (
    DEFAULT_OPERATING_POINT,
    BroadCollections,
    DomainCalibration,
    MeasuredOn,
    OperatingPoint,
    PairCalibration,
    TrioCalibration,
    trio_probability,
)

# From this length of the mean on all of it is taken away. Less of a shorter one: everyday objects have little in
# common, and the mean of a few of their pictures is mostly chance.
FULL_LENGTH = 0.6
# A collection whose mean is shorter holds many kinds of things.
BROAD_BELOW = 0.45
# So many domains must have broad collections, and so many others.
_FEWEST = 2
# What an encoder from elsewhere was trained on nobody here knows.
_NEW, _NEW_AND_BROAD = (f"{kind}collections of kinds that the calibration did not know" for kind in ("", "broad "))
# The spread of a usual collection counts as so many pictures of the one at hand.
FEW = 20.0
# Each domain gives as many items of each answer, however many pictures it has, and each of its collections as many.
_ITEMS = 10_000
_TRIOS = 3_000
_RESAMPLES = 1_000
_Calibration = TypeVar("_Calibration", PairCalibration, TrioCalibration)
# Whether they are of broad collections, task and operating point; then by domain, FAR and TAR of each collection.
_Rates: TypeAlias = dict[tuple[bool, str, str], dict[str, list[tuple[float, float]]]]


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
        length: The length of the collection's mean, as the pictures say that adapted.
    """

    domain: str
    name: str
    pairs: NDArray[np.float32]
    pairs_same: NDArray[np.bool_]
    trios: NDArray[np.float32]
    trios_same: NDArray[np.bool_]
    images: int
    classes: int
    length: float

    @property
    def breadth(self) -> float:
        """How much shorter the mean is than that of a collection that is not broad, in [0, ``BROAD_BELOW``]."""
        return max(0.0, BROAD_BELOW - self.length)

    @classmethod
    def of(
        cls, domain: str, name: str, embeddings: Embeddings, labels: NDArray[np.int64], *, spread: float, length: float
    ) -> JudgedCollection:
        """All pairs and a balanced sample of trios.

        Args:
            domain: The kind of pictures.
            name: The name of the collection.
            embeddings: float32 (N, D), adapted, of pictures that had no part in adapting.
            labels: int64 (N,), of three classes or more.
            spread: The spread of the collection.
            length: The length of its mean.
        """
        numbered = np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)
        pairs, pairs_same = pair_items(embeddings, numbered)
        trios, trios_same = trio_items(embeddings, numbered, most=_TRIOS)
        unit = np.float32(spread)
        classes = int(numbered.max()) + 1
        return cls(domain, name, pairs / unit, pairs_same, trios / unit, trios_same, len(numbered), classes, length)


@dataclass(frozen=True, eq=False)
class DomainFit:
    """What collections say, for similarities in units of the spread.

    Attributes:
        shift: How many units a similarity counts less for each unit of ``breadth``.
        pair: The calibration of two images, with the rates of the fit.
        trio: That of three.
    """

    shift: float
    pair: PairCalibration
    trio: TrioCalibration


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
    if min(len({one.domain for one in collections if bool(one.breadth) is broad}) for broad in (True, False)) < _FEWEST:
        # None would be left to say how the calibration of such ones does on a domain that was left out.
        collections, more = ([replace(one, length=1.0) for one in some] for some in (collections, more))
    fit = fit_collections(collections, description, more)
    rates: _Rates = {}
    for domain in sorted({one.domain for one in collections}):
        others = fit_collections(_others(collections, domain), more=_others(more, domain))
        for one in (one for one in collections if one.domain == domain):
            for (task, point), far_and_tar in rates_of(one, others).items():
                key = one.breadth > 0 and fit.shift > 0, task, point
                rates.setdefault(key, {}).setdefault(domain, []).append(far_and_tar)
    return DomainCalibration(
        full_length=FULL_LENGTH,
        spread=spread,
        few=FEW,
        pair=_with_rates(fit.pair, rates, broad=False, task="pairs"),
        trio=_with_rates(fit.trio, rates, broad=False, task="trios"),
        domains=tuple(sorted({one.domain for one in collections})),
        broad=_broad(fit, rates) if fit.shift > 0 else None,
    )


def rates_of(one: JudgedCollection, fit: DomainFit) -> dict[tuple[str, str], tuple[float, float]]:
    """FAR and TAR of a collection, by task and operating point."""
    found = {}
    moved = np.float32(fit.shift * one.breadth)
    for name, point in fit.pair.operating_points.items():
        found["pairs", name] = verdict_rates(one.pairs - moved >= point.threshold, one.pairs_same)
    probability = trio_probability(fit.trio, one.trios - moved)
    for name, point in fit.trio.operating_points.items():
        found["trios", name] = verdict_rates(probability >= point.threshold, one.trios_same)
    return found


def fit_collections(
    collections: Sequence[JudgedCollection], description: str = "", more: Sequence[JudgedCollection] = ()
) -> DomainFit:
    """The calibrations for similarities in units of the spread, with the rates of the fit; arguments as above."""
    rng = np.random.default_rng(0)
    of_domain: dict[str, list[JudgedCollection]] = {}
    for one in (*collections, *more):
        of_domain.setdefault(one.domain, []).append(one)
    pairs, pairs_same, trios, trios_same, pairs_breadth, trios_breadth = [], [], [], [], [], []
    for domain in sorted(of_domain):
        share = _ITEMS // len(of_domain[domain])
        for one in of_domain[domain]:
            chosen = _drawn(one.pairs_same, share, rng)
            pairs.append(one.pairs[chosen])
            pairs_same.append(one.pairs_same[chosen])
            pairs_breadth.append(np.full(len(chosen), one.breadth))
            chosen = _drawn(one.trios_same, share, rng)
            trios.append(one.trios[chosen])
            trios_same.append(one.trios_same[chosen])
            trios_breadth.append(np.full(len(chosen), one.breadth))
    same, trio_same = np.concatenate(pairs_same), np.concatenate(trios_same)
    similarity, breadth = np.concatenate(pairs), np.concatenate(pairs_breadth)
    shift = _fit_shift(similarity, breadth, same)
    moved = shift * np.concatenate(trios_breadth)[:, None]
    return DomainFit(
        shift,
        pair_calibration(similarity - shift * breadth, same, _measured_on(collections, same, description)),
        trio_calibration(np.concatenate(trios) - moved, trio_same, _measured_on(collections, trio_same, description)),
    )


def _fit_shift(similarity: NDArray[np.floating], breadth: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """By how much less a similarity counts for each unit of breadth: a logistic of both, neither weight negative."""
    if not 0 < np.count_nonzero(breadth) < len(breadth):
        return 0.0
    features = np.stack([similarity.astype(np.float64), -breadth], axis=1)
    mass = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    scale, of_breadth, _ = fit_logistic(features, same.astype(np.float64), mass).tolist()
    return float(of_breadth / scale) if scale > 0 else 0.0


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
        domain=_NEW,
    )


def _broad(fit: DomainFit, rates: _Rates) -> BroadCollections:
    return BroadCollections(
        below=BROAD_BELOW,
        shift=fit.shift,
        pair=_with_rates(fit.pair, rates, broad=True, task="pairs"),
        trio=_with_rates(fit.trio, rates, broad=True, task="trios"),
    )


def _with_rates(calibration: _Calibration, rates: _Rates, *, broad: bool, task: str) -> _Calibration:
    domains = len(rates.get((broad, task, DEFAULT_OPERATING_POINT), {}))
    points = {}
    for name, point in calibration.operating_points.items():
        by_domain = rates.get((broad, task, name), {})
        # Too few items for this point where one of the domains is left out.
        if by_domain and len(by_domain) == domains:
            points[name] = _measured(point, list(by_domain.values()))
    measured_on = calibration.measured_on.model_copy(update={"domain": _NEW_AND_BROAD if broad else _NEW})
    return calibration.model_copy(update={"operating_points": points, "measured_on": measured_on})


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
