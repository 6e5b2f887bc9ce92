"""Opening, searching, what is there."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery


def test_search_gives_the_most_alike_first_with_the_models_probability(
    gallery: Gallery, photos: Path, tiny_model: Path
) -> None:
    gallery.sync(photos)
    model = samekind.load(tiny_model)
    query = photos / "red/00.png"
    hits = gallery.search(query, 12)
    expected = [model.verify(query, hit.path) for hit in hits]
    assert hits[0].path == query
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
    assert [hit.similarity for hit in hits] == pytest.approx([v.similarity for v in expected], abs=2e-3)
    assert [hit.probability for hit in hits] == pytest.approx([v.probability for v in expected], abs=1e-2)
    assert {hit.path.parent.name for hit in hits[:4]} == {"red"}
    likely = gallery.search(query, 12, min_probability=0.5)
    assert likely == [hit for hit in hits if hit.probability >= 0.5]
    assert 0 < len(likely) < 12
    assert gallery.row(hits[3].row.id).path == hits[3].path


def test_searching_is_right_at_any_moment_whatever_the_index_has(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each change the hits are those of brute force over the rows."""

    def check() -> None:
        rows = [row for row in gallery if row.embedding is not None]
        query = rows[0].embedding
        best = sorted((-float(row.embedding @ query), row.id) for row in rows)
        found = gallery.search_embedding(query, 50)
        assert sorted(hit.row.id for hit in found) == sorted(row.id for row in rows)
        assert [-hit.similarity for hit in found] == pytest.approx([s for s, _ in best], abs=1e-5)

    gallery.sync(photos)
    index_file = next(photos.parent.glob("*.faiss"))
    check()
    monkeypatch.setattr("samekind.gallery.gallery.keep_up", lambda *_: None)  # from here on the index is stale
    save_noise(photos / "new.png", (200, 200, 10), seed=50)
    gallery.sync(photos)
    check()
    save_noise(photos / "red/00.png", (10, 200, 200), seed=51)
    (photos / "red/03.png").unlink()
    gallery.sync(photos)
    assert gallery.status().index_behind == 4  # the new one, the changed one twice, the removed one
    check()
    index_file.write_bytes(b"damaged")
    with Gallery.open(gallery.path) as other:
        assert len(other.search(photos / "green/01.png", 50)) == 12
    index_file.unlink()
    with Gallery.open(gallery.path, read_only=True) as other:
        assert len(other.search(photos / "green/01.png", 50)) == 12


def test_an_empty_or_missing_gallery_says_what_to_do(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(GalleryError, match=r"no such gallery; `samekind index FOLDER"):
        Gallery.open(tmp_path / "none.samekind", read_only=True)
    with Gallery.open(tmp_path / "empty.samekind") as gallery:
        with pytest.raises(GalleryError, match="holds no images yet"):
            gallery.search(photos / "red/00.png")
        with pytest.raises(GalleryError, match="at least one"):
            gallery.search_embedding(np.eye(3, dtype=np.float32)[0], 0)
        with pytest.raises(GalleryError, match="no image 9223372036854775808"):
            gallery.row(2**63)
        with pytest.raises(GalleryError, match="no image 7"):
            gallery.row(7)


def test_many_threads_search_while_one_syncs(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    for number in range(200):
        save_noise(photos / f"new{number}.png", (number, 100, 100), seed=number)
    query, errors, stop = photos / "red/00.png", [], threading.Event()

    def search() -> None:
        while not stop.is_set():
            try:
                hits = gallery.search(query, 5)
                assert hits[0].path == query
                assert len({hit.row.id for hit in hits}) == 5
            except BaseException as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    gallery.sync(photos)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(gallery) == 212


def test_read_only_never_writes(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    with Gallery.open(gallery.path, read_only=True) as reader:
        assert len(reader.search(photos / "red/00.png", 3)) == 3
        with pytest.raises(GalleryError, match="opened read-only"):
            reader.sync(photos)


def test_text_where_a_number_is_meant_is_refused_in_words(filled: Gallery) -> None:
    row = next(iter(filled))
    for call, message in (
        (lambda: filled.search(row.path, k="3"), "a search finds at least one image; got k = '3'"),
        (lambda: filled.search(row.path, min_probability="0.5"), "a number from 0 to 1; got '0.5'"),
        (lambda: filled.clusters("kmeans", k="3"), "a whole number; got k = '3'"),
        (lambda: filled.clusters("agglomerative", threshold="0.5"), "a similarity, from -1 to 1; got '0.5'"),
        (lambda: filled.duplicates("same-class", threshold="0.5"), "a similarity, from -1 to 1; got '0.5'"),
        (lambda: filled.duplicates("same-class", threshold=7), "a similarity, from -1 to 1; got 7"),
        (lambda: filled.matches(filled, "same-class", threshold=float("nan")), "a similarity, from -1 to 1; got nan"),
    ):
        with pytest.raises(GalleryError, match=message):
            call()
