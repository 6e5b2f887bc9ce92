"""Sources beside folders and CSV: Parquet, WebDataset, pandas, Hugging Face ``datasets``, or any rows of your own.

Each is read through one small interface: it yields ``SourceRow``, an image (its path or its bytes), its label and, if
it has one, its split. Training needs files, so bytes are written to a cache folder, each under its SHA-256, and that
is said. The folder is ``SAMEKIND_CACHE``, or else ``samekind`` in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samekind.datasets.manifest import SPLITS, SYNONYMS, TRAIN, Manifest, in_splits, split_names
from samekind.errors import DatasetError, MissingExtraError
from samekind.images.formats import HEAD, has_image_suffix, sniff
from samekind.system.atomic import replacing
from samekind.system.paths import given_path

logger = logging.getLogger("samekind")

_LABEL_SUFFIXES = (".cls", ".label", ".class", ".txt")
_BATCH = 256


@dataclass(frozen=True)
class SourceRow:
    """One labelled image of a source.

    Attributes:
        image: Its path, or its encoded bytes.
        label: Its class.
        split: train, val, test or held-out; None where the source is not split.
    """

    image: str | os.PathLike[str] | bytes
    label: str
    split: str | None = None


def read_source(source: object) -> Manifest:
    """The images of a source, by split.

    Args:
        source: The path of a Parquet file, of a ``.tar`` of WebDataset, or of a folder of either; a pandas frame; a
            ``datasets.Dataset`` or ``DatasetDict``; or any iterable of ``SourceRow`` or of (image, label) or (image,
            label, split).

    Raises:
        DatasetError: It is none of these, or has a row that cannot be used.
        MissingExtraError: What reads it is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = [Path(folder, f"{number}.jpg") for number in range(2)]
        ...     _ = [path.touch() for path in paths]
        ...     parts = read_source([(paths[0], "jug", "train"), (paths[1], "mug", "test")]).parts
        >>> {split: images.classes for split, images in parts.items()}
        {'train': ('jug',), 'test': ('mug',)}
    """
    name, rows = _rows(source)
    listed = list(_filed(name, rows))
    if not listed:
        raise DatasetError(f"{name}: holds no images")
    names = split_names(split for _, _, split in listed if split is not None)
    parts: dict[str, list[tuple[Path, str]]] = {}
    for path, label, split in listed:
        if split is not None and split.strip().lower() not in names:
            raise DatasetError(f"{name}: the unknown split {split!r}; splits are {', '.join(SPLITS)}")
        parts.setdefault(TRAIN if split is None else names[split.strip().lower()], []).append((path, label))
    return Manifest(Path(name), in_splits(Path(name), parts), has_splits=set(parts) != {TRAIN})


def cache_folder() -> Path:
    """Where bytes without a file are kept."""
    if given := os.environ.get("SAMEKIND_CACHE"):
        return Path(given)
    caches = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "samekind"


def _rows(source: object) -> tuple[str, Iterator[SourceRow]]:
    """What to call a source, and its rows."""
    if isinstance(source, Path):
        files = sorted(source.iterdir()) if source.is_dir() else [source]
        tars = [file for file in files if file.suffix.lower() == ".tar"]
        if tars:
            return str(source), _of_tars(tars)
        return str(source), _of_parquet([file for file in files if file.suffix.lower() == ".parquet"])
    if hasattr(source, "to_dict") and hasattr(source, "iterrows"):
        return "<frame>", _of_frame(source)
    if hasattr(source, "cast_column") or (isinstance(source, dict) and _are_datasets(source)):
        return "<datasets>", _of_datasets(source)
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | dict):
        return "<rows>", _of_tuples(source)
    raise DatasetError(
        f"<{type(source).__name__}>: not labelled images; give a folder, a CSV, Parquet or .tar file, a pandas frame, "
        "a datasets.Dataset, or rows of (image, label)"
    )


def _of_tuples(rows: Iterable[Any]) -> Iterator[SourceRow]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, SourceRow):
            yield row
        elif isinstance(row, tuple | list) and len(row) in {2, 3}:
            yield SourceRow(row[0], str(row[1]), None if len(row) == 2 or row[2] is None else str(row[2]))
        else:
            raise DatasetError(f"<rows>: row {number} is not (image, label) or (image, label, split)")


def _of_frame(frame: Any) -> Iterator[SourceRow]:
    columns = _columns([str(name) for name in frame.columns], "<frame>")
    chosen = [frame[column] for column in columns.values()]
    for values in zip(*chosen, strict=True):
        yield _of_values(dict(zip(columns, values, strict=True)), Path(), "<frame>")


def _of_parquet(files: list[Path]) -> Iterator[SourceRow]:
    if find_spec("pyarrow") is None:
        raise MissingExtraError("parquet", "pyarrow")
    from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - extra parquet

    for path in files:
        try:
            with path.open("rb") as opened, parquet.ParquetFile(opened) as file:
                columns = _columns(file.schema_arrow.names, str(path))
                names = _class_names(file.schema_arrow.metadata, columns["label"])
                for batch in file.iter_batches(_BATCH, columns=list(columns.values())):
                    for row in batch.to_pylist():
                        values = {wanted: row[column] for wanted, column in columns.items()}
                        values["label"] = names.get(values["label"], values["label"])
                        yield _of_values(values, path.parent, str(path), split=_split_of_name(path))
        except (ArrowInvalid, OSError) as error:
            raise DatasetError(f"{path}: not a readable Parquet file ({error})") from error


def _class_names(metadata: Any, column: str) -> dict[Any, str]:
    """The names of class numbers, as ``datasets`` writes them into the metadata of a Parquet file."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return dict(enumerate(features[column]["names"]))
    except (KeyError, TypeError, ValueError):
        return {}


def _split_of_name(path: Path) -> str | None:
    """The split of ``train-00000-of-00001.parquet``, as the Hub names its files."""
    word = path.name.partition("-")[0].lower()
    return word if "-of-" in path.name and word in split_names(()) else None


def _of_datasets(source: Any) -> Iterator[SourceRow]:
    for split, dataset in source.items() if isinstance(source, dict) else [(None, source)]:
        columns = _columns(list(dataset.features), "<datasets>")
        image, label = (dataset.features[columns[name]] for name in ("path", "label"))
        if hasattr(image, "decode"):  # encoded, as they are
            dataset = dataset.cast_column(columns["path"], type(image)(decode=False))  # noqa: PLW2901
        for row in dataset.select_columns(list(columns.values())):
            values = {wanted: row[column] for wanted, column in columns.items()}
            if hasattr(label, "int2str") and isinstance(values["label"], int):
                values["label"] = label.int2str(values["label"])
            yield _of_values(values, Path(), "<datasets>", split=split)


def _are_datasets(source: dict[Any, Any]) -> bool:
    return bool(source) and all(hasattr(value, "cast_column") for value in source.values())


def _of_tars(files: list[Path]) -> Iterator[SourceRow]:
    """WebDataset: members of one base name are one sample; an image, and its class in .cls, .txt or .json."""
    for path in files:
        try:
            with tarfile.open(path) as tar:
                sample: dict[str, bytes] = {}
                key = None
                for member in tar:
                    if not member.isfile() or Path(member.name).name.startswith("."):
                        continue
                    folder, _, name = member.name.rpartition("/")
                    base, _, suffix = name.partition(".")
                    if (folder, base) != key and sample:
                        yield _of_sample(sample, key, path)
                        sample = {}
                    key = (folder, base)
                    content = tar.extractfile(member)
                    sample[f".{suffix.lower()}"] = content.read() if content else b""
                if sample:
                    yield _of_sample(sample, key, path)
        except (tarfile.TarError, EOFError) as error:
            raise DatasetError(f"{path}: not a readable tar file ({error})") from error


def _of_sample(sample: dict[str, bytes], key: tuple[str, str] | None, path: Path) -> SourceRow:
    name = "/".join(filter(None, key or ()))
    image = next((sample[end] for end in sample if has_image_suffix(f"x.{end.rpartition('.')[2]}")), None)
    label = next((sample[end].decode("utf-8", "replace").strip() for end in _LABEL_SUFFIXES if end in sample), "")
    if not label and ".json" in sample:
        try:
            about = json.loads(sample[".json"])
            columns = _columns(list(about), f"{path}: {name}.json", needed=("label",))
            label = str(about[columns["label"]])
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{path}: {name}.json has no label ({error})") from error
    if image is None or not label:
        what = "image" if image is None else "label (.cls, .txt or .json)"
        raise DatasetError(f"{path}: the sample {name} has no {what}; it has {', '.join(sorted(sample))}")
    return SourceRow(image, label, _split_of_name(path))


def _columns(names: list[str], where: str, needed: tuple[str, ...] = ("path", "label")) -> dict[str, str]:
    """Which column holds the image, the label and, if there is one, the split."""
    folded = {name.casefold().replace("_", "").replace("-", ""): name for name in reversed(names)}
    found: dict[str, str] = {}
    for wanted in (*needed, "split"):
        for name in (wanted, *SYNONYMS[wanted]):
            if (column := folded.get(name.replace("_", ""))) is not None and column not in found.values():
                found[wanted] = column
                break
        else:
            if wanted in needed:
                others = ", ".join(SYNONYMS[wanted][:4])
                raise DatasetError(f"{where}: no column {wanted!r} (or {others}); it has {', '.join(names[:8])}")
    return found


def _of_values(values: dict[str, Any], folder: Path, where: str, *, split: str | None = None) -> SourceRow:
    image = values["path"]
    if isinstance(image, dict):  # of ``datasets``: {"bytes": …, "path": …}
        image = image.get("bytes") or image.get("path")
    if isinstance(image, str):
        if not image.strip():
            raise DatasetError(f"{where}: an image has no path")
        image = folder / given_path(image.strip(), DatasetError)
    if not isinstance(image, bytes | os.PathLike):
        raise DatasetError(f"{where}: an image is given as {type(image).__name__}; give its path or its encoded bytes")
    label = values["label"]
    if label is None or label != label or not str(label).strip():  # noqa: PLR0124 - NaN is what pandas has for nothing
        raise DatasetError(f"{where}: {image if isinstance(image, os.PathLike) else 'an image'} has no label")
    named = values.get("split")
    return SourceRow(image, str(label), split if named is None else str(named))


def _filed(name: str, rows: Iterable[SourceRow]) -> Iterator[tuple[Path, str, str | None]]:
    """Each row with a file for its image."""
    folder, written = cache_folder() / "images", 0
    for row in rows:
        if isinstance(row.image, bytes):
            path = _cached(row.image, folder)
            written += 1
        else:
            path = given_path(row.image, DatasetError)
            if not path.is_file():
                raise DatasetError(f"{name}: no such file {path}")
        yield path, row.label, row.split
    if written:
        logger.warning("%s: %s images are kept as files in %s", name, f"{written:,}", folder)


def _cached(content: bytes, folder: Path) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    suffix = (sniff(content[:HEAD]) or "image").lower()
    path = folder / digest[:2] / f"{digest}.{'jpg' if suffix == 'jpeg' else suffix}"
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    return path
