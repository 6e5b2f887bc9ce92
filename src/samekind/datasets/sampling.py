"""Balanced samples of pairs, triplets and trios from labelled images.

A *triplet* is a training tuple (anchor, positive, negative). A *trio* is three images to be judged, of which two,
three or none may be of a class: a rule that was tested only on triplets has never seen a trio whose answer is no.

No image is ever paired with itself, and no item comes twice (the order of its images does not make it another).
The same labels and seed give the same sample on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError

Indices = NDArray[np.int64]
_Sample = TypeVar("_Sample", "Pairs", "Trios")

# What pairs are: of one class, of two.
GENUINE, IMPOSTOR = "genuine", "impostor"
TRIO_COMPOSITIONS = ("AAA", "AAB", "ABA", "BAA", "ABC")
# A draw that finds nothing new this many times in a row has, to all practical purposes, found everything.
_MAX_TRIES = 1000


@dataclass(frozen=True)
class Pairs:
    """N pairs: ``images`` int64 (N, 2), indices of images; ``same`` bool (N,), whether they share a class."""

    images: Indices
    same: NDArray[np.bool_]


@dataclass(frozen=True)
class Trios:
    """N trios: ``images`` int64 (N, 3); ``composition`` str (N,), one of AAA, AAB, ABA, BAA, ABC."""

    images: Indices
    composition: NDArray[np.str_]

    @property
    def same(self) -> NDArray[np.bool_]:
        """Bool (N,): whether at least two of the three share a class."""
        return np.asarray(self.composition != "ABC", np.bool_)


def sample_pairs(labels: Indices, per_class: int, seed: int, *, at_most: bool = False) -> Pairs:
    """Draw ``per_class`` pairs for each class, half genuine, half impostor with another class at random.

    Args:
        labels: int64 (M,), the class of each image, 0 to C - 1.
        per_class: An even number of pairs for each class.
        seed: Decides the sample.
        at_most: A class with too few images gives fewer pairs, still half genuine, rather than an error.

    Returns:
        ``per_class`` × C pairs, by class, genuine before impostor.

    Raises:
        DatasetError: ``per_class`` is odd, there is one class only, or too few images for so many pairs.

    Example:
        >>> sample_pairs(np.array([0, 0, 1, 1]), per_class=2, seed=0).same.tolist()
        [True, False, True, False]
    """
    if per_class % 2:
        raise DatasetError(f"pairs per class must be even, to be half genuine and half impostor; got {per_class}")
    draw = _Draw(labels, seed)
    items: list[tuple[int, ...]] = []
    seen: set[Hashable] = set()
    for label in range(draw.classes):
        of_two = partial(draw.of_class, label, 2)
        genuine = _distinct(of_two, per_class // 2, seen, frozenset, "genuine pairs", at_most=at_most)
        mixed = partial(draw.with_other, label, 1)
        impostors = _distinct(mixed, len(genuine), seen, frozenset, "impostor pairs", at_most=at_most)
        items += genuine[: len(impostors)] + impostors
    images = np.array(items, np.int64).reshape(-1, 2)
    return Pairs(images, labels[images[:, 0]] == labels[images[:, 1]])


def sample_triplets(labels: Indices, per_class: int, seed: int) -> Indices:
    """Draw ``per_class`` (anchor, positive, negative) triplets for each class of the anchor.

    Returns:
        int64 (``per_class`` × C, 3): the indices of anchor, positive and negative.

    Raises:
        DatasetError: There is one class only, or too few images for so many triplets.
    """
    draw = _Draw(labels, seed)
    items: list[tuple[int, ...]] = []
    for label in range(draw.classes):
        items += _distinct(
            partial(draw.with_other, label, 2),
            per_class,
            set(),
            lambda item: (frozenset(item[:2]), item[2]),
            "triplets",
        )
    return np.array(items, np.int64).reshape(-1, 3)


def sample_trios(labels: Indices, per_class: int, seed: int, *, at_most: bool = False) -> Trios:
    """Draw ``per_class`` trios for each class, half ABC (no two alike), half split over AAA, AAB, ABA and BAA.

    The letters are classes by position; the class for which a trio is drawn is A. Where half of ``per_class`` is no
    multiple of four, the extra trios go to the compositions in the order AAB, ABA, BAA, AAA. With ``at_most``, a class
    with too few images gives fewer trios, still half of them ABC, rather than an error.

    Raises:
        DatasetError: ``per_class`` is odd, there are fewer than three classes, or too few images.
    """
    if per_class % 2:
        raise DatasetError(f"trios per class must be even, half with the answer no; got {per_class}")
    draw = _Draw(labels, seed)
    if draw.classes < 3:
        raise DatasetError("trios with no two alike need at least three classes")
    half = per_class // 2
    quarter, extra = divmod(half, 4)
    counts = {c: quarter + (i < extra) for i, c in enumerate(("AAB", "ABA", "BAA", "AAA"))}
    items: list[tuple[int, ...]] = []
    compositions: list[str] = []
    seen: set[Hashable] = set()
    for label in range(draw.classes):
        drawn: dict[str, list[tuple[int, ...]]] = {}
        for composition in TRIO_COMPOSITIONS:  # ABC comes last
            count = sum(map(len, drawn.values())) if composition == "ABC" else counts[composition]
            of_kind = partial(draw.trio, label, composition)
            drawn[composition] = _distinct(of_kind, count, seen, frozenset, f"{composition} trios", at_most=at_most)
        none_alike = drawn.pop("ABC")
        for composition, trios in (_shortened(drawn, len(none_alike)) | {"ABC": none_alike}).items():
            items += trios
            compositions += [composition] * len(trios)
    return Trios(np.array(items, np.int64).reshape(-1, 3), np.array(compositions, np.str_))


def sample_at_most(sample: Callable[..., _Sample], labels: Indices, total: int, seed: int) -> _Sample:
    """About ``total`` pairs or trios over all classes; classes with few images give what they can.

    Args:
        sample: ``sample_pairs`` or ``sample_trios``.
        labels: int64 (M,), the class of each image.
        total: How many items to aim for.
        seed: Decides the sample.

    Raises:
        DatasetError: No item can be drawn.
    """
    classes = int(labels.max(initial=-1)) + 1
    drawn = sample(labels, max(8, total // max(classes, 1) // 8 * 8), seed, at_most=True)
    if not len(drawn.images):
        raise DatasetError("no two images share a class")
    return drawn


def _shortened(groups: dict[str, list[tuple[int, ...]]], total: int) -> dict[str, list[tuple[int, ...]]]:
    """Drop the last items of the largest groups until there are ``total`` in all."""
    shortened = {name: list(items) for name, items in groups.items()}
    while sum(map(len, shortened.values())) > total:
        max(shortened.values(), key=len).pop()
    return shortened


class _Draw:
    """Random images by class."""

    def __init__(self, labels: Indices, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._members = [np.flatnonzero(labels == label) for label in range(int(labels.max(initial=-1)) + 1)]
        self.classes = len(self._members)
        if self.classes < 2:
            raise DatasetError("at least two classes are needed to draw images of different classes")

    def of_class(self, label: int, count: int) -> tuple[int, ...]:
        members = self._members[label]
        if len(members) < count:
            raise DatasetError(f"class number {label} has {len(members)} images; {count} are needed")
        return tuple(members[self._rng.choice(len(members), count, replace=False)].tolist())

    def of_others(self, label: int, count: int) -> tuple[int, ...]:
        """One image each from ``count`` classes, all different and none of them ``label``."""
        chosen = self._rng.choice(self.classes - 1, count, replace=False).tolist()
        return tuple(self.of_class(other + (other >= label), 1)[0] for other in chosen)

    def with_other(self, label: int, count: int) -> tuple[int, ...]:
        """``count`` images of a class, then one of another class."""
        return (*self.of_class(label, count), *self.of_others(label, 1))

    def trio(self, label: int, composition: str) -> tuple[int, ...]:
        of_a = iter(self.of_class(label, composition.count("A")))
        others = iter(self.of_others(label, 3 - composition.count("A")))
        return tuple(next(of_a) if letter == "A" else next(others) for letter in composition)


def _distinct(
    draw: Callable[[], tuple[int, ...]],
    count: int,
    seen: set[Hashable],
    key: Callable[[tuple[int, ...]], Hashable],
    what: str,
    *,
    at_most: bool = False,
) -> list[tuple[int, ...]]:
    """Draw until there are ``count`` items whose keys are new, and remember the keys."""
    items: list[tuple[int, ...]] = []
    tries = 0
    while len(items) < count:
        try:
            item = draw()
        except DatasetError:  # a class with too few images for even one
            if at_most:
                break
            raise
        if (identity := key(item)) not in seen:
            seen.add(identity)
            items.append(item)
            tries = 0
        elif (tries := tries + 1) > _MAX_TRIES:
            if at_most:
                break
            raise DatasetError(
                f"only {len(items)} of {count} different {what} of one class found; ask for fewer or add images"
            )
    return items
