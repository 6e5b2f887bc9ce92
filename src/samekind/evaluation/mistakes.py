"""The most confident mistakes: the first thing to look at, for they are often wrong labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.evaluation.resampling.all_pairs import AllPairs

SHOWN = 12
_CANDIDATES = 2_000


@dataclass(frozen=True)
class Mistake:
    """An item that is judged wrongly.

    Attributes:
        images: The numbers of its images.
        score: The similarity of a pair, the probability of a trio.
    """

    images: tuple[int, ...]
    score: float


def pair_mistakes(pairs: AllPairs, threshold: float, shown: int = SHOWN) -> tuple[list[Mistake], list[Mistake]]:
    """Among all pairs: impostors most surely taken for the same, and genuine pairs most surely taken for different.

    Each image comes once in a list, or one odd picture would fill it.
    """
    found: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for start, block in pairs.blocks():
        rows = np.arange(start, start + len(block))
        later = rows[:, None] < np.arange(len(pairs.labels))
        same = pairs.labels[rows, None] == pairs.labels
        for kept, sign, wrong in ((found[0], 1, later & ~same), (found[1], -1, later & same)):
            confident = np.where(wrong & ((block >= threshold) == (sign == 1)), sign * block, -np.inf).ravel()
            best = np.argpartition(-confident, min(_CANDIDATES, confident.size - 1))[:_CANDIDATES]
            best = best[np.isfinite(confident[best])]
            row, column = np.divmod(best, block.shape[1])
            kept.append(np.stack([rows[row], column, sign * confident[best]], axis=1))
            together = np.concatenate(kept)
            kept[:] = [together[np.argsort(-sign * together[:, 2], kind="stable")[:_CANDIDATES]]]
    accepts, rejects = ((part[0] if part else np.empty((0, 3))) for part in found)
    return _each_image_once(_listed(accepts), shown), _each_image_once(_listed(rejects), shown)


def item_mistakes(
    items: NDArray[np.int64],
    scores: NDArray[np.floating],
    same: NDArray[np.bool_],
    threshold: float,
    shown: int = SHOWN,
) -> tuple[list[Mistake], list[Mistake]]:
    """The most confident mistakes among items of a list or sample: (false accepts, false rejects)."""
    accepted = scores >= threshold
    kinds = []
    for wrong, sign in ((accepted & ~same, -1), (~accepted & same, 1)):
        found = np.flatnonzero(wrong)
        order = found[np.argsort(sign * scores[found], kind="stable")]
        kinds.append(_each_image_once((Mistake(tuple(map(int, items[i])), float(scores[i])) for i in order), shown))
    return kinds[0], kinds[1]


def _listed(rows: NDArray[np.float64]) -> Iterable[Mistake]:
    return (Mistake((int(row[0]), int(row[1])), float(row[2])) for row in rows)


def _each_image_once(mistakes: Iterable[Mistake], shown: int) -> list[Mistake]:
    chosen: list[Mistake] = []
    seen: set[int] = set()
    for mistake in mistakes:
        if len(chosen) == shown:
            break
        if seen.isdisjoint(mistake.images):
            chosen.append(mistake)
            seen.update(mistake.images)
    return chosen
