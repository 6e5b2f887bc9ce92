"""The rows of a gallery in a file beside its index, mapped into memory, so that a search needs no statement for them.

It has the rows as they were when it was made. The gallery knows which of them have changed since (its table
``touched``), and newer ones have higher ids. Like the index the file is only a help.
"""

from __future__ import annotations

import json
import mmap
import shutil
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.rows import Stored
from samekind.gallery.store.vectors import Ids
from samekind.system.atomic import replacing

# A sign, what of the name no other file has, the bytes of an embedding, the number of rows, the bytes of their texts.
_HEAD = struct.Struct("=8s32sqqq")
_SIGN = b"SKROWS1\n"
# With more that have changed the file is made anew at the end of a sync, and is not asked until then.
MOST_TOUCHED = 4096


def write_row_file(path: Path, rows: Iterable[Stored]) -> None:
    """Write the rows of readable images, in the order of their ids; whole or not at all.

    Behind a head stand all embeddings; all ids; where the text of each row begins, and the last ends; and the texts. A
    text is the name, a zero byte, and the other values as JSON.

    Raises:
        OSError: The file cannot be written.
    """
    ids, bounds, length = [], [0], 0
    with (
        replacing(path, own=True) as temporary,
        temporary.open("wb") as file,
        tempfile.TemporaryFile(dir=path.parent) as texts,  # 100 MB and more; the system's folder may have less room
    ):
        file.write(bytes(_HEAD.size))
        for image, name, size, mtime_ns, sha256, width, height, taken, error, embedding in rows:
            others = json.dumps((size, mtime_ns, sha256.hex() if sha256 else None, width, height, taken, error))
            text = name.encode("utf-8", "surrogateescape") + b"\0" + others.encode()
            texts.write(text)
            file.write(embedding)
            ids.append(image)
            bounds.append(bounds[-1] + len(text))
            length = len(embedding)
        file.write(bytes(-file.tell() % 8))
        file.write(np.array(ids + bounds, np.int64).tobytes())
        texts.seek(0)
        shutil.copyfileobj(texts, file)
        file.seek(0)
        file.write(_HEAD.pack(_SIGN, _stamp(path), length, len(ids), bounds[-1]))


class RowFile:
    """The rows of a file that ``write_row_file`` wrote. They stay readable if the file is removed or replaced.

    Nothing may cut it short in place while it is mapped; our writers put a new file there.

    Attributes:
        ids: The ids of its rows, int64 (N,), rising.
    """

    def __init__(self, data: mmap.mmap, length: int, count: int, start: int) -> None:
        self._data, self._length = data, length
        numbers = np.frombuffer(data, np.int64, 2 * count + 1, start)
        self.ids: Ids = numbers[:count]
        self._bounds = numbers[count:]
        self._texts = start + numbers.nbytes

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """The rows; None if the file is gone, cut short, or was made for another index."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # an empty file cannot be mapped
            return None
        if len(data) < _HEAD.size:
            return None
        sign, stamp, length, count, texts = _HEAD.unpack(data[: _HEAD.size])
        start = _HEAD.size + length * count
        start += -start % 8
        whole = len(data) == start + 8 * (2 * count + 1) + texts
        return cls(data, length, count, start) if whole and sign + stamp == _SIGN + _stamp(path) else None

    def places(self, ids: list[int]) -> list[int] | None:
        """Where the rows of images are, by which the other methods know them; None if it has not all of them."""
        places = self.ids.searchsorted(ids)
        found: list[int] = places.tolist()
        return found if found and max(found) < len(self.ids) and (self.ids[places] == ids).all() else None

    def name(self, place: int) -> str:
        """The path as the gallery has it."""
        start = self._texts + self._bounds.item(place)
        return self._data[start : self._data.find(b"\0", start)].decode("utf-8", "surrogateescape")

    def embedding(self, place: int) -> bytes:
        """The embedding as SQLite has it."""
        start = _HEAD.size + self._length * place
        return self._data[start : start + self._length]

    def stored(self, place: int) -> Stored:
        """The row as SQLite has it.

        Raises:
            GalleryError: The file was damaged.
        """
        start, end = (self._bounds[place : place + 2] + self._texts).tolist()
        name, _, others = self._data[start:end].partition(b"\0")
        try:
            size, mtime_ns, sha256, *facts = json.loads(others)
        except ValueError as error:
            raise GalleryError(
                "the file of rows beside the gallery (NAME.samekind.*.rows) is damaged; delete it, and the next "
                "samekind index makes it anew"
            ) from error
        content = None if sha256 is None else bytes.fromhex(sha256)
        path = name.decode("utf-8", "surrogateescape")
        return (self.ids.item(place), path, size, mtime_ns, content, *facts, self.embedding(place))


def read_touched(db: Connection) -> frozenset[int] | None:
    """The ids of the rows that have changed since the file was made; None if they are many."""
    touched = frozenset(image for (image,) in db.execute(f"SELECT id FROM touched LIMIT {MOST_TOUCHED + 1}"))
    return touched if len(touched) <= MOST_TOUCHED else None


def _stamp(path: Path) -> bytes:
    return path.suffixes[-2].encode().ljust(32, b"\0")
