"""One shard: a Parquet file with a gallery's columns, a row for each image, by the hash of its bytes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samekind.embedding.embed_batch import EmbeddedImage
from samekind.errors import ShardError
from samekind.shards.inputs import Input

_PAGE = 1024


class ShardRow(NamedTuple):
    """A row of a shard.

    Attributes:
        name: The path or the address of the image; of a member of a file that, ``#`` and the member.
        mtime_ns: When the file was last written, in nanoseconds since 1970; 0 where that is not known.
        image: What follows from the image's bytes.
    """

    name: str
    mtime_ns: int
    image: EmbeddedImage


@dataclass(frozen=True)
class Shard:
    """A shard that is finished, and what there is to say of it.

    Attributes:
        content: The bytes of the Parquet file.
        rows: How many images it has.
        unreadable: The images that cannot be read, and why.
        unread: How many of these could not even be fetched, and will be tried again.
        damaged: Images of which a part is missing, and which.
    """

    content: bytes
    rows: int
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unread: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """The hash of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def about(self) -> str:
        """All but the content, as JSON."""
        return json.dumps({name: value for name, value in asdict(self).items() if name != "content"})

    @classmethod
    def of(cls, content: bytes, about: str) -> Shard:
        """The shard of a content and what ``about`` said of it."""
        told = json.loads(about)
        unreadable, damaged = ([(name, reason) for name, reason in told[key]] for key in ("unreadable", "damaged"))
        return cls(content, told["rows"], unreadable, told["unread"], damaged)


def make_shard(inputs: Sequence[Input], images: Sequence[EmbeddedImage], dimension: int) -> Shard:
    """A shard of inputs and what follows from the bytes of each. The same inputs give the same file, to the bit.

    Embeddings are float32 (D,), rounded to float16 as galleries keep them.
    """
    import pyarrow as pa  # noqa: PLC0415 - extra parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = [one.name for one in inputs]
    encoded = [os.fsencode(name) for name in names]
    columns: dict[str, Any] = {
        "path": [name.decode("utf-8", "backslashreplace") for name in encoded],
        "path_bytes": [None if _is_text(name) else name for name in encoded],
        "mtime_ns": [one.mtime_ns for one in inputs],
    }
    for name in EmbeddedImage._fields:
        columns[name] = [getattr(image, name) for image in images]
    columns["embedding"] = [None if one is None else np.frombuffer(one, np.float16) for one in columns["embedding"]]
    columns["embedding"] = [None if one is None else one.astype(np.float32) for one in columns["embedding"]]
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_schema(dimension)), buffer, compression="zstd")
    bad = [(name, image) for name, image in zip(names, images, strict=True) if image.error is not None]
    return Shard(
        buffer.getvalue(),
        len(names),
        [(name, str(image.error)) for name, image in bad],
        sum(image.sha256 is None for _, image in bad),
        [(name, image.damage) for name, image in zip(names, images, strict=True) if image.damage],
    )


def read_shard(path: Path) -> Iterator[ShardRow]:
    """The rows of a shard, a page in memory at a time.

    Raises:
        ShardError: The file is missing or broken.
    """
    with _opened(path) as file:
        for batch in file.iter_batches(_PAGE):
            for row in batch.to_pylist():
                yield _row(row)


def is_whole(path: Path, rows: int) -> bool:
    """Whether a shard is there and has its end, which says how many rows there are. They are not read."""
    try:
        with _opened(path) as file:
            return bool(file.metadata.num_rows == rows)
    except ShardError:
        return False


def read_errors(path: Path) -> Iterator[tuple[int, str]]:
    """The place in a shard and the name of each image that cannot be read.

    Raises:
        ShardError: As ``read_shard``.
    """
    with _opened(path) as file:
        columns = file.read(columns=["path", "path_bytes", "error"]).to_pylist()
    for place, row in enumerate(columns):
        if row["error"] is not None:
            yield place, _name(row)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - extra parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:  # pyarrow takes no path that is not UTF-8
            yield file
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ShardError(
            f"{path}: not a readable shard ({error}); remove it, and `samekind embed` makes it anew"
        ) from error


def _name(row: dict[str, Any]) -> str:
    return str(row["path"]) if row["path_bytes"] is None else os.fsdecode(row["path_bytes"])


def _row(row: dict[str, Any]) -> ShardRow:
    name = _name(row)
    del row["path"], row["path_bytes"]
    mtime_ns = row.pop("mtime_ns")
    if row["embedding"] is not None:
        row["embedding"] = np.array(row["embedding"], np.float16).tobytes()
    return ShardRow(name, mtime_ns, EmbeddedImage(**row))


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _schema(dimension: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - extra parquet

    text, number, data = pa.string(), pa.int64(), pa.binary()
    return pa.schema(
        [
            pa.field("path", text, nullable=False),
            ("path_bytes", data),  # only where the path is no UTF-8
            pa.field("mtime_ns", number, nullable=False),
            ("sha256", pa.binary(32)),
            ("error", text),
            ("width", number),
            ("height", number),
            ("taken", text),
            ("phash", pa.binary(8)),
            ("picture", data),
            ("features", data),
            ("embedding", pa.list_(pa.float32(), dimension)),
            pa.field("size", number, nullable=False),
            ("damage", text),
        ]
    )
