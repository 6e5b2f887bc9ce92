"""Searching among many vectors: a gallery's search, without and with the paths of its hits, and the bare FAISS call.

Processor time, for a machine has other work. Search and call take turns with the same queries on the same index file,
and in who comes first, for the second finds the lists of an IVF in the processor's cache. Vectors are of unit length
around many centres, as embeddings of real images are.

python benchmarks/gallery_search.py [--vectors 1000000] [--dimension 256] [--queries 100] [--index IVF4000,SQ8]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from samekind.gallery import Gallery
from samekind.gallery.index.build import advised_index, build_index
from samekind.gallery.search import by_index
from samekind.gallery.search.hit import Hit
from samekind.gallery.store.connection import transaction
from samekind.gallery.store.facts import set_fact
from samekind.gallery.store.rows import stored_rows
from samekind.gallery.store.store import open_store
from samekind.inference.similarity import checked_embedding
from samekind.model_file.file import read_model

_CHUNK = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--index", default=None, help="the kind that is measured beside Flat; the advised one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.samekind"
        queries = _fill(path, arguments.vectors, arguments.dimension, arguments.queries)
        truth = None
        for factory in ("Flat", arguments.index or advised_index(max(arguments.vectors, 500_001))):
            start = time.perf_counter()
            builder = get_context("spawn").Process(target=_build, args=(path, factory))  # its memory is its own
            builder.start()
            builder.join()
            built = time.perf_counter() - start
            found = _race(path, queries, factory)
            truth = found if truth is None else truth
            recall = np.mean([np.isin(right, row).mean() for right, row in zip(truth, found, strict=True)])
            beside = sum(file.stat().st_size for kind in ("faiss", "rows") for file in path.parent.glob(f"*.{kind}"))
            print(
                f"{factory}: built in {built:.0f} s, recall@10 {recall:.3f}, {beside / arguments.vectors:.0f} B a row"
            )


def _build(path: Path, factory: str) -> None:
    store = open_store(path)
    with store.writing() as db:
        build_index(store, db, factory)
    store.close()


def _fill(path: Path, count: int, dimension: int, queries: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(1, count // 100), dimension)).astype(np.float32)
    store = open_store(path)
    with store.writing() as db:
        for start in range(0, count, _CHUNK):
            rows = _around(centres, min(_CHUNK, count - start), rng)
            with transaction(db):
                db.executemany(
                    "INSERT INTO images (path, size, mtime_ns, embedding, generation) VALUES (?, 0, 0, ?, 1)",
                    ((f"photos/{start + i:07}.jpg", row.tobytes()) for i, row in enumerate(rows.astype(np.float16))),
                )
        with transaction(db):
            set_fact(db, "generation", "1")
            set_fact(db, "card", read_model().card.model_dump_json())  # for its calibration; its dimension is not asked
    store.close()
    return _around(centres, queries, rng)


def _around(centres: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    rows = centres[rng.integers(0, len(centres), count)] + 0.5 * rng.normal(size=(count, centres.shape[1]))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _race(path: Path, queries: NDArray[np.float32], factory: str) -> NDArray[np.int64]:
    flag = faiss.IO_FLAG_MMAP if "IVF" in factory else faiss.IO_FLAG_MMAP_IFC
    bare = faiss.read_index(str(next(path.parent.glob("*.faiss"))), flag)
    ours: list[float] = []
    theirs: list[float] = []
    paths: list[float] = []
    before = _private_mb()
    with Gallery.open(path, read_only=True) as gallery:
        gallery.search_embedding(queries[0], 10)
        print(f"{factory}: memory to make it {_most_mb():.0f} MB, of an open gallery {_private_mb() - before:.0f} MB")
        bare.search(queries[:1], 10)
        searches: list[tuple[Callable[[NDArray[np.float32]], Any], list[float]]] = [
            (lambda query: bare.search(query[None], 10), theirs),
            (lambda query: gallery.search_embedding(query, 10), ours),
        ]
        for query in queries:
            for search, times in searches:
                start = time.process_time_ns()
                found = search(query)
                times.append(time.process_time_ns() - start)
                if times is ours:
                    for hit in found:
                        _ = hit.path
                    paths.append(time.process_time_ns() - start)
            searches.reverse()
        ids = [[hit.row.id for hit in gallery.search_embedding(query, 10)] for query in queries]
        if "IVF" in factory:
            _print_parts(gallery, bare, queries)
    for share in (50, 95):
        call, search_us, paths_us = (np.percentile(times, share) / 1e3 for times in (theirs, ours, paths))
        print(
            f"{factory} p{share}: bare FAISS {call:.0f} us, a search {search_us:.0f} us ({search_us / call:.2f}), "
            f"with its paths {paths_us:.0f} us ({paths_us / call:.2f})"
        )
    return np.array(ids)


def _print_parts(gallery: Gallery, bare: Any, queries: NDArray[np.float32]) -> None:
    """What a search does beside FAISS's call, each right behind one, which leaves little in the processor's cache."""
    searcher, store = gallery._searcher, gallery._store
    moment = searcher._last
    assert moment is not None
    assert moment.snapshot is not None
    assert moment.snapshot.in_files is not None
    space, (_, rows) = moment.space, moment.snapshot.in_files
    with store.reading() as db:
        similarities, found = moment.snapshot.in_files[0].places(queries[:1], 10)
        places = found[0].tolist()

        def connect() -> None:
            with store.reading():
                pass

        def hits() -> list[Hit]:
            return [Hit(0.5, 0.5, store.folder, rows, place) for place in places]

        parts: dict[str, Callable[[], Any]] = {
            "nothing": lambda: None,
            "check of the query": lambda: checked_embedding(queries[0]),
            "a connection, and whether the file is the same": connect,
            "whether something was committed": lambda: by_index._still(db, moment),
            "ten probabilities": lambda: space.probability(similarities[0]).tolist(),
            "ten hits": hits,
            "ten names": lambda: [rows.name(place) for place in places],
            "ten paths": lambda: [hit.path for hit in hits()],
            "ten rows by a statement": lambda: stored_rows(db, [place + 1 for place in places]),
        }
        for name, part in parts.items():
            times = []
            for query in queries:
                bare.search(query[None], 10)
                start = time.process_time_ns()
                part()
                times.append(time.process_time_ns() - start)
            print(f"  {name}: {np.median(times) / 1e3:.1f} us")


def _private_mb() -> float:
    """What the process has to itself; what it maps of files the system takes back when it needs room. Linux."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1e3


def _most_mb() -> float:
    """The most that a process took which made an index."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
