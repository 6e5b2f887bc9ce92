"""CSV manifests: one line an image, with its class and, if wanted, the split that it belongs to.

A manifest names what class folders cannot: which images are held out for the links and thresholds, and test classes
that training never sees::

    path,label,split
    photos/0001.jpg,mug,train
    photos/0002.jpg,mug,held-out
    photos/0003.jpg,jug,test

Relative paths are relative to the manifest's own folder. Columns beyond these three are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from samekind.datasets.folders import TEST_FOLDERS, LabelledImages
from samekind.datasets.lists import Row, new_list, read_rows, relative_path, write_rows
from samekind.errors import DatasetError

COLUMNS = ("path", "label", "split")
TRAIN, HELD_OUT, TEST = SPLITS = ("train", "held-out", "test")
# The names that the test folder may have, so that a list of such folders can say the same.
_SPLIT_OF = {name: name for name in SPLITS} | dict.fromkeys(TEST_FOLDERS, TEST)


@dataclass(frozen=True)
class Manifest:
    """A manifest as read.

    Attributes:
        parts: The images of each split that occurs: train, held-out, test.
        has_splits: Whether it has a column ``split``; without one all images are in ``train``.
    """

    parts: dict[str, LabelledImages]
    has_splits: bool


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    r"""Read a CSV manifest. No image is opened, but each must be there.

    ``val``, ``valid`` and ``validation`` mean ``test``. Images keep the order of the file. The classes of a part are
    the labels that occur in it, sorted, so those of two parts may differ.

    Args:
        path: CSV, UTF-8, whose first line names the columns ``path``, ``label`` and, if wanted, ``split``.

    Raises:
        DatasetError: It cannot be read, or a line of it is wrong; the message has the number of the line.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("1.jpg", "2.jpg"):
        ...         Path(folder, name).touch()
        ...     _ = Path(folder, "list.csv").write_text("path,label,split\n1.jpg,mug,train\n2.jpg,jug,val\n")
        ...     {split: images.classes for split, images in read_manifest(f"{folder}/list.csv").parts.items()}
        {'train': ('mug',), 'test': ('jug',)}
    """
    manifest = Path(path)
    columns, rows = read_rows(manifest, COLUMNS[:2])
    has_splits = COLUMNS[2] in columns
    listed: dict[str, list[Row]] = {}
    first_line: dict[str, int] = {}
    for line, row in rows:
        where = f"{manifest}: line {line}"
        if not row["path"].strip():
            raise DatasetError(f"{where} has no path; write one or remove the line")
        if not row["label"].strip():
            raise DatasetError(f"{where} has no label for {row['path']}; write its class or remove the line")
        split = _split(row["split"], where) if has_splits else TRAIN
        # Only as it is spelt: the same image by another name shows in its bytes.
        spelling = os.path.normpath(row["path"])
        if spelling in first_line:
            raise DatasetError(
                f"{where} has {row['path']} again, first on line {first_line[spelling]}; "
                "an image has one label and one split: remove one of the lines"
            )
        first_line[spelling] = line
        listed.setdefault(split, []).append(row)
    _refuse_missing(manifest, rows)
    return Manifest({split: _part(manifest, listed[split]) for split in SPLITS if split in listed}, has_splits)


def write_manifest(path: str | os.PathLike[str], parts: Mapping[str, LabelledImages]) -> None:
    """Write a manifest, whole or not at all, that reads back as the same images, labels and splits in the same order.

    Paths are written relative to the manifest's folder.

    Args:
        path: The CSV file to write.
        parts: The images of each split: train, held-out, test.

    Raises:
        DatasetError: A split has another name.
        OSError: The file cannot be written.
    """
    manifest = Path(path)
    rows = [
        {
            "path": relative_path(image, manifest.parent),
            "label": images.classes[label],
            "split": _split(split, str(manifest)),
        }
        for split, images in parts.items()
        for image, label in zip(images.paths, images.labels, strict=True)
    ]
    with new_list(manifest) as file:
        write_rows(file, COLUMNS, rows)


def _split(name: str, where: str) -> str:
    wanted = name.strip().lower()
    if wanted in _SPLIT_OF:
        return _SPLIT_OF[wanted]
    if not wanted:
        raise DatasetError(f"{where} has no split; write {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    nearest = get_close_matches(wanted, _SPLIT_OF, n=1)
    hint = f"is {nearest[0]!r} meant?" if nearest else f"splits are {', '.join(SPLITS)}"
    raise DatasetError(f"{where} has the unknown split {name!r}; {hint}")


def _refuse_missing(manifest: Path, rows: Sequence[tuple[int, Row]]) -> None:
    missing = [(line, row["path"]) for line, row in rows if not (manifest.parent / row["path"]).is_file()]
    if missing:
        line, name = missing[0]
        more = f", and {len(missing) - 1:,} more of {len(rows):,} files" if len(missing) > 1 else ""
        raise DatasetError(
            f"{manifest}: line {line}: no such file {manifest.parent / name}{more} "
            f"(paths are relative to {manifest.parent}, the manifest's folder)"
        )


def _part(manifest: Path, rows: Sequence[Row]) -> LabelledImages:
    classes = tuple(sorted({row["label"] for row in rows}))
    number = {name: i for i, name in enumerate(classes)}
    return LabelledImages(
        manifest,
        tuple(manifest.parent / row["path"] for row in rows),
        np.array([number[row["label"]] for row in rows], np.int64),
        classes,
    )
