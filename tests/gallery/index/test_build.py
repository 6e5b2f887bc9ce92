"""Making the index: every kind, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.embeddings.embedding_space import read_space
from samekind.gallery.index.build import advised_index, build_index
from samekind.gallery.index.snapshot import Snapshot, take_snapshot
from samekind.gallery.store.connection import one_moment, transaction
from samekind.gallery.store.facts import set_fact
from samekind.gallery.store.store import Store, open_store


def fill(store: Store, vectors: np.ndarray) -> None:
    """Rows without files, as a sync would have written them."""
    with store.writing() as db, transaction(db):
        db.executemany(
            "INSERT INTO images (path, size, mtime_ns, embedding, generation) VALUES (?, 0, 0, ?, 1)",
            ((f"{i}.jpg", row.astype(np.float16).tobytes()) for i, row in enumerate(vectors)),
        )
        set_fact(db, "generation", "1")


def snapshot_of(store: Store, last: Snapshot | None) -> Snapshot:
    with store.reading() as db, one_moment(db):
        return take_snapshot(store, db, read_space(db), last)


@pytest.fixture
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(60, 24)), 50, axis=0) + 0.3 * rng.normal(size=(3000, 24))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("factory", ["Flat", "IVF32,Flat", "HNSW16"])
def test_every_kind_of_index_finds_the_neighbours_of_brute_force(
    factory: str, tmp_path: Path, vectors: np.ndarray
) -> None:
    store = open_store(tmp_path / "g.samekind")
    fill(store, vectors)
    with store.writing() as db:
        build_index(store, db, factory)
    snapshot = snapshot_of(store, None)
    assert (len(snapshot), len(snapshot.ids), len(snapshot.base)) == (3000, 0, 3000)
    assert snapshot_of(store, snapshot) is snapshot
    queries = vectors[::30]
    similarity, ids = snapshot.nearest(queries, 10)
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10] + 1  # ids begin at 1
    recall = np.mean([np.isin(right, row).mean() for right, row in zip(truth, ids, strict=True)])
    assert recall >= (0.999 if factory == "Flat" else 0.95)
    assert (np.diff(similarity, axis=1) <= 0).all()
    assert snapshot.nearest(queries, 3001)[1][0, -1] == -1
    # Removed and changed rows no longer count, and the kind of index outlives the next build.
    with store.writing() as db:
        with transaction(db):
            db.execute("DELETE FROM images WHERE id = 1")
            set_fact(db, "generation", "2")
        stale = snapshot_of(store, snapshot)
        assert 1 not in stale.nearest(vectors[:1], 20)[1]
        build_index(store, db)
    rebuilt = snapshot_of(store, stale)
    assert (len(rebuilt), len(rebuilt.dropped)) == (2999, 0)
    assert len(list(tmp_path.glob("*.faiss"))) == 1
    store.close()


def test_unknown_and_untrainable_kinds_are_refused_and_the_old_index_stays(gallery: Gallery, photos: Path) -> None:
    for unknown in ("Nonsense", "PQ5"):  # the tiny model has 6 dimensions
        with pytest.raises(GalleryError, match=f"FAISS cannot make the index '{unknown}'") as trouble:
            gallery.sync(photos, index=unknown)
        assert "faiss::" not in str(trouble.value)
    assert len(gallery) == 0  # refused before anything was embedded
    gallery.sync(photos)
    with pytest.raises(GalleryError, match=r"FAISS cannot make the index 'IVF4096,Flat' of 12 vectors: most"):
        gallery.sync(photos, index="IVF4096,Flat")
    assert gallery.status().index == "Flat"
    assert len(gallery.search(photos / "red/00.png", 20)) == 12
    gallery.sync(photos, index="HNSW8")
    assert gallery.status().index == "HNSW8"
    assert len(gallery.search(photos / "red/00.png", 20)) == 12


def test_what_a_compressing_index_finds_has_the_similarity_of_the_embeddings(gallery: Gallery, photos: Path) -> None:
    for number in range(30):
        save_noise(photos / f"more{number:02}.png", (8 * number, 90, 255 - 8 * number), seed=number)
    gallery.sync(photos, index="PQ3x4")
    query = next(iter(gallery)).embedding
    hits = gallery.search_embedding(query, 20)
    exact = [float(hit.row.embedding @ query) for hit in hits]
    rough = gallery.snapshot().nearest(query[None], 20)[0][0]
    assert np.abs(np.sort(rough) - np.sort(exact)).max() > 0.01  # or there would be nothing to mend
    assert [hit.similarity for hit in hits] == pytest.approx(exact, abs=1e-6)
    assert exact == sorted(exact, reverse=True)
    probable = gallery.search_embedding(query, 20, min_probability=0.5)
    assert probable == [hit for hit in hits if hit.probability >= 0.5]
    assert 0 < gallery.status().index_recall < 0.96
    gallery.sync(photos, index="Flat")
    assert gallery.status().index_recall is None


def test_what_a_killed_writer_left_of_an_index_is_removed(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    left, other = tmp_path / ".photos.samekind.3-abcd.faiss", tmp_path / ".photos2.samekind.3-abcd.faiss"
    left.touch()
    other.touch()
    gallery.sync(photos)
    assert not left.exists()
    assert other.exists()


def test_advice_grows_with_the_gallery() -> None:
    assert advised_index(0) == advised_index(500_000) == "Flat"
    assert advised_index(4_000_000) == "IVF8000,Flat"
