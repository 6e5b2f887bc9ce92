"""What must be mended in labelled images before training, and what else a person should know of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samekind.datasets.dataset import Dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.manifest import HELD_OUT, TEST, TRAIN
from samekind.datasets.scan import Scanned, scan
from samekind.datasets.splits import stratified_holdout
from samekind.errors import DatasetError

# A batch of the default recipe: so many classes, and so many images of each.
BATCH_CLASSES, BATCH_IMAGES = 10, 12
# What the default recipe sets aside of each class where the data name neither a test part nor a held-out part.
TEST_SHARE, HELD_OUT_SHARE = 0.1, 0.12
# Different images that a class must have: two to train on, and two to hold out unless others are held out already.
FEWEST = 2
# With one less, what is left of a class after both parts are set aside does not fill its place in a batch.
FEW = 16
_IMBALANCE = 10


@dataclass(frozen=True)
class ClassCount:
    """One class.

    Attributes:
        name: Of the class.
        images: Number of readable images in each split that there is.
        different: How many of all these are different, byte for byte.
    """

    name: str
    images: dict[str, int]
    different: int


@dataclass(frozen=True)
class Finding:
    """Something about the images that a person should know.

    Attributes:
        kind: ``unreadable``, ``same image in two splits``, ``same image in two classes``, ``copies``, ``classes``,
            ``tiny class``, ``too few images``, ``few images`` or ``imbalance``.
        mend: Whether training would stop at it, or learn or measure something wrong.
        summary: In words, how much of it there is.
        advice: What to do.
        details: One line for each case.
        files: The files of each case; empty where it is not about single files.
    """

    kind: str
    mend: bool
    summary: str
    advice: str
    details: tuple[str, ...]
    files: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Check:
    """What ``check`` found.

    Attributes:
        images: Number of readable images.
        splits: The names of the splits that there are.
        classes: By name.
        findings: Those to mend first.
    """

    images: int
    splits: tuple[str, ...]
    classes: tuple[ClassCount, ...]
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether training could start with the images as they stand."""
        return not any(finding.mend for finding in self.findings)


class _Place(NamedTuple):
    split: str
    label: str
    path: Path


def check(dataset: Dataset, on_progress: Callable[[int], None] | None = None) -> Check:
    """Decode every image once, and look for what would spoil a training or a measurement.

    Args:
        dataset: From ``read_dataset``, with ``same_classes=False``, so that odd classes are named with the rest.
        on_progress: Called with the number of images looked at so far.

    Example:
        >>> import tempfile
        >>> from samekind.datasets.dataset import read_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jug", "mug"):
        ...         Path(folder, name).mkdir()
        ...         _ = Path(folder, name, "1.jpg").write_bytes(b"no image")
        ...     found = check(read_dataset(folder))
        >>> found.ready, [finding.kind for finding in found.findings]
        (False, ['tiny class', 'unreadable', 'classes'])
    """
    places = [
        _Place(split, images.classes[label], path)
        for split, images in dataset.parts.items()
        for path, label in zip(images.paths, images.labels, strict=True)
    ]
    scanned = list(scan((place.path for place in places), on_progress))
    bad = [found for found in scanned if found.error]
    hashes: dict[Path, str] = {}
    groups: dict[str, list[_Place]] = defaultdict(list)
    for place, found in zip(places, scanned, strict=True):
        if found.error is None and found.sha256 is not None:
            hashes[place.path] = found.sha256
            groups[found.sha256].append(place)
    classes = _count(dataset, groups)
    findings = [
        *_unreadable(bad, len(places)),
        *_copies(list(groups.values())),
        *_odd_classes(dataset),
        *_amounts(dataset, classes, list(groups.values())),
        *_batch(dataset, hashes),
    ]
    return Check(
        images=len(places) - len(bad),
        splits=tuple(dataset.parts),
        classes=classes,
        findings=tuple(sorted(findings, key=lambda finding: not finding.mend)),
    )


def _count(dataset: Dataset, groups: dict[str, list[_Place]]) -> tuple[ClassCount, ...]:
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


def _copies(groups: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
    cases: dict[str, list[Sequence[_Place]]] = defaultdict(list)
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
    train, test = dataset.train, dataset.test
    if len(train.classes) < 2:
        yield Finding(
            "classes", True, "there is one class only", "add another: two images can only differ if classes do", ()
        )
    elif len(train.classes) == 2:
        yield Finding(
            "classes", False, "there are two classes", "with three the model could judge trios too", train.classes
        )
    for split, part in dataset.parts.items():
        if split != TRAIN and len(part.classes) < 2:
            yield Finding(
                "classes",
                True,
                f"there is one class only in the part {split}",
                "add images of another: nothing can be measured where all are the same",
                part.classes,
            )
    # Who names the split of each image in a manifest means it; in folders it is a slip of the pen, mostly.
    if test is None or train.root.is_file():
        return
    if odd := sorted(set(train.classes) ^ set(test.classes)):
        yield Finding(
            "classes",
            True,
            f"{len(odd):,} class{'es are' if len(odd) > 1 else ' is'} in only one of {train.root.name} and "
            f"{test.root.name}",
            "rename, add or remove the folders; a CSV manifest may test on classes that are not trained on",
            tuple(_odd_class(name, train, test) for name in odd),
        )


def _odd_class(name: str, train: LabelledImages, test: LabelledImages) -> str:
    here, there = (train, test) if name in train.classes else (test, train)
    nearest = get_close_matches(name, set(there.classes) - set(here.classes), n=1)
    return f"{here.root / name}" + (f" (is {nearest[0]!r} in {there.root.name} the same?)" if nearest else "")


def _amounts(dataset: Dataset, classes: Sequence[ClassCount], groups: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
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
        yield Finding(
            "tiny class",
            True,
            f"{len(odd):,} class{'es have' if len(odd) > 1 else ' has'} too few images to be split or measured",
            f"add images ({fewest} different ones to train on, {FEWEST} in another part, at least) or remove the class",
            tuple(odd),
        )
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
