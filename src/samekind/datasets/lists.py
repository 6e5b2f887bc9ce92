"""Lists of pairs, triplets and trios as CSV files.

Relative paths in a list are relative to the list's own folder, so a list and its images can move together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import Indices, Pairs, Trios
from samekind.datasets.tables import Row, read_rows
from samekind.errors import DatasetError
from samekind.system.paths import relative_path

PAIR_COLUMNS = ("first", "second")
TRIPLET_COLUMNS = ("anchor", "positive", "negative")
TRIO_COLUMNS = ("first", "second", "third")


@dataclass(frozen=True)
class ItemList:
    """A list as read.

    Attributes:
        columns: All column names, in order.
        rows: The rows as they stand in the file.
        items: The paths of each row's images, ready to open.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    items: list[tuple[Path, ...]]


def pair_rows(split: str, images: LabelledImages, pairs: Pairs, folder: Path) -> list[Row]:
    """Rows of a list of pairs, with paths relative to ``folder``."""
    return [
        {
            "split": split,
            **_paths(PAIR_COLUMNS, images, item, folder),
            "same": str(int(same)),
            "first_class": images.classes[images.labels[item[0]]],
            "second_class": images.classes[images.labels[item[1]]],
        }
        for item, same in zip(pairs.images, pairs.same, strict=True)
    ]


def triplet_rows(split: str, images: LabelledImages, triplets: Indices, folder: Path) -> list[Row]:
    """Rows of a list of training triplets, with paths relative to ``folder``."""
    return [
        {
            "split": split,
            **_paths(TRIPLET_COLUMNS, images, item, folder),
            "class": images.classes[images.labels[item[0]]],
            "negative_class": images.classes[images.labels[item[2]]],
        }
        for item in triplets
    ]


def trio_rows(split: str, images: LabelledImages, trios: Trios, folder: Path) -> list[Row]:
    """Rows of a list of trios to be judged, with paths relative to ``folder``."""
    return [
        {
            "split": split,
            **_paths(TRIO_COLUMNS, images, item, folder),
            "same": str(int(composition != "ABC")),
            "composition": str(composition),
            "classes": " ".join(images.classes[images.labels[i]] for i in item),
        }
        for item, composition in zip(trios.images, trios.composition, strict=True)
    ]


def list_folder(path: Path) -> Path | None:
    """The folder that a new list's paths are relative to: its own, or None for a pipe, which lies nowhere."""
    return path.parent if not path.exists() or path.is_file() else None


def read_list(path: Path, image_columns: Sequence[str]) -> ItemList:
    """Read a CSV list. It must have the image columns by name; all others are kept as they are.

    Args:
        path: The file.
        image_columns: Which columns hold paths, such as ``PAIR_COLUMNS``.

    Raises:
        DatasetError: The file is missing, not text, lacks a column or an entry, or holds no row.
    """
    columns, numbered = read_rows(path, image_columns)
    items = []
    for number, row in numbered:
        if empty := [name for name in image_columns if not row[name]]:
            raise DatasetError(f"{path}: line {number} has no {empty[0]}; write its path or remove the line")
        items.append(tuple(path.parent / row[name] for name in image_columns))
    return ItemList(columns, [row for _, row in numbered], items)


def _paths(columns: Sequence[str], images: LabelledImages, item: Indices, folder: Path) -> Row:
    return {column: relative_path(images.paths[i], folder) for column, i in zip(columns, item, strict=True)}
