"""Parquet files with a column of images: their encoded bytes, or their paths or addresses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from samekind.datasets.manifest import SYNONYMS
from samekind.errors import DatasetError, ImageError, MissingExtraError
from samekind.shards.addresses import open_file, remote_errors

# What people call a column of encoded images.
_BYTES = ("image", "bytes", "content", "data", "jpg", "jpeg", "png", "webp", "image_bytes", "img")
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
        column = _column_of(file.schema_arrow, address)
        return None if _is_text(file.schema_arrow.field(column).type) else int(file.metadata.num_rows)


def paths_of(address: str) -> Iterator[str]:
    """The paths or addresses that a file has, in its order; empty fields are passed over.

    Raises:
        DatasetError: As ``rows_with_bytes``.
    """
    with _opened(address) as file:
        column = _column_of(file.schema_arrow, address)
        for batch in file.iter_batches(_PAGE, columns=[column]):
            yield from filter(None, batch.column(0).to_pylist())


def image_of_row(address: str, mtime_ns: int, row: int) -> bytes:
    """The encoded image of one row. The rows of one group are read together, and held for the next calls.

    Args:
        address: The file.
        mtime_ns: When it was last written.
        row: The number of the row, from 0.

    Raises:
        ImageError: The row has none.
        DatasetError: As ``rows_with_bytes``.
    """
    column, ends = _groups(address, mtime_ns)
    group = bisect_right(ends, row)
    if group >= len(ends):
        raise ImageError("there is no such row any more")
    image = _images(address, mtime_ns, group, column)[row - (ends[group - 1] if group else 0)].as_py()
    if isinstance(image, dict):  # of ``datasets``: {"bytes": …, "path": …}
        image = image.get("bytes")
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


def _column_of(schema: Any, address: str) -> str:
    folded = {name.casefold(): name for name in reversed(schema.names)}
    for name in (*_BYTES, "path", *SYNONYMS["path"]):
        if name in folded and _is_image(schema.field(folded[name]).type):
            return str(folded[name])
    raise DatasetError(
        f"{address}: no column of images, such as image (encoded bytes) or path; it has {', '.join(schema.names[:8])}"
    )


def _is_text(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - extra parquet

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_image(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - extra parquet

    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _is_text(kind))


@lru_cache(maxsize=8)
def _groups(address: str, mtime_ns: int) -> tuple[str, list[int]]:
    """The column of the images, and the number of the row after each row group's last."""
    del mtime_ns  # of a file that is another one by now nothing is remembered
    with _opened(address) as file:
        counts = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
        return _column_of(file.schema_arrow, address), list(accumulate(counts))


@lru_cache(maxsize=2)
def _images(address: str, mtime_ns: int, group: int, column: str) -> Any:
    del mtime_ns
    with _opened(address) as file:
        return file.read_row_group(group, columns=[column]).column(0).combine_chunks()
