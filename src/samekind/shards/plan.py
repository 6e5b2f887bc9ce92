"""Which inputs go into which shard, settled before the first is embedded.

A plan is made of what a source holds and no shard has yet: sorted by address, cut into shards of equal length. It is
written before the work, and a later run first does what is left of it. So where a shard begins and ends is a matter of
the inputs alone, not of when, where and in what order they are embedded.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from samekind.errors import ShardError
from samekind.shards.inputs import Input
from samekind.system.atomic import replacing

# A file that was written within the clock's grain of being listed may yet change without a trace (FAT: 2 s).
_GRAIN_NS = 2_000_000_000
_KEY = "address = ? AND place = ? AND member = ? AND size = ? AND mtime_ns = ?"


def new_inputs(found: Iterable[Input], known: Iterable[Input]) -> Iterator[Input]:
    """Those inputs that are not known, each once, sorted by address and place. They wait on the disk, not in memory.

    Example:
        >>> cat, dog = Input("/cat.jpg"), Input("/dog.jpg")
        >>> [one.address for one in new_inputs([dog, cat, dog], [])]
        ['/cat.jpg', '/dog.jpg']
        >>> list(new_inputs([dog, cat], [cat, dog]))
        []
    """
    with closing(sqlite3.connect("", isolation_level=None)) as db:  # a temporary file
        db.execute(
            "CREATE TABLE found (address BLOB, place INTEGER, member BLOB, size INTEGER, mtime_ns INTEGER,"
            " PRIMARY KEY (address, place, member)) WITHOUT ROWID"
        )
        db.execute("BEGIN")
        db.executemany("INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?, ?)", map(_values, found))
        db.executemany(f"DELETE FROM found WHERE {_KEY}", map(_values, known))  # noqa: S608 - our own text
        db.execute("COMMIT")
        for address, place, member, size, mtime_ns in db.execute("SELECT * FROM found ORDER BY address, place, member"):
            yield Input(os.fsdecode(address), os.fsdecode(member), place, size, mtime_ns)


def write_plan(path: Path, inputs: Iterable[Input], rows: int) -> int:
    """Write a plan, whole or not at all, after its youngest file has come of age; how many inputs it has.

    Args:
        path: The file, in which each shard is a row group.
        inputs: In order.
        rows: Inputs of a shard.
    """
    import pyarrow as pa  # noqa: PLC0415 - extra parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    waiting, count, youngest = iter(inputs), 0, 0
    with replacing(path, own=True) as temporary:
        # Opened here, for pyarrow takes no path that is not UTF-8.
        with temporary.open("wb") as file, pq.ParquetWriter(file, _schema()) as writer:
            while shard := list(islice(waiting, rows)):
                columns = list(zip(*map(_values, shard), strict=True))
                writer.write_table(pa.table(columns, schema=_schema()), row_group_size=rows)
                count += len(shard)
                youngest = max(youngest, *(one.mtime_ns for one in shard))
        # A clock that is behind the files' is not waited for.
        time.sleep(min(max(0, youngest + _GRAIN_NS - time.time_ns()), _GRAIN_NS) / 1e9)
    return count


def read_plan(path: Path, shard: int | None = None) -> Iterator[Input]:
    """The inputs of one shard of a plan; or of all, one shard in memory at a time.

    Raises:
        ShardError: The file is missing or broken.
    """
    import pyarrow as pa  # noqa: PLC0415 - extra parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            for group in range(file.num_row_groups) if shard is None else [shard]:
                table = file.read_row_group(group)
                columns = [table.column(name).to_pylist() for name in _schema().names]
                for address, place, member, size, mtime_ns in zip(*columns, strict=True):
                    yield Input(os.fsdecode(address), os.fsdecode(member), place, size, mtime_ns)
    except (pa.ArrowException, OSError) as error:
        raise ShardError(f"{path}: not a readable plan ({error}); embed into a new folder") from error


def _values(one: Input) -> tuple[bytes, int, bytes, int, int]:
    """A file name need not be UTF-8, so it is kept as bytes."""
    return os.fsencode(one.address), one.place, os.fsencode(one.member), one.size, one.mtime_ns


def _schema() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - extra parquet

    number, name = pa.int64(), pa.binary()
    return pa.schema([("address", name), ("place", number), ("member", name), ("size", number), ("mtime_ns", number)])
