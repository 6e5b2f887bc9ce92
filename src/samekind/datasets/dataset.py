"""Labelled images from wherever they are listed: class folders, or a CSV manifest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from samekind.datasets.folders import TEST_FOLDERS, LabelledImages, read_train_and_test
from samekind.datasets.manifest import HELD_OUT, SPLITS, TEST, TRAIN, read_manifest
from samekind.errors import DatasetError


@dataclass(frozen=True)
class Dataset:
    """Labelled images by what they are for.

    Attributes:
        train: To train on, and to hold images out from where ``held_out`` is None.
        held_out: To fit the links and thresholds on; only a manifest can name them.
        test: Only ever to measure on, or None.
    """

    train: LabelledImages
    held_out: LabelledImages | None = None
    test: LabelledImages | None = None

    @property
    def parts(self) -> dict[str, LabelledImages]:
        """The parts that there are, by the names of their splits."""
        parts = zip(SPLITS, (self.train, self.held_out, self.test), strict=True)
        return {split: images for split, images in parts if images is not None}


def read_dataset(source: str | os.PathLike[str], *, same_classes: bool = True) -> Dataset:
    """List the images of class folders or of a CSV manifest. No image is opened.

    Args:
        source: One folder a class; or ``train`` and ``val`` (or another of ``TEST_FOLDERS``) with such folders in
            each; or a CSV file as ``manifest.read_manifest`` describes it.
        same_classes: Refuse folders ``train`` and ``val`` with different classes. A manifest may always have them: who
            names the split of each image means it.

    Raises:
        DatasetError: There is nothing of that name, it cannot be read, or names no images to train on.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jug", "mug"):
        ...         Path(folder, name).mkdir()
        ...         Path(folder, name, "1.jpg").touch()
        ...     dataset = read_dataset(folder)
        >>> dataset.train.classes, dataset.held_out, dataset.test
        (('jug', 'mug'), None, None)
    """
    path = _existing(source)
    if path.is_dir():
        train, test = read_train_and_test(path, same_classes=same_classes)
        return Dataset(train, None, test)
    parts = read_manifest(path).parts
    if TRAIN not in parts:
        raise DatasetError(f"{path}: no line has the split {TRAIN!r}, so there is nothing to train on")
    return Dataset(parts[TRAIN], parts.get(HELD_OUT), parts.get(TEST))


def read_test_images(source: str | os.PathLike[str]) -> LabelledImages:
    """List the test images of class folders or of a CSV manifest; all images where there is no split.

    Args:
        source: As ``read_dataset`` takes it. A manifest may have test images only.

    Raises:
        DatasetError: As ``read_dataset``, or it is split and has no test part.
    """
    path = _existing(source)
    if path.is_dir():
        images, test = read_train_and_test(path)
        if test is None and images.root != path:
            raise DatasetError(
                f"{path}: has train but no {' or '.join(TEST_FOLDERS)}; name the class folders to test on"
            )
        return test or images
    manifest = read_manifest(path)
    if TEST in manifest.parts:
        return manifest.parts[TEST]
    if manifest.has_splits:
        raise DatasetError(f"{path}: no line has the split {TEST!r}; name one, or a manifest without splits")
    return manifest.parts[TRAIN]


def _existing(source: str | os.PathLike[str]) -> Path:
    path = Path(source)
    if not path.exists():
        raise DatasetError(f"{path}: no such folder, and no such CSV file")
    return path
