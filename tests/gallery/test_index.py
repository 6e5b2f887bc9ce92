"""The index: advice, approximate kinds, building while rows change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.index import advised_index, build_index, take_snapshot
from samekind.gallery.store import Store, set_about, transaction


def fill(store: Store, vectors: np.ndarray) -> None:
    """Rows without files, as a sync would have written them."""
    with store.writing() as db, transaction(db):
        db.executemany(
            "INSERT INTO images (path, size, mtime_ns, embedding, generation) VALUES (?, 0, 0, ?, 1)",
            ((f"{i}.jpg", row.astype(np.float16).tobytes()) for i, row in enumerate(vectors)),
        )
        set_about(db, "generation", "1")


@pytest.fixture
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(60, 24)), 50, axis=0) + 0.3 * rng.normal(size=(3000, 24))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("factory", ["Flat", "IVF32,Flat", "HNSW16"])
def test_every_kind_of_index_finds_the_neighbours_of_brute_force(
    factory: str, tmp_path: Path, vectors: np.ndarray
) -> None:
    store = Store(tmp_path / "g.samekind")
    fill(store, vectors)
    with store.writing() as db:
        build_index(store, db, factory)
    snapshot = take_snapshot(store, None)
    assert (len(snapshot), len(snapshot.ids), snapshot.base.ntotal) == (3000, 0, 3000)
    assert take_snapshot(store, snapshot) is snapshot
    queries = vectors[::30]
    similarity, ids = snapshot.search(queries, 10)
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10] + 1  # ids begin at 1
    recall = np.mean([np.isin(right, row).mean() for right, row in zip(truth, ids, strict=True)])
    assert recall >= (0.999 if factory == "Flat" else 0.95)
    assert (np.diff(similarity, axis=1) <= 0).all()
    assert snapshot.search(queries, 3001)[1][0, -1] == -1
    # Removed and changed rows no longer count, and the kind of index outlives the next build.
    with store.writing() as db:
        with transaction(db):
            db.execute("DELETE FROM images WHERE id = 1")
            set_about(db, "generation", "2")
        stale = take_snapshot(store, snapshot)
        assert 1 not in stale.search(vectors[:1], 20)[1]
        build_index(store, db)
    rebuilt = take_snapshot(store, stale)
    assert (len(rebuilt), len(rebuilt.dropped)) == (2999, 0)
    assert len(list(tmp_path.glob("*.faiss"))) == 1
    store.close()


def test_unknown_and_untrainable_kinds_are_refused_and_the_old_index_stays(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    with pytest.raises(GalleryError, match="FAISS cannot make the index 'Nonsense'"):
        gallery.sync(photos, index="Nonsense")
    with pytest.raises(GalleryError, match=r"FAISS cannot make the index 'IVF4096,Flat' of 12 vectors"):
        gallery.sync(photos, index="IVF4096,Flat")
    assert gallery.status().index == "Flat"
    assert len(gallery.search(photos / "red/00.png", 20)) == 12
    gallery.sync(photos, index="HNSW8")
    assert gallery.status().index == "HNSW8"
    assert len(gallery.search(photos / "red/00.png", 20)) == 12


def test_advice_grows_with_the_gallery() -> None:
    assert advised_index(0) == advised_index(500_000) == "Flat"
    assert advised_index(4_000_000) == "IVF8000,Flat"
