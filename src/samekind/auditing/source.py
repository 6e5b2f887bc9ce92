"""The images of an audit: of all parts of a data set together, or of a folder without classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.dataset import Dataset, read_dataset
from samekind.datasets.manifest import TRAIN
from samekind.errors import DatasetError
from samekind.images.folder_contents import walk
from samekind.system.paths import given_path


def refuse_what_is_read(output: str | os.PathLike[str], *read: str | os.PathLike[str]) -> None:
    """Refuse to write over what is read.

    Raises:
        DatasetError: The output is one of the files that are read.
    """
    if Path(output).resolve() in {Path(source).resolve() for source in read}:
        raise DatasetError(f"{os.fspath(output)}: is one of the inputs; name another file to write")


@dataclass(frozen=True)
class Sourced:
    """Images with their classes and parts.

    Attributes:
        name: What they are called: the folder or list, as it was given.
        paths: The N images.
        labels: int64 (N,), each an index into ``classes``.
        classes: The names of the classes, sorted; one empty name where there are none.
        splits: The part of each image.
    """

    name: str
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    splits: tuple[str, ...]

    def subset(self, places: Sequence[int]) -> Sourced:
        """Some of the images, and the classes that they have."""
        present, labels = np.unique(self.labels[list(places)], return_inverse=True)
        return Sourced(
            self.name,
            tuple(self.paths[place] for place in places),
            labels.astype(np.int64).reshape(-1),
            tuple(self.classes[label] for label in present),
            tuple(self.splits[place] for place in places),
        )


def read_to_audit(images: object, exclude: Sequence[str] = ()) -> Sourced:
    """List the images of a source. No image is opened.

    Args:
        images: What ``read_dataset`` takes, or a folder of pictures without class folders.
        exclude: Patterns in gitignore's form of what to pass over in folders.

    Raises:
        DatasetError: They cannot be listed, or there are none.
    """
    name = os.fspath(images) if isinstance(images, str | os.PathLike) else "the images"
    folder = given_path(images, DatasetError) if isinstance(images, str | os.PathLike) else None
    if folder is not None and folder.is_dir() and (flat := _without_classes(folder, exclude)):
        return Sourced(name, flat, np.zeros(len(flat), np.int64), ("",), (TRAIN,) * len(flat))
    dataset = (
        images
        if isinstance(images, Dataset)
        else read_dataset(images, same_classes=False, usable=False, exclude=exclude)
    )
    classes = sorted({label for part in dataset.parts.values() for label in part.classes})
    rows = [
        (path, classes.index(part.classes[label]), split)
        for split, part in dataset.parts.items()
        for path, label in zip(part.paths, part.labels.tolist(), strict=True)
    ]
    if not rows:
        raise DatasetError(f"{name}: holds no images")
    paths, labels, splits = zip(*rows, strict=True)
    return Sourced(name, paths, np.array(labels, np.int64), tuple(classes), splits)


def _without_classes(folder: Path, exclude: Sequence[str]) -> tuple[Path, ...]:
    """The images of a folder in which all lie directly; none if any lies in a folder of its own."""
    try:
        found = [Path(image.path) for image in walk(folder, exclude=exclude)]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    return tuple(sorted(found)) if all(path.parent == folder for path in found) else ()
