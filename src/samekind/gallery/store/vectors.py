"""The embeddings as a gallery's file has them: bare, float16, and of unit length but for the rounding.

Whoever compares them takes them from ``embedding_space``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.connection import Connection
from samekind.inference.similarity import Embeddings

CHUNK = 16_384

Ids = NDArray[np.int64]


def read_embeddings(
    db: Connection, *, after: int = -1, where: Condition = EVERYTHING, chunk: int = CHUNK
) -> Iterator[tuple[Ids, Embeddings]]:
    """The embeddings that are newer than a generation and meet a condition, in the order of their ids, by chunks.

    Yields:
        int64 (M,) and float32 (M, D), unit rows.
    """
    # Some are found by the index on generations, which the plus leads SQLite to; for all it reads the whole table.
    order = "id" if after < 0 else "+id"
    cursor = db.stream(
        f"SELECT id, embedding FROM images WHERE embedding IS NOT NULL AND generation > ? AND {where[0]}"
        f" ORDER BY {order}",
        (after, *where[1]),
    )
    while rows := cursor.fetchmany(chunk):
        yield np.array([row[0] for row in rows], np.int64), unit_rows([row[1] for row in rows])


def unit_rows(stored: list[bytes]) -> Embeddings:
    """float32 (N, D), unit rows, from embeddings as stored: rounding to float16 moved their length a little.

    Each row is computed by itself, so it does not depend on its place, to the bit.
    """
    rows = np.frombuffer(b"".join(stored), np.float16).reshape(len(stored), -1).astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return rows
