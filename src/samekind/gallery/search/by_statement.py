"""Searching with the database itself: it proposes images, and their similarities are computed here.

So hits and probabilities are those of a gallery in a file, to the last digit.
"""

from __future__ import annotations

import numpy as np

from samekind.gallery.embeddings.embedding_space import EmbeddingSpace
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.index.hnsw import hnsw_order, look_as_far
from samekind.gallery.index.index_file import read_facts
from samekind.gallery.search.moment import Found, Moment, found_rows
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.rows import COLUMNS, Stored
from samekind.inference.similarity import Embeddings

# Of a condition that so few images meet each of them is compared.
_FEW = 10_000
# Asked for beyond what is wanted, for the database computes with float16.
_MORE = 12
_STILL = "(SELECT value FROM about WHERE key = 'commit') IS ?"


def find(db: Connection, moment: Moment, bare: Embeddings, k: int, where: Condition | None) -> Found:
    """The k images that are most like an embedding, float32 (D,), among those that meet a condition.

    With a condition it is to be called within ``one_moment``; without, what is found says whether it is sure.
    """
    query = moment.place(bare)
    facts = read_facts(moment.about[2])
    # An index of embeddings that something else was taken away from says nothing here.
    helps = "looks" in facts and facts["space"] == moment.space.name
    if helps and (where is None or _are_many(db, where)):
        look_as_far(db, facts["looks"])
        order, half = hnsw_order(query.shape[1], moment.space), _half(query)
        rows, _, sure = _proposed(db, moment.commit, (order, (half,)), k + _MORE, where)
        if len(rows) >= k or not sure:
            return _best(moment, query, rows, k, sure)
    return _exact(db, moment, query, k, where)


def _exact(db: Connection, moment: Moment, query: Embeddings, k: int, where: Condition | None) -> Found:
    order, margin = exact_order(query, moment.space)
    most = k + _MORE
    while True:
        rows, scores, sure = _proposed(db, moment.commit, order, most, where)
        found = _best(moment, query, rows, k, sure)
        # What was not proposed is less alike than the last, but for what float16 rounds.
        if not sure or len(rows) < most or -max(scores) + margin < found.similarities.min():
            return found
        most *= 4


def exact_order(query: Embeddings, space: EmbeddingSpace) -> tuple[Condition, float]:
    """The negative similarity to a query, float32 (1, D), as SQL, and by how much it may be wrong."""
    half = _half(query)
    if space.adaptation is None:
        return ("embedding <#> CAST(? AS BLOB)", (half,)), 2.0**-10
    offset = space.adaptation.offset
    common = float(query[0] @ offset)
    cosine = "coalesce(((embedding <#> CAST(? AS BLOB)) + ?) / nullif(embedding <-> CAST(? AS BLOB), 0), 0)"
    # What is left of an embedding is at least so long; the shorter, the more a rounding moves its direction.
    rest = max(1 - float(np.linalg.norm(offset)), 0.01)
    return (cosine, (half, common, _half(offset))), 2.0**-9 / rest


def _half(vector: Embeddings) -> bytes:
    return vector.astype("<f2").tobytes()


def _are_many(db: Connection, where: Condition) -> bool:
    met = f"SELECT 1 FROM images WHERE embedding IS NOT NULL AND {where[0]} LIMIT {_FEW + 1}"
    return bool(db.execute(f"SELECT count(*) FROM ({met}) AS met", where[1]).fetchone()[0] > _FEW)


def _proposed(
    db: Connection, commit: str | None, order: Condition, most: int, where: Condition | None
) -> tuple[list[Stored], list[float], bool]:
    """Rows, their negative similarities, and whether the gallery still is as it was."""
    condition = where or EVERYTHING
    nearest = (
        f"SELECT {COLUMNS}, {order[0]} AS score FROM images WHERE embedding IS NOT NULL AND {condition[0]}"
        " ORDER BY score LIMIT ?"
    )
    found = db.execute(
        f"SELECT *, {_STILL} FROM ({nearest}) AS nearest", (commit, *order[1], *condition[1], most)
    ).fetchall()
    return [row[:-2] for row in found], [row[-2] for row in found], bool(found) and found[0][-1]


def _best(moment: Moment, query: Embeddings, rows: list[Stored], k: int, sure: bool) -> Found:
    similarities = moment.space.similarities(query[0], [row[-1] for row in rows])
    best = sorted(range(len(rows)), key=lambda place: (-similarities[place], rows[place][0]))[:k]
    return found_rows([rows[place] for place in best], similarities[best], sure)
