"""A gallery's rows for other programs: Parquet, NumPy's npz, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from samekind.errors import GalleryError, MissingExtraError
from samekind.gallery.store.rows import Row
from samekind.system.atomic import replacing

_COLUMNS = ("name", "size", "sha256", "width", "height", "taken")
_PAGE = 4096


def export_rows(rows: Iterator[Row], path: Path) -> int:
    """Write the readable rows: ``name``, ``size``, ``sha256``, ``width``, ``height``, ``taken`` and ``embedding``.

    Args:
        rows: The rows of a gallery.
        path: ``NAME.parquet`` or ``NAME.csv``, a page at a time; or ``NAME.npz``, with one array for each column, for
            which all rows are held in memory. Embeddings are float32, unit length; in a CSV file each is one field of
            numbers with blanks between, which read back to the bit.

    Returns:
        The number of rows written.

    Raises:
        GalleryError: Another suffix.
        MissingExtraError: Parquet needs pyarrow.
    """
    readable = (row for row in rows if row.embedding is not None)
    if path.suffix == ".npz":
        return _write_npz(list(readable), path)
    if path.suffix == ".parquet":
        return _write_parquet(readable, path)
    if path.suffix == ".csv":
        return _write_csv(readable, path)
    raise GalleryError(f"{path}: give it the suffix .csv, .parquet or .npz")


def _write_npz(rows: list[Row], path: Path) -> int:
    columns: dict[str, Any] = {name: np.array([_plain(getattr(row, name)) for row in rows]) for name in _COLUMNS}
    embeddings = np.stack([row.embedding for row in rows if row.embedding is not None]) if rows else np.empty((0, 0))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, embedding=embeddings.astype(np.float32), **columns)
    return len(rows)


def _write_csv(rows: Iterator[Row], path: Path) -> int:
    count = 0
    # Spreadsheets take a CSV file for the machine's old code page, unless it begins with a byte order mark.
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow((*_COLUMNS, "embedding"))
        for row in rows:
            assert row.embedding is not None
            numbers = " ".join(map(str, row.embedding))
            writer.writerow((*(_plain(getattr(row, name)) for name in _COLUMNS), numbers))
            count += 1
    return count


def _write_parquet(rows: Iterator[Row], path: Path) -> int:
    if find_spec("pyarrow") is None:
        raise MissingExtraError("parquet", "pyarrow")
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own, for few need it and it is large
    import pyarrow.parquet as pq  # noqa: PLC0415

    text, number = pa.string(), pa.int64()
    types = dict(zip(_COLUMNS, (text, number, text, number, number, text), strict=True))
    schema = pa.schema([*types.items(), ("embedding", pa.list_(pa.float32()))])
    count = 0
    # Opened here, for pyarrow takes no path that is not UTF-8.
    with replacing(path) as temporary, temporary.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        while page := list(islice(rows, _PAGE)):
            columns = {name: [_plain(getattr(row, name), missing=None) for row in page] for name in _COLUMNS}
            writer.write_table(pa.table(columns | {"embedding": [row.embedding for row in page]}, schema=schema))
            count += len(page)
    return count


def _plain(value: str | int | None, missing: str | None = "") -> str | int | None:
    """A value that other programs can hold: the surrogates of a name that is no UTF-8 are written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return missing if value is None else value
