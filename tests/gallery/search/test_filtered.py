"""A filtered search finds as many as there are, whatever the index, and while rows come and go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from postgres import BOTH_STORES

from samekind.errors import FilterError
from samekind.gallery import Gallery
from samekind.gallery.index.build import build_index
from samekind.gallery.search import by_index
from samekind.gallery.store.connection import transaction

RUN_ON = BOTH_STORES


def made(path: Path, count: int, model: Path, dimension: int) -> Gallery:
    """A gallery with rows of no files; every hundredth lies in the folder ``rare``."""
    gallery = Gallery.open(path, model=model)
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with gallery._store.writing() as db:
        gallery._model.remember(db)
        with transaction(db):
            db.executemany(
                "INSERT INTO images (path, size, mtime_ns, width, height, embedding, generation)"
                " VALUES (?, 1, 1, ?, 1, ?, 1)",
                (
                    (f"{'rare' if n % 100 == 0 else 'common'}/{n}.jpg", n, vector.astype(np.float16).tobytes())
                    for n, vector in enumerate(vectors)
                ),
            )
            db.execute("INSERT INTO about VALUES ('generation', '1')")
    return gallery


@pytest.mark.parametrize("factory", [None, "Flat", "IVF16,Flat", "HNSW8", "SQ8"])
@pytest.mark.parametrize("few", [4096, 10])  # whether what is rare is compared one by one
def test_as_many_hits_as_there_are(
    tmp_path: Path, tiny_model: Path, factory: str | None, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_index, "_FEW", few)
    with made(tmp_path / "g.samekind", 2000, tiny_model, 8) as gallery:
        if factory is not None:
            with gallery._store.writing() as db:
                build_index(gallery._store, db, factory)
        query = np.eye(8, dtype=np.float32)[0]
        for where in ("folder = 'rare'", "folder = 'common'", "width < 3", "width >= 100 and width < 900"):
            right = sorted(-float(row.embedding @ query) for row in gallery.rows(where))[:30]
            found = [-hit.similarity for hit in gallery.search_embedding(query, 30, where=where)]
            assert len(found) == len(right)
            if factory in {None, "Flat"} or len(right) < 30 or (where == "folder = 'rare'" and few > 20):
                assert found == pytest.approx(right, abs=1e-6)


def test_a_filter_sees_what_was_written_a_moment_ago(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    query = next(iter(gallery)).embedding
    where = "path like 'photos/red/%'"
    assert len(gallery.search_embedding(query, 20, where=where)) == 4
    (photos / "blue/02.png").rename(photos / "red/02.png")  # the embedding stays, and so does the generation
    gallery.sync(photos)
    assert len(gallery.search_embedding(query, 20, where=where)) == 5
    (photos / "red/00.png").unlink()
    gallery.sync(photos)
    assert len(gallery.search_embedding(query, 20, where=where)) == 4
    assert gallery.search_embedding(query, 20, where="path = 'nowhere'") == []


def test_no_filter_is_refused_before_an_image_is_read(gallery: Gallery) -> None:
    with pytest.raises(FilterError):
        gallery.search("no such file.jpg", where="path")
    for ask in (gallery.duplicates, gallery.clusters, gallery.rows):
        with pytest.raises(FilterError):
            ask(where="path")
