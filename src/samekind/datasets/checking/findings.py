"""What must be mended in labelled images before training, and what else a person should know of them."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samekind.datasets.checking.check_report import ClassCount, Finding
from samekind.datasets.checking.scan import Scanned
from samekind.datasets.checking.usable import FEWEST, Shortcoming, folders_below, one_class, too_few
from samekind.datasets.dataset import Dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.manifest import HELD_OUT, TEST, TRAIN
from samekind.datasets.splits import stratified_holdout
from samekind.errors import DatasetError

# A batch of the default recipe: so many classes, and so many images of each.
BATCH_CLASSES, BATCH_IMAGES = 10, 12
# What the default recipe sets aside of each class where the data name neither a test part nor a held-out part.
TEST_SHARE, HELD_OUT_SHARE = 0.1, 0.12
# With one less, what is left of a class after both parts are set aside does not fill its place in a batch.
FEW = 16
_IMBALANCE = 10


class Place(NamedTuple):
    """Where an image is in a data set."""

    split: str
    label: str
    path: Path


def find_all(
    dataset: Dataset,
    bad: Sequence[Scanned],
    *,
    total: int,
    classes: Sequence[ClassCount],
    groups: Sequence[Sequence[Place]],
    hashes: Mapping[Path, str],
) -> list[Finding]:
    """All findings.

    Args:
        dataset: The images.
        bad: Those that cannot be read.
        total: How many there are.
        classes: How many readable ones each class has.
        groups: The places of each content.
        hashes: SHA-256 of each readable image.
    """
    return [
        *_unreadable(bad, total),
        *_copies(groups),
        *_odd_classes(dataset),
        *_alike_names(dataset),
        *_nested(dataset),
        *_amounts(dataset, classes, groups),
        *_batch(dataset, hashes),
    ]


def _finding(found: Shortcoming) -> Finding:
    return Finding(found.kind, True, found.summary, found.advice, found.details)


def count_classes(dataset: Dataset, groups: Mapping[str, Sequence[Place]]) -> tuple[ClassCount, ...]:
    """How many readable images each class has in each split, and how many different ones."""
    images = Counter((place.label, place.split) for group in groups.values() for place in group)
    different = Counter(label for group in groups.values() for label in {place.label for place in group})
    names = sorted({name for part in dataset.parts.values() for name in part.classes})
    return tuple(
        ClassCount(
            name,
            {split: images[name, split] for split, part in dataset.parts.items() if name in part.classes},
            different[name],
        )
        for name in names
    )


def _unreadable(bad: Sequence[Scanned], total: int) -> Iterator[Finding]:
    if bad:
        yield Finding(
            "unreadable",
            False,
            f"{len(bad):,} of {total:,} files cannot be read",
            "nothing need be done, for training leaves them out; replace them where they are missed",
            tuple(str(found.error) for found in bad),
            tuple((str(found.path),) for found in bad),
        )


def _copies(groups: Sequence[Sequence[Place]]) -> Iterator[Finding]:
    cases: dict[str, list[Sequence[Place]]] = defaultdict(list)
    for group in groups:
        if len(group) > 1:
            splits, labels = ({place[i] for place in group} for i in (0, 1))
            if len(splits) > 1:
                cases["same image in two splits"].append(group)
            if len(labels) > 1:
                cases["same image in two classes"].append(group)
            if len(splits) == len(labels) == 1:
                cases["copies"].append(group)
    for kind, what, advice in (
        ("same image in two splits", "in more than one split", "keep one: what is trained on cannot be measured on"),
        ("same image in two classes", "in more than one class", "keep the one in the right class"),
        (
            "copies",
            "more than once in its class",
            "nothing need be done: they never straddle a split, but count as often",
        ),
    ):
        if found := cases[kind]:
            yield Finding(
                kind,
                kind != "copies",
                f"{len(found):,} image{'s are' if len(found) > 1 else ' is'} {what}, byte for byte",
                advice,
                tuple(" = ".join(str(place.path) for place in group) for group in found),
                tuple(tuple(str(place.path) for place in group) for group in found),
            )


def _odd_classes(dataset: Dataset) -> Iterator[Finding]:
    train = dataset.train
    if found := one_class(train):
        yield _finding(found)
    elif len(train.classes) == 2:
        yield Finding(
            "classes", False, "there are two classes", "with three the model could judge trios too", train.classes
        )
    for split, part in dataset.parts.items():
        if split != TRAIN and (found := one_class(part, split)):
            yield _finding(found)
    for other in (dataset.held_out, dataset.test):
        # Who names the split of each image in a manifest means it; in folders it is a slip of the pen, mostly.
        if other is None or not train.root.is_dir():
            continue
        if odd := sorted(set(train.classes) ^ set(other.classes)):
            yield Finding(
                "classes",
                True,
                f"{len(odd):,} class{'es are' if len(odd) > 1 else ' is'} in only one of {train.root.name} and "
                f"{other.root.name}",
                "rename, add or remove the folders; a CSV manifest may test on classes that are not trained on",
                tuple(_odd_class(name, train, other) for name in odd),
            )


def _alike_names(dataset: Dataset) -> Iterator[Finding]:
    groups: dict[str, set[str]] = defaultdict(set)
    for part in dataset.parts.values():
        for name in part.classes:
            plain = unicodedata.normalize("NFKC", name).casefold().replace("_", " ").replace("-", " ")
            groups["".join(plain.split())].add(name)
    if alike := [sorted(names) for names in groups.values() if len(names) > 1]:
        yield Finding(
            "alike names",
            True,
            f"{len(alike):,} class{'es have' if len(alike) > 1 else ' has'} more than one spelling",
            "write each class in one way: another case, blank or form of an accent makes another class",
            tuple(" = ".join(map(repr, names)) for names in alike),
        )


def _nested(dataset: Dataset) -> Iterator[Finding]:
    below = folders_below(dataset.train)
    if below and len(dataset.train.classes) > 1:
        yield Finding(
            "nested folders",
            False,
            "no image lies in a class folder itself, all lie in folders below",
            f"if the classes are those ({len(below):,} folders), move them up, or list the images in a CSV",
            below,
        )


def _odd_class(name: str, train: LabelledImages, test: LabelledImages) -> str:
    here, there = (train, test) if name in train.classes else (test, train)
    nearest = get_close_matches(name, set(there.classes) - set(here.classes), n=1)
    return f"{here.root / name}" + (f" (is {nearest[0]!r} in {there.root.name} the same?)" if nearest else "")


def _amounts(dataset: Dataset, classes: Sequence[ClassCount], groups: Sequence[Sequence[Place]]) -> Iterator[Finding]:
    # A copy in another class is never held out.
    own = Counter(group[0].label for group in groups if {place[:2] for place in group} == {(TRAIN, group[0].label)})
    trained = [count for count in classes if TRAIN in count.images]
    fewest = FEWEST + (0 if dataset.held_out else FEWEST)
    tiny = {count.name: own[count.name] for count in trained if own[count.name] < fewest}
    unmeasured = [
        f"{count.name}: {count.images[split]:,} ({split})"
        for count in classes
        for split in (HELD_OUT, TEST)
        if count.images.get(split, FEWEST) < FEWEST
    ]
    if odd := [*(f"{name}: {number:,}" for name, number in tiny.items()), *unmeasured]:
        yield _finding(too_few(odd, fewest))
    few = [count for count in trained if count.name not in tiny and own[count.name] < FEW]
    if few:
        yield Finding(
            "few images",
            False,
            f"{len(few):,} class{'es have' if len(few) > 1 else ' has'} fewer than {FEW} different images",
            "add images: a batch will hold the same one twice, and a measurement says little",
            tuple(f"{count.name}: {own[count.name]:,}" for count in few),
        )
    sizes = [count.images[TRAIN] for count in trained if count.images[TRAIN]]
    if len(sizes) > 1 and max(sizes) >= _IMBALANCE * min(sizes):
        extremes = [min(trained, key=lambda count: count.images[TRAIN]), max(trained, key=lambda c: c.images[TRAIN])]
        yield Finding(
            "imbalance",
            False,
            f"the largest class has {max(sizes) / min(sizes):,.0f} times the images of the smallest",
            "add to the smallest: batches take all classes alike, but thresholds follow the pairs of the largest",
            tuple(f"{count.name}: {count.images[TRAIN]:,}" for count in extremes),
        )


def _batch(dataset: Dataset, hashes: Mapping[Path, str]) -> Iterator[Finding]:
    """Splits as training does, for the shares are rounded in each class: of few images more is held out."""
    kept = dataset.train.subset(np.flatnonzero([path in hashes for path in dataset.train.paths]))
    if dataset.held_out is None:
        if dataset.test is None:
            # Where a class is too small for it, training goes on without a test part.
            with suppress(DatasetError):
                kept, _ = stratified_holdout(kept, TEST_SHARE, 1, hashes, keep=2 * FEWEST)
        try:
            kept, _ = stratified_holdout(kept, HELD_OUT_SHARE, 0, hashes)
        except DatasetError:  # a tiny class, which is named already
            return
    classes = len(kept.classes)
    needed = min(BATCH_CLASSES, classes) * BATCH_IMAGES
    if classes > 1 and len(kept) < needed:
        yield Finding(
            "too few images",
            True,
            f"{len(kept):,} images are left to train on; a batch of the default recipe takes {needed:,}",
            f"add images, or train with smaller batches: --set sampler.images={max(2, len(kept) // classes // 2)}",
            (),
        )
