"""Which images a run trains on, which it keeps for probabilities and thresholds, and which it only tests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.checking.near_copies import MOST_IMAGES, can_compare, identities_of
from samekind.datasets.checking.scan import scan
from samekind.datasets.dataset import Dataset, read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.manifest import HELD_OUT, TEST, TRAIN, write_manifest
from samekind.datasets.splits import refuse_shared_images, stratified_holdout
from samekind.errors import DatasetError, TrainingError
from samekind.evaluation.listed_items import ListedItems
from samekind.progress import Progress
from samekind.system.atomic import replacing
from samekind.system.hashing import content_hashes, split_digest
from samekind.training.batches.listed import divide_answered, draw_list
from samekind.training.recipe import Recipe
from samekind.training.recipe.sections import HoldoutSection
from samekind.training.run.folder import RunFolder


@dataclass(frozen=True)
class Parts:
    """The images of a run.

    Attributes:
        train: To train on.
        held_out: For probabilities and thresholds; in a class-disjoint run their classes are others.
        test: Only measured on; None if there are none.
        hashes: SHA-256 of each image's file.
        items: int64 (M, 2 or 3), the pairs or triplets of a list, as indices into ``train``; None without a list.
        held_out_items: int64 (H, 2), held-out pairs that a person answered, as indices into ``held_out``; None where
            the classes are known, and with them the answer to every pair.
        notes: What a person should know: files that were left out and why, a test part that could not be made.
    """

    train: LabelledImages
    held_out: LabelledImages
    test: LabelledImages | None
    hashes: Mapping[Path, str]
    items: NDArray[np.int64] | None = None
    held_out_items: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @property
    def by_split(self) -> dict[str, LabelledImages]:
        """The parts that there are, by the names that a manifest has for them."""
        return Dataset(self.train, self.held_out, self.test).parts

    @property
    def digest(self) -> str:
        """Of all images with their classes and parts: it tells whether two runs have the same."""
        return split_digest(
            f"{name} {images.classes[label]} {self.hashes[path]}"
            for name, images in self.by_split.items()
            for path, label in zip(images.paths, images.labels, strict=True)
        )


def split_images(
    source: Dataset | ListedItems,
    recipe: Recipe,
    tests: Sequence[LabelledImages] = (),
    *,
    on_progress: Progress | None = None,
) -> Parts:
    """Look at every image, and split them. Copies, near or exact, never straddle a split made here.

    Where the data name the parts themselves, a file that is in two is refused, and near copies are counted in a note.

    Args:
        source: A data set, or answered pairs.
        recipe: Says what is held out, and gives the seed.
        tests: Further test images, which must share nothing with the others.
        on_progress: Called with (stage, number looked at so far, number of all); the stages are "look at the images"
            and "look for copies".

    Raises:
        DatasetError: The data set cannot be split, or has the same image on two sides.
    """
    if isinstance(source, ListedItems):
        return _split_answered(source, recipe, tests, on_progress)
    dataset, hashes, notes = _readable(source, on_progress)
    known = {**hashes, **_hashes(tests)}
    identities = _identities(known, notes, on_progress)
    train, test = dataset.train, dataset.test
    if empty := [name for label, name in enumerate(train.classes) if not (train.labels == label).any()]:
        raise DatasetError(f"{train.root}: class {empty[0]!r} has no readable image to train on; add some or remove it")
    if test is not None:
        _refuse_small(test, TEST)
    elif recipe.holdout.test and dataset.held_out is None:
        try:
            train, test = stratified_holdout(train, recipe.holdout.test, recipe.seed + 1, identities, keep=4)
        except DatasetError as error:
            notes.append(f"no images are set aside for testing ({error})")
    if recipe.sampler.kind != "classes":
        listed = draw_list(train, recipe, identities)
        parts = Parts(listed.train, listed.held_out, test, hashes, listed.items, notes=tuple(notes))
    elif dataset.held_out is None:
        parts = Parts(*_hold_out(train, recipe.holdout, recipe.seed, identities), test, hashes, notes=tuple(notes))
    else:
        _refuse_small(dataset.held_out, HELD_OUT)
        parts = Parts(train, dataset.held_out, test, hashes, notes=tuple(notes))
    _refuse_straddling(parts, tests, known)
    return replace(parts, notes=(*parts.notes, *_near_copies(parts, tests, identities)))


def _split_answered(
    listed: ListedItems, recipe: Recipe, tests: Sequence[LabelledImages], on_progress: Progress | None
) -> Parts:
    hashes, notes = _look_at(listed.paths, on_progress)
    known = {**hashes, **_hashes(tests)}
    identities = _identities(known, notes, on_progress)
    divided, found = divide_answered(listed, recipe.holdout.calibration, recipe.seed, hashes, identities)
    parts = Parts(divided.train, divided.held_out, None, hashes, divided.items, divided.held_out_items)
    _refuse_straddling(parts, tests, known)
    return replace(parts, notes=(*notes, *found, *_near_copies(parts, tests, identities)))


def _hashes(tests: Iterable[LabelledImages]) -> dict[Path, str]:
    """The hash of each test image that can be read."""
    return content_hashes(path for images in tests for path in images.paths)[0]


def _identities(known: Mapping[Path, str], notes: list[str], on_progress: Progress | None) -> Mapping[Path, str]:
    """A name for each image that its copies share; its hash where they cannot be looked for."""
    if not can_compare():
        notes.append("near copies were not looked for, only equal bytes: pip install 'samekind[train]'")
    elif len(known) > MOST_IMAGES:
        notes.append(f"near copies were not looked for, only equal bytes: there are more than {MOST_IMAGES:,} images")
    else:
        return identities_of(known, partial(on_progress, "look for copies") if on_progress else None)
    return known


def _near_copies(parts: Parts, tests: Sequence[LabelledImages], identities: Mapping[Path, str]) -> list[str]:
    """How many images to measure on have a copy among those trained or calibrated on, for each part that has any."""
    used = {identities[path] for images in (parts.train, parts.held_out) for path in images.paths}
    told = []
    for images in (parts.test, *tests):
        found = [path for path in images.paths if identities.get(path) in used] if images else []
        if images and found:
            told.append(
                f"{len(found):,} of {len(images):,} test images of {images.root} have a near copy among those trained "
                f"or calibrated on, such as {found[0]}: what is measured on them looks better than it is "
                "(samekind data audit names them)"
            )
    trained = {identities[path] for path in parts.train.paths}
    if both := sum(identities[path] in trained for path in parts.held_out.paths):
        told.append(f"{both:,} of {len(parts.held_out):,} held-out images have a near copy among those trained on")
    return told


def _refuse_straddling(parts: Parts, tests: Iterable[LabelledImages], hashes: Mapping[Path, str]) -> None:
    """Make sure that no file is, byte for byte, on two sides: trained on, calibrated on, or tested on."""
    measured = [images for images in (parts.test, *tests) if images is not None]
    for known, others in ((parts.train, [parts.held_out, *measured]), (parts.held_out, measured)):
        for images in others:
            refuse_shared_images(known, images, hashes)


def keep_split(parts: Parts, run: RunFolder) -> None:
    """Write the parts into the folder of a run: a manifest from which the run can be repeated, and its digest."""
    write_manifest(run.split, parts.by_split)
    if parts.items is not None:
        run.keep_items(parts.items, parts.held_out_items)
    with replacing(run.digest, own=True) as temporary:
        temporary.write_text(parts.digest + "\n")


def read_split(
    run: RunFolder,
    tests: Sequence[LabelledImages] = (),
    *,
    on_progress: Progress | None = None,
) -> Parts:
    """The parts that a run began with.

    Args:
        run: The folder of the run.
        tests: Further test images.
        on_progress: As ``split_images``.

    Raises:
        TrainingError: An image has changed since.
        DatasetError: An image is gone, or a further test image is one of the run's.
    """
    kept = read_dataset(run.split, usable=False)  # it was seen to when the run began
    try:
        began_with = run.digest.read_text().strip()
    except OSError:
        raise TrainingError(f"{run.digest}: missing, so nobody knows which images the run began with") from None
    dataset, hashes, notes = _readable(kept, on_progress)
    assert dataset.held_out is not None  # keep_split wrote it
    parts = Parts(dataset.train, dataset.held_out, dataset.test, hashes, *run.read_items())
    if notes or parts.digest != began_with:
        what = f" ({notes[0]})" if notes else ""
        raise TrainingError(f"{run}: the images have changed since this run began{what}; start another with --run")
    _refuse_straddling(parts, tests, {**hashes, **_hashes(tests)})
    return parts


def _readable(dataset: Dataset, on_progress: Progress | None) -> tuple[Dataset, dict[Path, str], list[str]]:
    hashes, notes = _look_at([path for images in dataset.parts.values() for path in images.paths], on_progress)
    kept = {
        split: images.subset(np.flatnonzero([path in hashes for path in images.paths]))
        for split, images in dataset.parts.items()
    }
    return Dataset(kept[TRAIN], kept.get(HELD_OUT), kept.get(TEST)), hashes, notes


def _look_at(paths: Sequence[Path], on_progress: Progress | None) -> tuple[dict[Path, str], list[str]]:
    """The hash of each image that can be read, and a note on each other."""
    hashes: dict[Path, str] = {}
    notes = []
    for found in scan(paths, on_progress, stage="look at the images", total=len(paths)):
        if found.error is None and found.sha256 is not None:
            hashes[found.path] = found.sha256
        else:
            notes.append(f"left out: {found.error}")
    return hashes, notes


def _refuse_small(images: LabelledImages, part: str) -> None:
    """Make sure that there are genuine and impostor pairs to measure on, before hours of training."""
    counts = np.bincount(images.labels, minlength=len(images.classes))
    needed = f"{images.root}: the {part} part needs two classes, and two readable images of each"
    if len(counts) < 2:
        raise DatasetError(f"{needed}; it has one class")
    if counts.min() < 2:
        raise DatasetError(f"{needed}; class {images.classes[int(counts.argmin())]!r} has {counts.min()}")


def _hold_out(
    images: LabelledImages, holdout: HoldoutSection, seed: int, hashes: Mapping[Path, str]
) -> tuple[LabelledImages, LabelledImages]:
    if not holdout.classes:
        return stratified_holdout(images, holdout.calibration, seed, hashes)
    chosen = np.random.default_rng(seed).choice(sorted(images.classes), holdout.classes, replace=False)
    held_out = images.only_classes(frozenset(map(str, chosen)))
    train = images.only_classes(frozenset(images.classes) - frozenset(held_out.classes))
    # A picture that is in a class of either side belongs to training.
    trained_on = {hashes[path] for path in train.paths}
    return train, held_out.subset(np.flatnonzero([hashes[path] not in trained_on for path in held_out.paths]))
