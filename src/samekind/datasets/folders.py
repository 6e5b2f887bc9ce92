"""Class folders: one folder a class, its images inside; with or without ``train``, ``val`` and ``test`` above."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver, walk
from samekind.images.ignoring import is_hidden, is_system_folder

# What the folders of the parts may be called, in any case.
_TRAIN_NAMES = ("train", "training")
_VALID_NAMES = ("val", "valid", "validation", "dev")
_TEST_NAMES = ("test", "testing")


@dataclass(frozen=True)
class LabelledImages:
    """Images with their classes, in a fixed order (of class folders: by class, then by name).

    Attributes:
        root: The folder that holds the class folders, or the CSV manifest.
        paths: The N image files.
        labels: int64 (N,), each an index into ``classes``.
        classes: The names of the classes, sorted.
    """

    root: Path
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def counts(self) -> dict[str, int]:
        """How many images each class has."""
        numbers = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, numbers, strict=True))

    def subset(self, indices: NDArray[np.int64]) -> LabelledImages:
        """The images at ``indices`` (int64 (M,)), under the same classes."""
        return LabelledImages(self.root, tuple(self.paths[i] for i in indices), self.labels[indices], self.classes)

    def only_classes(self, names: frozenset[str]) -> LabelledImages:
        """The images of the named classes, relabelled 0 to len(names) - 1.

        Raises:
            DatasetError: A name is no class of these images.
        """
        if unknown := sorted(names - set(self.classes)):
            raise DatasetError(f"{self.root}: no class {unknown[0]!r}; classes are {', '.join(self.classes)}")
        kept = [i for i, name in enumerate(self.classes) if name in names]
        images = self.subset(np.flatnonzero(np.isin(self.labels, kept)))
        return LabelledImages(
            self.root,
            images.paths,
            np.searchsorted(kept, images.labels).astype(np.int64),
            tuple(self.classes[i] for i in kept),
        )


@dataclass(frozen=True)
class SplitFolders:
    """The folders of the parts of a data set, each with class folders in it.

    Attributes:
        train: To train on.
        held_out: For the calibration and the thresholds: ``val`` where there is a ``test`` beside it.
        test: Only measured on: ``test``, or ``val`` where there is no ``test``.
        beside: Names of folders beside them, which are passed over.
    """

    train: Path | None
    held_out: Path | None
    test: Path | None
    beside: tuple[str, ...]


def read_class_folders(
    folder: str | os.PathLike[str], *, exclude: Sequence[str] = (), passed: PassedOver | None = None
) -> LabelledImages:
    """List the images of a folder of class folders. No image is opened.

    Which files count is said in ``images.folder_contents``. Images in subfolders of a class count as its own.

    Args:
        folder: Holds one folder a class.
        exclude: Patterns in gitignore's form of what to pass over.
        passed: Where to count what is passed over; images that lie beside the class folders are.

    Raises:
        DatasetError: The folder is missing or cannot be listed, has no class folders, or one of them holds no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder")
    over = PassedOver()
    of_class: dict[str, list[str]] = {}
    try:
        for image in walk(root, over, exclude=exclude):
            name, inside, rest = image.name.partition("/")
            if inside:
                of_class.setdefault(name, []).append(rest)
            else:
                over.without_class += 1
    except OSError as error:
        raise DatasetError(f"{root}: cannot be listed ({error.strerror})") from error
    if unlisted := [(name, reason) for name, reason in over.unlisted if name.endswith("/")]:
        name, reason = unlisted[0]
        raise DatasetError(f"{root / name}: cannot be listed ({reason}); give yourself the right, or exclude it")
    folders = [name for name in sorted(_subfolders(root)) if name not in over.folders]
    if not folders:
        what = "everything in it is excluded" if over.excluded else "no class folders"
        raise DatasetError(f"{root}: {what}; put the images of each class in a folder of their own")
    if empty := [name for name in folders if name not in of_class]:
        raise DatasetError(f"{root / empty[0]}: a class without images; add some or remove the folder")
    if passed is not None:
        passed.add(over)
    classes = tuple(sorted(of_class))
    paths = [root / name / rest for name in classes for rest in sorted(of_class[name], key=PurePosixPath)]
    labels = [label for label, name in enumerate(classes) for _ in of_class[name]]
    return LabelledImages(root, tuple(paths), np.array(labels, np.int64), classes)


def find_splits(folder: str | os.PathLike[str]) -> SplitFolders | None:
    """The folders ``train``, ``val`` and ``test`` (and what else they may be called) with class folders in each.

    Returns:
        None if there is no folder of such a name, or those that there are hold images themselves: then they are
        classes, of trains, say.

    Raises:
        DatasetError: There are two folders for the same part.
    """
    root = Path(folder)
    if not root.is_dir():
        return None
    names = sorted(_subfolders(root))
    found: dict[tuple[str, ...], str] = {}
    for name in names:
        for part in (_TRAIN_NAMES, _VALID_NAMES, _TEST_NAMES):
            if name.lower() in part and _subfolders(root / name):
                if part in found:
                    raise DatasetError(
                        f"{root}: holds {found[part]} and {name}, which mean the same part; put them together, "
                        "or move one away"
                    )
                found[part] = name
    train, valid, test = (
        root / found[part] if part in found else None for part in (_TRAIN_NAMES, _VALID_NAMES, _TEST_NAMES)
    )
    if train is None and (valid is None or test is None):
        return None
    beside = tuple(name for name in names if name not in found.values())
    return SplitFolders(train, valid if test else None, test or valid, beside)


def refuse_odd_classes(train: LabelledImages, other: LabelledImages) -> None:
    """Make sure that two parts have the same classes.

    Raises:
        DatasetError: One is only in one of them.
    """
    if odd := sorted(set(train.classes) ^ set(other.classes)):
        raise DatasetError(
            f"{train.root.parent}: class {odd[0]!r} is in only one of {train.root.name} and {other.root.name}"
        )


def _subfolders(folder: Path) -> list[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    return [e.name for e in entries if e.is_dir() and not is_hidden(e.name) and not is_system_folder(e.name)]
