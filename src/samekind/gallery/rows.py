"""The rows of a gallery as Python sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.index import unit_rows
from samekind.gallery.store import Store

_COLUMNS = "id, path, size, mtime_ns, sha256, width, height, taken, error, embedding"
_PAGE = 1024


@dataclass(frozen=True)
class Row:
    """What a gallery knows of one file.

    Attributes:
        id: A number that no other image of this gallery ever had.
        name: The path as the gallery has it, relative to the gallery's folder, with forward slashes.
        path: The file, ready to open.
        size: In bytes.
        mtime_ns: When it was last written, in nanoseconds since 1970; -1 if that was too shortly before it was read.
        sha256: Of its bytes, in hexadecimal; None if they could not be read.
        width: In pixels, upright; None if it is not readable as an image.
        height: Likewise.
        taken: When the photograph was taken, ``YYYY-MM-DD HH:MM:SS`` in the camera's time, if the file says so.
        error: Why it cannot be read as an image; None if it can.
        embedding: float32 (D,), unit length; None if it cannot be read.
    """

    id: int
    name: str
    path: Path
    size: int
    mtime_ns: int
    sha256: str | None
    width: int | None
    height: int | None
    taken: str | None
    error: str | None
    embedding: NDArray[np.float32] | None = field(repr=False, compare=False)


def read_rows(store: Store, ids: Sequence[int] | None = None) -> Iterator[Row]:
    """The rows with these ids, in no order; or all, in the order of their paths. A page is in memory at a time."""
    if ids is not None:
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            marks = ", ".join("?" * len(page))
            with store.reading() as db:
                found = db.execute(f"SELECT {_COLUMNS} FROM images WHERE id IN ({marks})", page).fetchall()
            yield from (_row(store.folder, values) for values in found)
        return
    last = ""
    query = f"SELECT {_COLUMNS} FROM images WHERE path > CAST(? AS TEXT) ORDER BY path LIMIT {_PAGE}"
    while True:
        with store.reading() as db:
            found = db.execute(query, (last.encode("utf-8", "surrogateescape"),)).fetchall()
        if not found:
            return
        yield from (_row(store.folder, values) for values in found)
        last = found[-1][1]


def _row(folder: Path, values: tuple[Any, ...]) -> Row:
    image_id, name, size, mtime_ns, sha256, width, height, taken, error, embedding = values
    return Row(
        *(image_id, name, folder / name, size, mtime_ns, sha256.hex() if sha256 else None),
        *(width, height, taken, error, unit_rows([embedding])[0] if embedding else None),
    )
