"""Copies within a class, across classes, and across training and test, as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.auditing.looked_at import LookedAt
from samekind.copies.evidence import Edit, Evidence
from samekind.datasets.checking.near_copies import grouped, near_copies
from samekind.datasets.manifest import SPLITS, TEST

_SAME_BYTES = Evidence("copy", (Edit("exact"),), "sure", "", 0, 0.0, (1.0, 1.0), 1.0)
_EXACT, _SURE, _LOOK = 1.0, 0.95, 0.5


@dataclass(frozen=True)
class Copied:
    """An image that another one makes superfluous.

    Attributes:
        place: The image.
        kept: The place of the one that is worth keeping.
        leak: Whether that is one to test on, and this one is not.
        score: How sure it is that they are one picture.
        words: What it is to the other.
    """

    place: int
    kept: int
    leak: bool
    score: float
    words: str


def compared(
    looked: Sequence[LookedAt], on_progress: Callable[[int, int], None] | None = None
) -> dict[tuple[int, int], Evidence]:
    """The evidence of pairs of images that are copies, by their places, the lower one first.

    Args:
        looked: The images.
        on_progress: Called with the number of pairs compared and of all.
    """
    found: dict[tuple[int, int], Evidence] = {}
    by_content: dict[str, list[int]] = defaultdict(list)
    for place, file in enumerate(looked):
        by_content[file.sha256].append(place)
    contents = list(by_content.values())
    for places in contents:
        found |= dict.fromkeys(_each_two(places), _SAME_BYTES)
    for near in near_copies([looked[places[0]].small for places in contents], on_progress):
        for one in contents[near.first]:
            for other in contents[near.second]:
                found[min(one, other), max(one, other)] = near.evidence
    return found


def find_copied(
    looked: Sequence[LookedAt],
    evidence: Mapping[tuple[int, int], Evidence],
    splits: Sequence[str],
    labels: NDArray[np.int64],
    wrong: NDArray[np.float64],
) -> list[Copied]:
    """The images that are copies of others, near or exact.

    Of copies on two sides the one to test on stays. Of copies in one part the one stays whose label is least in
    doubt, and of these the one with the most pixels.

    Args:
        looked: The images.
        evidence: As ``compared`` gives it.
        splits: The part that each is in.
        labels: int64 (N,).
        wrong: float64 (N,), the probability of each label to be wrong.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(grouped(len(looked), list(evidence))):
        groups[group].append(place)

    def worth(place: int) -> tuple[float, ...]:
        small = looked[place].small
        return SPLITS.index(splits[place]), -round(wrong[place], 1), small.width * small.height, -place

    found = []
    for members in groups.values():
        kept = max(members, key=worth)
        for place in members:
            if place == kept:
                continue
            direct = evidence.get((min(place, kept), max(place, kept)))
            score, words = _described(direct)
            leak = splits[kept] == TEST and splits[place] != TEST
            if labels[place] != labels[kept]:
                words += "; the other is in another class"
            found.append(Copied(place, kept, leak, score, words))
    return sorted(found, key=lambda copy: (-copy.score, copy.place))


def tested_with_copies(copied: Sequence[Copied], splits: Sequence[str]) -> tuple[int, int]:
    """How many test images there are, and how many of them have a copy in another part."""
    leaked = {copy.kept for copy in copied if copy.leak}
    more = sum(splits[copy.place] == TEST and copy.kept in leaked for copy in copied)
    return sum(split == TEST for split in splits), len(leaked) + more


def _described(evidence: Evidence | None) -> tuple[float, str]:
    if evidence is None:
        return _LOOK, "a copy of a copy of it"
    if evidence == _SAME_BYTES:
        return _EXACT, "the same bytes"
    # A difference of 1 is just too much for compression.
    score = _SURE if evidence.sure else _LOOK + (_SURE - _LOOK) / (2 + evidence.difference)
    return score, evidence.words()


def _each_two(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    # Of very many copies each is compared with the first, which they all hang together by.
    for number, other in enumerate(places):
        for one in places[: min(number, 8)]:
            yield one, other
