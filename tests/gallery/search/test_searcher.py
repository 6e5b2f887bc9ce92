"""Searching is right whatever another process writes, and whatever the index makes of the embeddings."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import printed_seed
from conftest import COLOURS, save_noise

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.index.build import build_index, build_rows
from samekind.gallery.search import by_index
from samekind.gallery.search.moment import Moment
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import set_fact
from samekind.gallery.store.store import Store
from samekind.model_file.card import Card

SYNC = """
import sys
import samekind.gallery.gallery as module
from samekind.gallery import Gallery
module.keep_up = lambda *_: None
with Gallery.open(sys.argv[1], model=sys.argv[3]) as gallery:
    gallery.sync(sys.argv[2])
"""


@pytest.fixture(params=["Flat", "IVF1,Flat", "HNSW8"])
def reader(gallery: Gallery, photos: Path, request: pytest.FixtureRequest) -> Iterator[Gallery]:
    """The gallery of ``photos``, open in this process, which never writes it; it has searched before."""
    gallery.sync(photos, index=request.param)
    with Gallery.open(gallery.path, read_only=True) as opened:
        opened.search(photos / "red/00.png")
        yield opened


def by_brute_force(gallery: Gallery, query: np.ndarray) -> list[tuple[float, Path]]:
    rows = [row for row in gallery if row.embedding is not None]
    return [
        (pytest.approx(-turned, abs=1e-6), path)
        for turned, _, path in sorted((-float(row.embedding @ query), row.id, row.path) for row in rows)
    ]


def test_what_another_process_committed_is_seen_by_the_next_search(
    reader: Gallery, photos: Path, tiny_model: Path
) -> None:
    query = next(iter(reader)).embedding
    words = [sys.executable, "-c", SYNC, reader.path, photos, tiny_model]

    def hits_after_sync() -> list[Path]:
        subprocess.run(words, check=True)
        hits = reader.search_embedding(query, 50)
        assert [(hit.similarity, hit.path) for hit in hits] == by_brute_force(reader, query)
        assert [(hit.row.path, hit.row.name) for hit in hits] == [
            (hit.path, f"photos/{hit.path.relative_to(photos)}") for hit in hits
        ]
        return [hit.path for hit in hits]

    (photos / "red/00.png").unlink()
    assert photos / "red/00.png" not in hits_after_sync()
    (photos / "red/03.png").rename(photos / "red/moved.png")
    found = hits_after_sync()
    assert photos / "red/moved.png" in found
    assert photos / "red/03.png" not in found
    save_noise(photos / "green/01.png", (200, 30, 30), seed=77)
    assert hits_after_sync() != found  # it is as red as they are now
    (photos / "green/04.png").write_bytes(b"no image")
    assert photos / "green/04.png" not in hits_after_sync()
    save_noise(photos / "new.png", (200, 30, 30), seed=78)
    assert photos / "new.png" in hits_after_sync()


def test_a_gallery_that_was_empty_is_searched_once_it_is_filled(gallery: Gallery, photos: Path) -> None:
    with Gallery.open(gallery.path, read_only=True) as reader:
        query = np.eye(6, dtype=np.float32)[0]
        with pytest.raises(GalleryError, match="holds no images yet"):
            reader.search_embedding(query)
        gallery.sync(photos)
        assert len(reader.search_embedding(query)) == 12
        gallery.remove(photos)
        assert reader.search_embedding(query) == []
        gallery.sync(photos)
        assert len(reader.search_embedding(query)) == 12


def test_what_is_committed_while_the_index_is_searched_counts(
    reader: Gallery, gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index finds what it has; then the rows tell that the gallery has moved on."""
    query = next(iter(reader)).embedding
    before = [hit.path for hit in reader.search_embedding(query, 5)]
    find, calls = reader._searcher._find, []

    def slow_find(db: Connection, moment: Moment, *arguments: object) -> object:
        calls.append(moment)
        with monkeypatch.context() as patch:
            if len(calls) == 1:
                patch.setattr(by_index, "_still", then_changed)
            return find(db, moment, *arguments)

    def then_changed(db: Connection, moment: Moment) -> bool:
        before[1].unlink()
        gallery.sync(photos)
        return still(db, moment)

    still = by_index._still
    monkeypatch.setattr(reader._searcher, "_find", slow_find)
    after = reader.search_embedding(query, 5)
    assert len(calls) == 2
    assert [hit.path for hit in after][:4] == [before[0], *before[2:]]
    assert len(after) == 5


def test_a_hit_keeps_what_was_known_at_the_search(reader: Gallery, gallery: Gallery, photos: Path) -> None:
    query = next(iter(reader)).embedding
    hit = reader.search_embedding(query, 1)[0]
    expected = reader.row(hit.row.id)
    again = reader.search_embedding(query, 1)[0]
    hit.path.unlink()
    gallery.sync(photos)
    reader.close()
    assert again.row == expected
    assert again.row is again.row
    assert (again.row.embedding == expected.embedding).all()
    assert again == hit


def test_a_newer_calibration_counts_from_the_next_search(reader: Gallery, gallery: Gallery) -> None:
    query = next(iter(reader)).embedding
    before = reader.search_embedding(query, 3)
    card = reader.card
    other = card.model_copy(update={"pair": card.pair.model_copy(update={"bias": card.pair.bias - 2})})
    with gallery._store.writing() as db, transaction(db):
        set_fact(db, "card", Card.model_dump_json(other))
    after = reader.search_embedding(query, 3)
    assert [hit.similarity for hit in after] == [hit.similarity for hit in before]
    assert all(new.probability < old.probability for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("factory", ["Flat", "IVF16,Flat", "HNSW16", "SQ8", "IVF16,PQ8x4"])
@pytest.mark.parametrize("behind", [False, True])
def test_similarities_are_those_of_the_embeddings_and_of_equals_the_first_leads(
    factory: str, behind: bool, tmp_path: Path, tiny_model: Path
) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(1500, 32)).astype(np.float32)
    vectors[rng.permutation(1500)[:40]] = vectors[7]  # forty copies of one image
    with Gallery.open(tmp_path / "many.samekind", model=tiny_model) as gallery:
        store: Store = gallery._store
        with store.writing() as db:
            gallery._model.remember(db)
            with transaction(db):
                _insert(db, vectors[:1400] / np.linalg.norm(vectors[:1400], axis=1, keepdims=True), 0)
            build_index(store, db, factory)
            with transaction(db):
                _insert(db, vectors[1400:] / np.linalg.norm(vectors[1400:], axis=1, keepdims=True), 1400)
                set_fact(db, "generation", "2")
            if not behind:
                build_index(store, db)
        assert bool(len(gallery.snapshot().ids)) == behind
        query = gallery.row(8).embedding
        for k in (10, 60, 1500):
            hits = gallery.search_embedding(query, k)
            exact = [float(hit.row.embedding @ query) for hit in hits]
            assert [hit.similarity for hit in hits] == pytest.approx(exact, abs=1e-6)
            assert [(-hit.similarity, hit.row.id) for hit in hits] == sorted(
                (-hit.similarity, hit.row.id) for hit in hits
            )
            copies = [hit.row.id for hit in hits if hit.similarity > 1 - 1e-5]
            assert copies == sorted(copies)
            assert len(copies) >= (min(k, 40) if factory in ("Flat", "SQ8") else 5)
        if factory == "Flat":
            assert len(hits) == 1500


@pytest.mark.parametrize("factory", ["IVF1,Flat", "SQ8"])
def test_whatever_is_written_a_search_finds_what_brute_force_does(
    factory: str, tmp_path: Path, tiny_model: Path
) -> None:
    rng = np.random.default_rng(printed_seed())
    fresh = iter(range(1000, 2000))

    def unit() -> bytes:
        vector = rng.normal(size=6)
        return (vector / np.linalg.norm(vector)).astype(np.float16).tobytes()

    def put(path: str, embedding: bytes, now: int) -> None:
        db.execute(
            "INSERT INTO images (path, size, mtime_ns, embedding, generation) VALUES (?, 0, 0, ?, ?) ON CONFLICT (path)"
            " DO UPDATE SET embedding = excluded.embedding, generation = excluded.generation",
            (path, embedding, now),
        )

    with Gallery.open(tmp_path / "many.samekind", model=tiny_model) as gallery:
        store: Store = gallery._store
        with store.writing() as db:
            gallery._model.remember(db)
            with transaction(db):
                for number in range(100):
                    put(f"{number}.jpg", unit(), 1)
                set_fact(db, "generation", "1")
            build_index(store, db, factory)
        for now in range(2, 40):
            with store.writing() as db, transaction(db):
                some = str(rng.choice([row.name for row in gallery]))
                change = rng.integers(5)
                if change == 0:
                    db.execute("UPDATE images SET path = ? WHERE path = ?", (f"{next(fresh)}.jpg", some))
                elif change == 1:
                    db.execute("UPDATE images SET size = ? WHERE path = ?", (now, some))
                elif change == 2:
                    db.execute("DELETE FROM images WHERE path = ?", (some,))
                else:
                    put(some if change == 3 else f"{next(fresh)}.jpg", unit(), now)
                set_fact(db, "generation", str(now))
            if now == 20:
                with store.writing() as db:
                    build_rows(store, db)
            query = np.frombuffer(unit(), np.float16).astype(np.float32)
            query /= np.linalg.norm(query)
            hits = gallery.search_embedding(query, 500)  # all: an index that compresses may propose others
            assert [(hit.similarity, hit.path) for hit in hits] == by_brute_force(gallery, query)
            assert [hit.row for hit in hits] == [gallery.row(hit.row.id) for hit in hits]


def _insert(db: sqlite3.Connection, rows: np.ndarray, first: int) -> None:
    db.executemany(
        "INSERT INTO images (path, size, mtime_ns, embedding, generation) VALUES (?, 0, 0, ?, ?)",
        ((f"{i}.jpg", row.astype(np.float16).tobytes(), 2 if first else 1) for i, row in enumerate(rows, first)),
    )
    if not first:
        set_fact(db, "generation", "1")


@pytest.mark.parametrize("index", ["Flat", "none"])
def test_a_search_for_fewer_gives_the_first_of_a_search_for_more(gallery: Gallery, tmp_path: Path, index: str) -> None:
    (tmp_path / "equal").mkdir()
    for number in range(30):  # three kinds of ten equals
        save_noise(tmp_path / f"equal/{number:02}.png", COLOURS["red"], number % 3)
    gallery.sync(tmp_path / "equal")
    if index == "none":
        with gallery._store.writing() as db, transaction(db):
            set_fact(db, "index", "")
    query = tmp_path / "equal/29.png"
    for where in (None, "path like '%0.png' or path like '%2.png' or path like '%5.png'"):
        found = [hit.row.id for hit in gallery.search(query, 30, where=where)]
        for k in range(1, len(found)):
            assert [hit.row.id for hit in gallery.search(query, k, where=where)] == found[:k]


def test_more_are_asked_for_than_any_memory_holds(filled: Gallery) -> None:
    query = next(iter(filled)).path
    everything = filled.search(query, 10**30)
    assert len(everything) == len(filled)
    assert everything == filled.search(query, len(filled))
    assert len(filled.search(query, 10**30, where="width > 0")) == len(filled)


def test_what_is_known_of_an_emptied_gallery_is_not_read_again(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    gallery.remove(photos)
    before = gallery.snapshot()
    assert len(before) == 0
    assert gallery.snapshot() is before
