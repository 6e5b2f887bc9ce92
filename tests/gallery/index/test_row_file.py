"""The file of rows beside an index: as SQLite has them, or not used at all."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import holding, run
from conftest import save_noise
from gallery.conftest import age

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.index.row_file import RowFile, write_row_file
from samekind.gallery.store.connection import transaction
from samekind.gallery.store.rows import Stored

KINDS = ["IVF1,Flat", "HNSW8"]


def row_file_of(gallery: Gallery) -> Path:
    (path,) = gallery.folder.glob("*.rows")
    return path


def test_rows_are_those_of_sqlite(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def row(image: int, name: str, *facts: object) -> Stored:
        return (image, name, *facts, rng.normal(size=5).astype(np.float16).tobytes())

    rows = [
        row(2, "a/b.jpg", 7, -1, bytes(range(32)), 40, 30, "2024-01-01 10:11:12", None),
        row(3, os.fsdecode(b"caf\xe9 \xf0\x9f\x90\xb1.jpg"), 2**40, 2**62, None, None, None, None, None),
        row(90, "é\n'\".png", 0, 0, b"\0" * 32, 1, 1, None, "odd"),
    ]
    path = tmp_path / "g.samekind.3-0a1b2c3d.rows"
    write_row_file(path, rows)
    file = RowFile.open(path)
    assert file is not None
    assert file.places([90, 2]) == [2, 0]
    assert file.places([2, 4]) is file.places([91]) is file.places([]) is None
    path.unlink()  # what is open does not need the name
    assert [file.stored(place) for place in range(3)] == rows
    assert [file.name(place) for place in range(3)] == [row[1] for row in rows]
    assert [file.embedding(place) for place in range(3)] == [row[-1] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_hits_are_to_the_bit_those_of_statements(gallery: Gallery, photos: Path, kind: str) -> None:
    gallery.sync(photos, index=kind)
    queries = [row.embedding for row in gallery]
    with Gallery.open(gallery.path, read_only=True) as reader:
        from_file = [reader.search_embedding(query, 7) for query in queries]
        assert reader.snapshot().in_files is not None
    row_file_of(gallery).unlink()
    with Gallery.open(gallery.path, read_only=True) as reader:
        assert [reader.search_embedding(query, 7) for query in queries] == from_file
        assert reader.snapshot().rows is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_usual_search_runs_no_statement_for_rows(gallery: Gallery, photos: Path, kind: str) -> None:
    gallery.sync(photos, index=kind)
    query = next(iter(gallery)).embedding
    with Gallery.open(gallery.path, read_only=True) as reader:
        reader.search_embedding(query, 5)
        said: list[str] = []
        with reader._store.reading() as db:
            assert isinstance(db, sqlite3.Connection)
            db.set_trace_callback(said.append)
        hits = reader.search_embedding(query, 5)
        assert [hit.row.path for hit in hits] == [hit.path for hit in hits]
    assert said == ["PRAGMA data_version"]


def cut(share: float) -> Callable[[Path], object]:
    return lambda path: os.truncate(path, int(share * path.stat().st_size))


def put_another(path: Path) -> None:
    """As if that of another generation had been given this one's name."""
    data = path.read_bytes()
    path.write_bytes(data.replace(path.suffixes[-2].encode(), b".1-00000000"))


DAMAGES = [Path.unlink, cut(0), cut(0.01), cut(0.5), cut(0.999), put_another, lambda path: path.write_bytes(bytes(999))]


@pytest.mark.parametrize("damage", DAMAGES)
def test_one_that_is_gone_cut_short_or_anothers_is_not_used_and_made_again(
    gallery: Gallery, photos: Path, damage: Callable[[Path], object]
) -> None:
    gallery.sync(photos, index="HNSW8")
    query = next(iter(gallery)).embedding
    hits = pickle.loads(pickle.dumps(gallery.search_embedding(query, 50)))  # what is mapped must not be cut
    index = next(photos.parent.glob("*.faiss"))
    gallery.close()
    damage(row_file_of(gallery))
    with Gallery.open(gallery.path) as other:
        assert other.search_embedding(query, 50) == hits
        assert other.snapshot().rows is None
        other.sync(photos)
        assert other.search_embedding(query, 50) == hits
        assert other.snapshot().in_files is not None
    assert list(photos.parent.glob("*.faiss")) == [index]


def test_what_is_damaged_within_says_what_to_do(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos, index="HNSW8")
    path = row_file_of(gallery)
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"??")
    with Gallery.open(gallery.path, read_only=True) as reader:
        hits = reader.search_embedding(next(iter(reader)).embedding, 50)
        with pytest.raises(GalleryError, match=r"\.rows\) is damaged; delete it"):
            [hit.row for hit in hits]


def test_a_writer_that_is_killed_while_it_writes_one_leaves_searches_right(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos, index="HNSW8")
    (photos / "red/00.png").rename(photos / "red/moved.png")
    held = holding(
        *("samekind.gallery.index.row_file", "_stamp", 1, photos / "never"),
        *("index", photos, "--gallery", gallery.path, "--index", "IVF1,Flat"),
    )
    process = subprocess.Popen(held, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (begun := list(photos.parent.glob(".*.rows"))) and process.poll() is None:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert begun
    query = next(iter(gallery)).embedding
    hits = gallery.search_embedding(query, 50)
    assert {hit.path for hit in hits} == set(photos.rglob("*.png"))
    assert photos / "red/moved.png" in {hit.path for hit in hits}
    assert run("index", photos, "--gallery", gallery.path, "--index", "IVF1,Flat").returncode == 0
    assert not any(path.exists() for path in begun)
    again = gallery.search_embedding(query, 50)
    assert gallery.snapshot().in_files is not None
    assert [(hit.path, hit.similarity) for hit in again] == [
        (hit.path, pytest.approx(hit.similarity, abs=1e-6)) for hit in hits
    ]
    row_file_of(gallery)  # there is one


@pytest.mark.parametrize("most", [0, 100])
def test_rows_that_changed_since_are_read_and_when_they_are_many_it_is_made_anew(
    gallery: Gallery, photos: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.gallery.index.upkeep.MOST_TOUCHED", most)
    monkeypatch.setattr("samekind.gallery.index.upkeep._SHARE_AT_ITS_END", 0.5)
    gallery.sync(photos, index="HNSW8")
    before = row_file_of(gallery)
    query = next(iter(gallery)).embedding
    age(photos / "red/00.png", 1_500_000_000)
    (photos / "red/03.png").rename(photos / "red/moved.png")
    gallery.sync(photos)
    assert (row_file_of(gallery) == before) == (most == 100)
    hits = gallery.search_embedding(query, 50)
    assert {hit.row.path: hit.row.mtime_ns for hit in hits} == {
        path: path.stat().st_mtime_ns for path in photos.rglob("*.png")
    }
    changed = {hit.row.id for hit in hits if hit.path.name in ("00.png", "moved.png")}
    assert gallery._searcher._last.touched == (changed if most else frozenset())


def test_of_very_many_that_changed_nothing_is_kept_in_mind(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.sync(photos, index="HNSW8")
    monkeypatch.setattr("samekind.gallery.index.row_file.MOST_TOUCHED", 3)
    with gallery._store.writing() as db, transaction(db):
        db.execute("UPDATE images SET size = size + 1 WHERE id < 5")
    hits = gallery.search(photos / "red/00.png", 50)
    assert gallery._searcher._last.touched is None
    assert sorted(hit.row.size - hit.path.stat().st_size for hit in hits) == [0] * 8 + [1] * 4


def test_an_image_may_change_again_and_again(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / f"photos/{number:03}.png" for number in range(250)]
    for number, path in enumerate(paths):
        save_noise(path, (number % 250, 90, 90), seed=number, size=(8, 8))
        age(path)
    gallery.sync(tmp_path / "photos", index="IVF1,Flat")
    made = row_file_of(gallery)
    for seed in (500, 501, 502):
        save_noise(paths[7], (9, 250, seed % 256), seed=seed)
        assert gallery.sync(tmp_path / "photos").changed == 1
        assert gallery.search(paths[7], 1)[0].path == paths[7]
        assert len({hit.row.id for hit in gallery.search(paths[7], 300)}) == 250
    assert row_file_of(gallery) == made


def test_a_gallery_of_an_earlier_samekind_gets_one(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos, index="HNSW8")
    row_file_of(gallery).unlink()
    with gallery._store.writing() as db:
        db.executescript("DROP TRIGGER image_touched; DROP TABLE touched")  # type: ignore[attr-defined]
        facts = '{"file": "gone", "generation": 1, "factory": "HNSW8", "recall": 1.0, "space": ""}'
        db.execute("UPDATE about SET value = ? WHERE key = 'index'", (facts,))
    query = next(iter(gallery)).embedding
    with Gallery.open(gallery.path, read_only=True) as reader:
        assert len(reader.search_embedding(query, 50)) == 12
    gallery.sync(photos)
    assert len(gallery.search_embedding(query, 50)) == 12
    assert gallery.snapshot().in_files is not None


def test_a_flat_index_has_none(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos, index="HNSW8")
    gallery.sync(photos, index="Flat")
    assert not list(photos.parent.glob("*.rows"))
    assert len(gallery.search(photos / "red/00.png", 50)) == 12


def test_its_bytes_are_stated_with_those_of_the_gallery(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos, index="HNSW8")
    files = [Path(gallery.path), row_file_of(gallery), *photos.parent.glob("*.faiss")]
    assert gallery.status().bytes == sum(file.stat().st_size for file in files)
