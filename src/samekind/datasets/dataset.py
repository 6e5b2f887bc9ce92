"""Labelled images from wherever they are: class folders, lists, tables, archives, or objects in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samekind.datasets.checking.usable import refuse_unusable
from samekind.datasets.folders import (
    LabelledImages,
    SplitFolders,
    find_splits,
    read_class_folders,
    refuse_odd_classes,
)
from samekind.datasets.manifest import HELD_OUT, SPLITS, TEST, TRAIN, Manifest, read_manifest
from samekind.datasets.sources import read_source
from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver
from samekind.system.paths import given_path


@dataclass(frozen=True)
class Dataset:
    """Labelled images by what they are for.

    Attributes:
        train: To train on, and to hold images out from where ``held_out`` is None.
        held_out: To fit the calibration and thresholds on, if they are named.
        test: Only ever to measure on, or None.
        passed: What of the folders was passed over.
        beside: Folders beside ``train`` that are no part, and were passed over.
    """

    train: LabelledImages
    held_out: LabelledImages | None = None
    test: LabelledImages | None = None
    passed: PassedOver = field(default_factory=PassedOver, compare=False)
    beside: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, LabelledImages]:
        """The parts that there are, by the names of their splits."""
        parts = zip(SPLITS, (self.train, self.held_out, self.test), strict=True)
        return {split: images for split, images in parts if images is not None}

    @property
    def passed_over(self) -> list[str]:
        """What was passed over, in words: one sentence for each reason."""
        beside = f"folders beside train that are no part of the data: {', '.join(self.beside)}"
        return [*self.passed.sentences(), *([beside] if self.beside else [])]


def read_dataset(
    source: object, *, same_classes: bool = True, usable: bool = True, exclude: Sequence[str] = ()
) -> Dataset:
    """List the images of a data set. No image is opened.

    Args:
        source: One folder a class; or ``train``, ``val`` and ``test`` with such folders in each, where ``val`` means
            held-out images, or test images if there is no ``test``; or a CSV file as ``manifest.read_manifest``
            describes it; or what ``sources.read_source`` takes.
        same_classes: Refuse folders ``train`` and ``val`` with different classes. A manifest may always have them: who
            names the split of each image means it.
        usable: Refuse one class alone, and classes of one image.
        exclude: Patterns in gitignore's form of what to pass over in folders.

    Raises:
        DatasetError: There is nothing of that name, it cannot be read, names no images to train on, or has not the
            images that it must.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jug", "mug"):
        ...         Path(folder, name).mkdir()
        ...         for number in range(2):
        ...             Path(folder, name, f"{number}.jpg").touch()
        ...     dataset = read_dataset(folder)
        >>> dataset.train.classes, dataset.held_out, dataset.test
        (('jug', 'mug'), None, None)
    """
    dataset = _read(source, exclude, same_classes=same_classes)
    if usable:
        refuse_unusable(dataset.train)
        for split, images in dataset.parts.items():
            if split != TRAIN:
                refuse_unusable(images, part=split)
    return dataset


def read_test_images(source: object, *, usable: bool = True, exclude: Sequence[str] = ()) -> LabelledImages:
    """List the test images of a data set; all images where there is no split.

    Args:
        source: As ``read_dataset`` takes it. A list may have test images only.
        usable: As ``read_dataset``.
        exclude: Patterns in gitignore's form of what to pass over in folders.

    Raises:
        DatasetError: As ``read_dataset``, or it is split and has no test part.
    """
    images = _read_test_images(source, exclude)
    if usable:
        refuse_unusable(images)
    return images


def _read(source: object, exclude: Sequence[str], *, same_classes: bool) -> Dataset:
    match _find(source):
        case Path() as folder:
            passed = PassedOver()
            return Dataset(read_class_folders(folder, exclude=exclude, passed=passed), passed=passed)
        case SplitFolders() as folders:
            return _read_parts(folders, exclude, same_classes=same_classes)
        case Manifest(source=name, parts=parts):
            if TRAIN not in parts:
                raise DatasetError(f"{name}: no line has the split {TRAIN!r}, so there is nothing to train on")
            return Dataset(parts[TRAIN], parts.get(HELD_OUT), parts.get(TEST))


def _read_parts(folders: SplitFolders, exclude: Sequence[str], *, same_classes: bool) -> Dataset:
    if folders.train is None:
        there = folders.test or folders.held_out
        assert there is not None  # or the folder were not one of parts
        raise DatasetError(f"{there.parent}: has no train folder beside {there}; nothing to train on")
    passed = PassedOver()
    train, held_out, test = (
        None if folder is None else read_class_folders(folder, exclude=exclude, passed=passed)
        for folder in (folders.train, folders.held_out, folders.test)
    )
    assert train is not None  # its folder is there
    if same_classes:
        for other in (held_out, test):
            if other is not None:
                refuse_odd_classes(train, other)
    return Dataset(train, held_out, test, passed, folders.beside)


def _read_test_images(source: object, exclude: Sequence[str]) -> LabelledImages:
    match _find(source):
        case Path() as folder:
            return read_class_folders(folder, exclude=exclude)
        case SplitFolders(train=train, test=test):
            if test is None:
                assert train is not None  # it is alone
                raise DatasetError(f"{train.parent}: has train but no val or test; name the class folders to test on")
            images = read_class_folders(test, exclude=exclude)
            if train is not None:
                refuse_odd_classes(read_class_folders(train, exclude=exclude), images)
            return images
        case Manifest(source=name, parts=parts, has_splits=has_splits):
            if TEST not in parts and has_splits:
                raise DatasetError(f"{name}: no line has the split {TEST!r}; name one, or a manifest without splits")
            return parts[TEST if TEST in parts else TRAIN]


def _find(source: object) -> Path | SplitFolders | Manifest:
    """What a source is: one folder of class folders, such folders for each part, or a list of images."""
    if not isinstance(source, str | os.PathLike):
        return read_source(source)
    path = given_path(source, DatasetError)
    if not path.exists():
        raise DatasetError(f"{path}: no such folder, and no such CSV file")
    if _is_table(path):
        return read_source(path)
    return find_splits(path) or path if path.is_dir() else read_manifest(path)


def _is_table(path: Path) -> bool:
    """Whether a path is no folder of class folders and no CSV file, but Parquet or WebDataset."""
    if path.is_dir():
        return not any(entry.is_dir() and entry.name[0] != "." for entry in path.iterdir()) and any(
            entry.suffix.lower() in {".parquet", ".tar"} for entry in path.iterdir()
        )
    return path.suffix.lower() in {".parquet", ".tar"}
