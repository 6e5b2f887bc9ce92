"""Which pairs to ask a person about: uncertain ones and diverse ones, by a lot whose odds are known.

A calibration is the answer as a function of the similarity, for pairs whose two answers weigh the same. By lot nearly
all pairs of a folder are different and far from the threshold, so that hundreds of answers say little. So pairs are
drawn from strata of the probability that the model gives: half of them as many from each, half where answers are
expected to vary most (Neyman, "On the two different aspects of the representative method", 1934). Each carries the
number of pairs that it stands for, which makes what is fitted to the answers that of all pairs (Horvitz and Thompson,
"A generalization of sampling without replacement from a finite universe", 1952).
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import logistic

# Bounds of the strata: narrow where the answer is least known.
_STRATA = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
# Of more images so many are drawn, for there are two million pairs of these.
_MOST_IMAGES = 2_000
# Each image is asked about so often at most, while there are others, and a stratum is searched so far for such.
_MOST_TIMES, _SEARCHED = 2, 50
_ROUNDS = 30


class ChosenPairs(NamedTuple):
    """Pairs to be answered, in the order of the lot: a person may stop anywhere, and what was answered stands for all.

    Attributes:
        pairs: int64 (K, 2), places of images.
        weight: float64 (K,), the number of pairs that each stands for, 1 in the mean.
    """

    pairs: NDArray[np.int64]
    weight: NDArray[np.float64]


def choose_pairs(embeddings: Embeddings, scale: float, bias: float, count: int, seed: int = 0) -> ChosenPairs:
    """Choose the pairs whose answers teach a calibration most.

    Args:
        embeddings: float32 (N, D), unit rows, at least two; copies of one picture are best left out.
        scale: Of the model's calibration: the probability is the logistic of ``scale * similarity + bias``.
        bias: Likewise.
        count: How many pairs; of fewer than that there are, all.
        seed: Of the lot.

    Example:
        >>> rows = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
        >>> choose_pairs(rows, 10, -5, 4).pairs.shape
        (4, 2)
    """
    rng = np.random.default_rng(seed)
    places = np.arange(len(embeddings))
    if len(places) > _MOST_IMAGES:
        places = np.sort(rng.choice(places, _MOST_IMAGES, replace=False))
    rows = embeddings[places]
    first, second = np.triu_indices(len(places), 1)
    logit = (scale * (rows @ rows.T)[first, second] + bias).astype(np.float64)
    stratum = np.searchsorted(np.log(_STRATA / (1 - _STRATA)), logit)
    sizes = np.bincount(stratum, minlength=len(_STRATA) + 1)
    varying = np.bincount(stratum, weights=_deviation(logit), minlength=len(sizes))
    shares = _shares(sizes, (sizes > 0) / (sizes > 0).sum() / 2 + varying / varying.sum() / 2, count)
    times: Counter[int] = Counter()
    chosen, weights = [], []
    for number in np.argsort(shares, kind="stable").tolist():  # the scarce first, which leaves others the most choice
        members = rng.permutation(np.flatnonzero(stratum == number)) if shares[number] else np.empty(0, np.int64)
        taken = _diverse(members, first, second, int(shares[number]), times)
        chosen += taken
        weights += [len(members) / len(taken)] * len(taken) if taken else []
    order = rng.permutation(len(chosen))
    pairs = np.column_stack([places[first[chosen]], places[second[chosen]]])
    weight = np.array(weights) / max(float(np.mean(weights)), 1e-12) if weights else np.empty(0)
    return ChosenPairs(pairs[order], weight[order])


def _deviation(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the answer of each pair is expected to vary, where so many are the same as the model expects in all."""
    share = 0.05
    chance = np.zeros_like(logit)
    for _ in range(_ROUNDS):
        chance = logistic(logit + np.log(share / (1 - share)))
        share = float(np.clip(chance.mean(), 0.001, 0.5))
    return np.sqrt(chance * (1 - chance))


def _shares(sizes: NDArray[np.int64], wanted: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """How many to take of each stratum: the part that is wanted, as far as they have them."""
    shares = np.minimum(np.floor(wanted * count).astype(np.int64), sizes)
    for _ in range(min(count, int(sizes.sum())) - int(shares.sum())):
        shares[np.argmax(np.where(shares < sizes, wanted * count - shares, -np.inf))] += 1
    return shares


def _diverse(
    members: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], count: int, times: Counter[int]
) -> list[int]:
    """The first of some pairs whose images were asked about least."""
    taken: list[int] = []
    rest: list[int] = []
    for pair in members[: max(count * _SEARCHED, count)].tolist():
        if len(taken) == count:
            break
        both = int(first[pair]), int(second[pair])
        if max(times[image] for image in both) < _MOST_TIMES:
            taken.append(pair)
            times.update(both)
        else:
            rest.append(pair)
    return taken + rest[: count - len(taken)]
