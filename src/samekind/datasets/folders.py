"""Class folders: one folder a class, its images inside; with or without ``train`` and ``val`` above."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.errors import DatasetError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".heic"}
)


# Where the test images lie beside a folder "train", the first that exists.
TEST_FOLDERS = ("val", "valid", "validation", "test")


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


def read_class_folders(folder: str | os.PathLike[str]) -> LabelledImages:
    """List the images of a folder of class folders. No image is opened.

    Hidden files and folders, and files without an image's suffix, are passed over. Images in subfolders of a class
    count.

    Args:
        folder: Holds one folder a class.

    Raises:
        DatasetError: The folder is missing, has no class folders, or one of them holds no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder")
    class_folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and entry.name[0] != ".")
    if not class_folders:
        raise DatasetError(f"{root}: no class folders; put the images of each class in a folder of their own")
    paths: list[Path] = []
    labels: list[int] = []
    for label, class_folder in enumerate(class_folders):
        images = sorted(path for path in class_folder.rglob("*") if _is_image(path, class_folder))
        if not images:
            raise DatasetError(f"{class_folder}: a class without images; add some or remove the folder")
        paths += images
        labels += [label] * len(images)
    return LabelledImages(
        root, tuple(paths), np.array(labels, np.int64), tuple(folder.name for folder in class_folders)
    )


def read_train_and_test(
    folder: str | os.PathLike[str], *, same_classes: bool = True
) -> tuple[LabelledImages, LabelledImages | None]:
    """Read ``folder/train`` and ``folder/val`` (or another of ``TEST_FOLDERS``), or else the folder as one whole.

    Args:
        folder: Class folders, or such parts with class folders in each.
        same_classes: Refuse parts with different classes: a folder that is misspelt in one of them, mostly.

    Returns:
        The images to train on, and those to test on, or None if the folder is not split.

    Raises:
        DatasetError: As ``read_class_folders``, or the two parts have different classes.
    """
    root = Path(folder)
    # A folder "train" without class folders in it is a class of its own: trains, say.
    if not any(entry.is_dir() for entry in (root / "train").glob("*")):
        return read_class_folders(root), None
    train = read_class_folders(root / "train")
    test_folder = next((root / name for name in TEST_FOLDERS if (root / name).is_dir()), None)
    if test_folder is None:
        return train, None
    test = read_class_folders(test_folder)
    if same_classes and train.classes != test.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        raise DatasetError(f"{root}: class {odd[0]!r} is in only one of train and {test_folder.name}")
    return train, test


def _is_image(path: Path, class_folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(class_folder).parts)
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file()
