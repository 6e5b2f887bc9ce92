"""CSV manifests: one line an image, with its class and, if wanted, the split that it belongs to.

A manifest names what class folders cannot: which images are held out for probabilities and thresholds, and test classes
that training never sees::

    path,label,split
    photos/0001.jpg,mug,train
    photos/0002.jpg,mug,held-out
    photos/0003.jpg,jug,test

Relative paths are relative to the manifest's own folder. Columns beyond these three are passed over. Lists that others
made are understood, too: other names of the columns, semicolons or tabs, UTF-16, backslashes in paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from samekind.datasets.folders import LabelledImages
from samekind.datasets.tables import new_list, read_rows, write_rows
from samekind.errors import DatasetError
from samekind.system.paths import refuse_address, relative_path

COLUMNS = ("path", "label", "split")
TRAIN, HELD_OUT, TEST = SPLITS = ("train", "held-out", "test")
# What others call the columns, the likeliest first.
SYNONYMS = {
    "path": (
        "image",
        "file",
        "filename",
        "file_name",
        "filepath",
        "image_path",
        "image_file",
        "img",
        "img_path",
        "name",
    ),
    "label": ("class", "category", "label_name", "class_name", "target", "species", "y"),
    "split": ("subset", "set", "partition", "fold_name", "part"),
}
_TRAIN_WORDS = frozenset({"train", "training"})
_VALID_WORDS = frozenset({"val", "valid", "validation", "dev"})
_TEST_WORDS = frozenset({"test", "testing"})
_HELD_OUT_WORDS = frozenset({"held-out", "held_out"})


@dataclass(frozen=True)
class Manifest:
    """A manifest, or another list of labelled images, as read.

    Attributes:
        source: The file, or what messages call a list in memory.
        parts: The images of each split that occurs: train, held-out, test.
        has_splits: Whether it says what is for what; if not, all images are in ``train``.
    """

    source: Path
    parts: dict[str, LabelledImages]
    has_splits: bool


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    r"""Read a CSV manifest. No image is opened, but each must be there.

    ``val``, ``valid`` and ``validation`` mean ``test``, or, where there are rows of ``test`` besides and none of
    ``held-out``, that. Images keep the order of the file. The classes of a part are
    the labels that occur in it, sorted, so those of two parts may differ.

    Args:
        path: CSV whose first line names the columns ``path``, ``label`` and, if wanted, ``split``.

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
    columns, rows = read_rows(manifest, COLUMNS[:2], SYNONYMS)
    has_splits = COLUMNS[2] in columns
    names = split_names([row["split"] for _, row in rows] if has_splits else [])
    listed: dict[str, list[tuple[Path, str]]] = {}
    first_line: dict[str, int] = {}
    missing: list[tuple[int, Path]] = []
    for line, row in rows:
        where = f"{manifest}: line {line}"
        if not row["path"].strip():
            raise DatasetError(f"{where} has no path; write one or remove the line")
        if not row["label"].strip():
            raise DatasetError(f"{where} has no label for {row['path']}; write its class or remove the line")
        split = _split(row["split"], where, names) if has_splits else TRAIN
        image = _image(manifest, row["path"])
        # Only as it is spelt: the same image by another name shows in its bytes.
        spelling = os.path.normpath(image)
        if spelling in first_line:
            raise DatasetError(
                f"{where} has {row['path']} again, first on line {first_line[spelling]}; "
                "an image has one label and one split: remove one of the lines"
            )
        first_line[spelling] = line
        listed.setdefault(split, []).append((image, row["label"]))
        if not image.is_file():
            missing.append((line, image))
    _refuse_missing(manifest, missing, len(rows))
    return Manifest(manifest, in_splits(manifest, listed), has_splits)


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
            "split": _split(split, str(manifest), split_names(())),
        }
        for split, images in parts.items()
        for image, label in zip(images.paths, images.labels, strict=True)
    ]
    with new_list(manifest) as file:
        write_rows(file, COLUMNS, rows)


def split_names(words: Iterable[str]) -> dict[str, str]:
    """Which split each word means, given the words that occur together."""
    folded = {word.strip().lower() for word in words}
    in_three = folded & _TEST_WORDS and not folded & _HELD_OUT_WORDS
    return (
        dict.fromkeys(_TRAIN_WORDS, TRAIN)
        | dict.fromkeys(_HELD_OUT_WORDS, HELD_OUT)
        | dict.fromkeys(_TEST_WORDS, TEST)
        | dict.fromkeys(_VALID_WORDS, HELD_OUT if in_three else TEST)
    )


def in_splits(source: Path, rows: Mapping[str, Sequence[tuple[Path, str]]]) -> dict[str, LabelledImages]:
    """The images of each split, of its (path, label) rows in their order."""
    return {split: labelled(source, rows[split]) for split in SPLITS if split in rows}


def labelled(root: Path, rows: Sequence[tuple[Path, str]]) -> LabelledImages:
    """Images of (path, label) rows, in their order."""
    classes = tuple(sorted({label for _, label in rows}))
    number = {name: i for i, name in enumerate(classes)}
    return LabelledImages(
        root, tuple(path for path, _ in rows), np.array([number[label] for _, label in rows], np.int64), classes
    )


def _split(name: str, where: str, names: Mapping[str, str]) -> str:
    wanted = name.strip().lower()
    if wanted in names:
        return names[wanted]
    if not wanted:
        raise DatasetError(f"{where} has no split; write {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    nearest = get_close_matches(wanted, names, n=1)
    hint = f"is {nearest[0]!r} meant?" if nearest else f"splits are {', '.join(SPLITS)}"
    raise DatasetError(f"{where} has the unknown split {name!r}; {hint}")


def _image(manifest: Path, written: str) -> Path:
    """The file that a row means: as it is written, or without blanks around it, or with a Windows path's slashes."""
    refuse_address(written, DatasetError)
    image = manifest.parent / written
    if image.is_file():
        return image
    plain = written.strip()
    for spelling in (plain, plain.replace("\\", "/"), os.path.expanduser(plain)):  # noqa: PTH111 - text in, text out
        if (manifest.parent / spelling).is_file():
            return manifest.parent / spelling
    return image


def _refuse_missing(manifest: Path, missing: Sequence[tuple[int, Path]], total: int) -> None:
    if missing:
        line, image = missing[0]
        more = f", and {len(missing) - 1:,} more of {total:,} files" if len(missing) > 1 else ""
        raise DatasetError(
            f"{manifest}: line {line}: no such file {image}{more} "
            f"(paths are relative to {manifest.parent}, the manifest's folder)"
        )
