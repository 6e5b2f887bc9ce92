"""The HNSW index of a gallery in PostgreSQL: pgvector keeps it up with the rows, and it is made when there are many.

Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small world
graphs", 2018.
"""

from __future__ import annotations

import json
import re
import secrets
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace, read_space
from samekind.gallery.index.index_file import Facts, read_facts
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import read_fact, set_fact
from samekind.gallery.store.store import Store
from samekind.gallery.store.vectors import unit_rows
from samekind.inference.similarity import Embeddings

if TYPE_CHECKING:  # galleries in files do without psycopg
    from samekind.gallery.store.postgres.connection import PostgresConnection

EXACT, USUAL = "Flat", "HNSW16"
# Beyond so many a look at each takes longer than a person notices.
_ABOVE = 50_000
_MOST_DIMENSIONS = 4000  # of pgvector's index on halfvec
_NEIGHBOURS, _QUERIES = 10, 64
_LOOKS = (100, 200, 400, 700, 1000)
# Of the sample itself, whose images the graph has as nodes; others find less.
_TARGET = 0.99
_MOST_MEMORY_MB = 2048


def advised_hnsw(count: int) -> str:
    """The index that suits so many images, by FAISS's name for its kind.

    Example:
        >>> advised_hnsw(13_394), advised_hnsw(1_000_000)
        ('Flat', 'HNSW16')
    """
    return EXACT if count <= _ABOVE else USUAL


def refuse_other_index(factory: str) -> None:
    """Make sure that PostgreSQL can make a kind of index.

    Raises:
        GalleryError: It cannot.
    """
    _neighbours(factory)


def hnsw_order(dimension: int, space: EmbeddingSpace) -> str:
    """The negative similarity to a query, as the index has it. Its one parameter is the query, float16."""
    return f"{_indexed(dimension, space)} <#> CAST(? AS BLOB)"


def look_as_far(db: Connection, looks: int) -> None:
    """Set how many candidates a search holds, for this connection."""
    connection = cast("PostgresConnection", db)
    if connection.looks != looks:
        db.execute("SELECT set_config('hnsw.ef_search', ?, false)", (str(looks),))
        connection.looks = looks


def keep_up_hnsw(store: Store, db: Connection, factory: str | None) -> None:
    """Make the index, if there are many images and none suits them.

    Args:
        store: The gallery's database.
        db: The connection from ``store.writing``.
        factory: ``Flat`` for none, or ``HNSW16``; None is what was asked for before, and else what is advised.

    Raises:
        GalleryError: There is no such kind, or too many dimensions for it.
    """
    from psycopg.errors import DiskFull  # noqa: PLC0415 - the extra "postgres", which a search here does without

    facts, space = read_facts(read_fact(db, "index")), read_space(db)
    count, half = db.execute("SELECT count(embedding), max(vector_dims(embedding)) FROM images").fetchone()
    asked = factory or facts.get("asked")
    wanted = asked or advised_hnsw(count)
    neighbours = _neighbours(wanted)
    if not count or (wanted, space.name) == (facts.get("factory"), facts.get("space")):
        return
    if neighbours is None:
        _note(db, {"factory": EXACT, "asked": asked, "space": space.name})
    else:
        if half > _MOST_DIMENSIONS:
            raise GalleryError(f"{store.path}: HNSW is for at most {_MOST_DIMENSIONS:,} dimensions; use Flat")
        _make_room(db, count * (2 * half + 36 * neighbours + 160))
        make = partial(_build, db, space, half, neighbours, {"factory": wanted, "asked": asked, "space": space.name})
        try:
            make()
        except DiskFull:  # of memory to share, perhaps: containers have 64 MB of it; one process alone needs none
            db.execute("SELECT set_config('max_parallel_maintenance_workers', '0', false)")
            make()
        db.execute("ANALYZE images")  # or the planner does not know how many there are
    _drop_others(db)


def _neighbours(factory: str) -> int | None:
    found = re.fullmatch(r"HNSW(\d{1,3})?", factory)
    if factory == EXACT:
        return None
    neighbours = int(found[1] or 16) if found else 0
    if not 2 <= neighbours <= 100:
        raise GalleryError(f"PostgreSQL cannot make the index {factory!r}; it can make Flat (exact) and HNSW16")
    return neighbours


def _indexed(dimension: int, space: EmbeddingSpace) -> str:
    """What the index holds of a row. A statement uses the index if it says the same, to the letter."""
    if space.adaptation is None:
        return f"(embedding::halfvec({dimension}))"
    offset = ",".join(str(value) for value in space.adaptation.offset.astype(np.float16))
    return f"(l2_normalize(embedding - '[{offset}]'::halfvec({dimension}))::halfvec({dimension}))"


def _make_room(db: Connection, size: int) -> None:
    """Let the graph be made in memory, or it takes many times as long. What the server allows already stays."""
    wanted = f"{min(size // 2**20, _MOST_MEMORY_MB)}MB"
    db.execute(
        "SELECT set_config('maintenance_work_mem', ?, false)"
        " WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes(?)",
        (wanted, wanted),
    )


def _build(db: Connection, space: EmbeddingSpace, dimension: int, neighbours: int, facts: Facts) -> None:
    name = f"images_hnsw_{secrets.token_hex(4)}"
    with transaction(db):
        db.execute(
            f"CREATE INDEX {name} ON images USING hnsw ({_indexed(dimension, space)} halfvec_ip_ops)"
            f" WITH (m = {neighbours}, ef_construction = {max(64, 2 * neighbours)})"
        )
        looks, recall = _tune(db, space, dimension)
        _set(db, facts | {"name": name, "looks": looks, "recall": recall})


def _note(db: Connection, facts: Facts) -> None:
    with transaction(db):
        _set(db, facts)


def _set(db: Connection, facts: Facts) -> None:
    set_fact(db, "index", json.dumps(facts))


def _drop_others(db: Connection) -> None:
    kept = read_facts(read_fact(db, "index")).get("name")
    listed = db.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'images_hnsw_%'"
    ).fetchall()
    for (name,) in listed:
        if name != kept and re.fullmatch(r"images_hnsw_[0-9a-f]+", name):
            db.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # waits for readers rather than stop them


def _tune(db: Connection, space: EmbeddingSpace, dimension: int) -> tuple[int, float]:
    """How far to look so that a sample finds 99 % of its ten nearest others, and what share it finds."""
    sample = db.execute(
        "SELECT id, embedding FROM images WHERE embedding IS NOT NULL ORDER BY md5(id::text) LIMIT ?", (_QUERIES,)
    ).fetchall()
    queries: Embeddings = space.place(unit_rows([row for _, row in sample]))
    order = hnsw_order(dimension, space)

    def found(order: str) -> list[set[int]]:
        nearest = f"SELECT id FROM images WHERE embedding IS NOT NULL ORDER BY {order} LIMIT {_NEIGHBOURS + 1}"
        return [
            {image for (image,) in db.execute(nearest, (query.astype("<f2").tobytes(),)).fetchall() if image != own}
            for (own, _), query in zip(sample, queries, strict=True)
        ]

    truth = found(f"({order}) + 0")  # a sum is not what the index is ordered by
    recall = 0.0
    for looks in _LOOKS:
        look_as_far(db, looks)
        shares = [len(one & right) / max(1, len(right)) for one, right in zip(found(order), truth, strict=True)]
        recall = float(np.mean(shares))
        if recall >= _TARGET:
            break
    return looks, recall
