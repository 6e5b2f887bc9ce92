"""One place decides how embeddings are compared: whoever compares them follows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samekind.gallery import Gallery
from samekind.gallery.embeddings.embedding_space import EmbeddingSpace, read_collection
from samekind.model_file.calibration import pair_probability

MEAN = np.array([0.3, -0.2, 0.1, 0.4, 0.0, -0.1], np.float32)


def centred(rows: np.ndarray) -> np.ndarray:
    rows = rows - MEAN
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def moved(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    """A gallery in a space whose origin lies elsewhere."""
    monkeypatch.setattr(EmbeddingSpace, "place", lambda self, bare: centred(bare))
    gallery.sync(photos)
    return gallery


def bare_rows(gallery: Gallery) -> tuple[list[int], np.ndarray]:
    rows = list(gallery)
    return [row.id for row in rows], np.stack([row.embedding for row in rows])


@pytest.mark.parametrize("factory", ["Flat", "HNSW8", "SQ8"])
def test_search_follows_it_with_and_without_an_index(moved: Gallery, photos: Path, factory: str) -> None:
    moved.sync(photos, index=factory)
    ids, bare = bare_rows(moved)
    query = bare[5]
    cosines = dict(zip(ids, centred(bare) @ centred(query[None])[0], strict=True))
    for _ in range(2):
        hits = moved.search_embedding(query, 12)
        found = [hit.similarity for hit in hits]
        assert found == pytest.approx([cosines[hit.row.id] for hit in hits], abs=1e-5)
        assert found == pytest.approx(sorted(cosines.values(), reverse=True), abs=1e-5)
        expected = pair_probability(moved.card.pair, np.array(found))
        assert [hit.probability for hit in hits] == pytest.approx(expected.tolist())
        for index in photos.parent.glob("*.faiss"):
            index.unlink()
        moved._searcher.forget()


def test_duplicates_of_one_class_matches_and_clusters_follow_it(
    moved: Gallery, photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    ids, bare = bare_rows(moved)
    cosine = centred(bare) @ centred(bare).T
    limit = moved.card.pair.operating_points["strict"].threshold
    for group in moved.duplicates("same-class"):
        places = [ids.index(row.id) for row in group.rows]
        assert group.similarity == pytest.approx(cosine[np.ix_(places, places)].min(), abs=1e-5)
        assert group.similarity >= limit - 1e-5
    shutil.copytree(photos / "green", tmp_path / "green")
    with Gallery.open(tmp_path / "green.samekind", model=tiny_model) as other:
        other.sync(tmp_path / "green")
        _, theirs = bare_rows(other)
        best = (centred(bare) @ centred(theirs).T).max(axis=1)
        found = {match.row.id: match.similarity for match in moved.matches(other, "same-class")}
        expected = {i: value for i, value in zip(ids, best.tolist(), strict=True) if value >= limit}
        assert found == pytest.approx(expected, abs=1e-5)
    for cluster in moved.clusters("kmeans", k=3):
        rows = centred(bare[[ids.index(row.id) for row in cluster.rows]])
        centre = rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0))
        assert cluster.similarity == pytest.approx(float((rows @ centre).mean()), abs=1e-5)


def test_what_the_file_holds_stays_bare(moved: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    _, bare = bare_rows(moved)
    monkeypatch.undo()
    collection = read_collection(moved._store)
    assert np.array_equal(np.sort(collection.embeddings, axis=0), np.sort(bare, axis=0))
    assert collection.space.threshold("strict") == moved.card.pair.operating_points["strict"].threshold
    assert collection.space.threshold("of no such name") == moved.card.pair.operating_points["balanced"].threshold
