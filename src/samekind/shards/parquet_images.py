"""Parquet files with a column of images: their encoded bytes, or their paths or addresses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from itertools import accumulate
from typing import Any, NamedTuple

from samekind.datasets.manifest import SYNONYMS
from samekind.errors import DatasetError, ImageError, MissingExtraError
from samekind.shards.addresses import address_in, folder_of, open_file, read_file, remote_errors

# What people call a column of encoded images, and one of paths or addresses, the likeliest first.
_BYTES = ("image", "bytes", "content", "data", "jpg", "jpeg", "png", "webp", "image_bytes", "img")
PATHS = ("path", *(name for name in SYNONYMS["path"] if name != "name"), "url", "image_url", "uri", "name")
_BINARY, _TEXT = {"binary", "large_binary", "binary_view"}, {"string", "large_string", "string_view"}
_PAGE = 4096


def require_pyarrow() -> None:
    """Make sure that Parquet files can be read and written.

    Raises:
        MissingExtraError: They cannot.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtraError("parquet", "pyarrow")


def rows_with_bytes(address: str) -> int | None:
    """How many rows a file with the images' bytes has; None for one with their paths.

    Raises:
        DatasetError: It is no Parquet file, or has no column of images.
        MissingExtraError: pyarrow is not installed.
    """
    with _opened(address) as file:
        return None if _column_of(file, address).has_paths else int(file.metadata.num_rows)


def paths_of(address: str) -> Iterator[str]:
    """The paths or addresses that a file has, in its order; empty fields are passed over.

    Raises:
        DatasetError: As ``rows_with_bytes``.
    """
    with _opened(address) as file:
        for batch in file.iter_batches(_PAGE, columns=[_column_of(file, address).name]):
            for value in batch.column(0).to_pylist():
                path = next(iter(value.values())) if isinstance(value, dict) else value
                if path and path.strip():
                    yield path.strip()


def image_of_row(address: str, mtime_ns: int, row: int) -> bytes:
    """The encoded image of one row. The rows of one group are read together, and held for the next calls.

    Args:
        address: The file.
        mtime_ns: When it was last written.
        row: The number of the row, from 0.

    Raises:
        ImageError: The row has none.
        OSError: The row has but a path, and that cannot be read.
        DatasetError: As ``rows_with_bytes``.
    """
    column, ends = _groups(address, mtime_ns)
    group = bisect_right(ends, row)
    if group >= len(ends):
        raise ImageError("there is no such row any more")
    image = _images(address, mtime_ns, group, column)[row - (ends[group - 1] if group else 0)].as_py()
    if isinstance(image, dict):  # of ``datasets``: {"bytes": …, "path": …}, of which one may be empty
        found = {name.casefold(): value for name, value in image.items()}
        image, path = found["bytes"], found.get("path")
        if image is None and isinstance(path, str) and path:
            return read_file(address_in(folder_of(address), path))
    if not isinstance(image, bytes):
        raise ImageError("the row has no image")
    return image


@contextmanager
def _opened(address: str) -> Iterator[Any]:
    require_pyarrow()
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - extra parquet

    try:
        with remote_errors(address), open_file(address) as source, parquet.ParquetFile(source) as file:
            yield file
    except (ArrowException, OSError) as error:
        raise DatasetError(f"{address}: not a readable Parquet file ({error})") from error


class _Column(NamedTuple):
    name: str
    has_paths: bool


def _column_of(file: Any, address: str) -> _Column:
    """The column of the images. One of bytes that are all empty is none."""
    leaves = dict(reversed(list(_leaves(file.schema_arrow))))
    for name in (leaf for column in _BYTES for leaf in (column, f"{column}.bytes")):
        column, leaf, kind = leaves.get(name, ("", "", ""))
        if kind in _BINARY and not _is_empty(file, leaf):
            return _Column(column, has_paths=False)
    for name in (leaf for column in PATHS for leaf in (column, f"{column}.path")):
        _, leaf, kind = leaves.get(name, ("", "", ""))
        if kind in _TEXT:
            return _Column(leaf, has_paths=True)
    names = ", ".join(file.schema_arrow.names[:8])
    raise DatasetError(f"{address}: no column of images, such as image (encoded bytes) or path; it has {names}")


def _leaves(schema: Any) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """By names without case, columns and the fields of those that are structs: the column, the name, and the type."""
    import pyarrow as pa  # noqa: PLC0415 - extra parquet

    for field in schema:
        within = field.type if pa.types.is_struct(field.type) else ()
        for name, kind in [(f"{field.name}.{one.name}", one.type) for one in within] or [(field.name, field.type)]:
            plain = kind.value_type if pa.types.is_dictionary(kind) else kind
            yield name.casefold(), (field.name, name, str(plain))


def _is_empty(file: Any, leaf: str) -> bool:
    """Whether the file says that no row has a value here."""
    index = [file.schema.column(number).path for number in range(file.metadata.num_columns)].index(leaf)
    groups = [file.metadata.row_group(number).column(index) for number in range(file.num_row_groups)]
    told = [(group.statistics, group.num_values) for group in groups]
    return bool(told) and all(one and one.has_null_count and one.null_count == count for one, count in told)


@lru_cache(maxsize=8)
def _groups(address: str, mtime_ns: int) -> tuple[str, list[int]]:
    """The column of the images, and the number of the row after each row group's last."""
    del mtime_ns  # of a file that is another one by now nothing is remembered
    with _opened(address) as file:
        counts = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
        return _column_of(file, address).name, list(accumulate(counts))


@lru_cache(maxsize=2)
def _images(address: str, mtime_ns: int, group: int, column: str) -> Any:
    del mtime_ns
    with _opened(address) as file:
        return file.read_row_group(group, columns=[column]).column(0).combine_chunks()
