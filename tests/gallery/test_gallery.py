"""Opening, searching, two processes at once, models that do not fit."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from gallery.conftest import age
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import samekind
from samekind.errors import GalleryError, ModelFileError
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


def test_what_was_saved_again_with_other_metadata_is_found_once(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / f"photos/{number:03}.png" for number in range(120)]
    for number, path in enumerate(paths):
        save_noise(path, (2 * number, 90, 90), seed=number, size=(8, 8))
        age(path)
    gallery.sync(tmp_path / "photos")
    about = PngInfo()
    about.add_text("title", "other")
    Image.open(paths[7]).save(paths[7], pnginfo=about)
    assert gallery.sync(tmp_path / "photos").changed == 1
    found = [hit.row.id for hit in gallery.search(paths[7], 200)]
    assert sorted(found) == sorted(row.id for row in gallery)
    assert len(gallery.snapshot()) == 120
    # Another picture in its place is new to the index nevertheless.
    save_noise(paths[7], (9, 250, 9), seed=500)
    gallery.sync(tmp_path / "photos")
    assert gallery.search(paths[7], 1)[0].path == paths[7]
    assert len({hit.row.id for hit in gallery.search(paths[7], 200)}) == 120


def test_a_link_to_a_gallery_is_the_same_gallery(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.sync(photos)
    (tmp_path / "links").mkdir()
    monkeypatch.chdir(tmp_path / "links")
    Path("linked.samekind").symlink_to(gallery.path)
    with Gallery.open("linked.samekind") as linked:
        assert linked.folder == tmp_path
        monkeypatch.chdir(tmp_path)
        with gallery._store.writing(), pytest.raises(GalleryError, match="has been writing it since"):
            linked.sync(photos)
        linked.sync(photos, index="HNSW8")
    assert not list((tmp_path / "links").glob("linked.samekind?*"))
    assert len(list(tmp_path.glob("*.faiss"))) == 1


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:99])])
def test_an_index_that_is_gone_or_damaged_is_made_again(
    gallery: Gallery, photos: Path, damage: Callable[[Path], object]
) -> None:
    gallery.sync(photos)
    damage(next(photos.parent.glob("*.faiss")))
    with Gallery.open(gallery.path) as other:
        # Without it all embeddings are read, but once.
        assert (other.snapshot().base, len(other.snapshot())) == (None, 12)
        assert other.snapshot() is other.snapshot()
        other.sync(photos)
    with Gallery.open(gallery.path) as again:
        assert (len(again.snapshot().base), len(again.snapshot().ids)) == (12, 0)


def test_an_empty_or_missing_gallery_says_what_to_do(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(GalleryError, match=r"no such gallery; `samekind index FOLDER"):
        Gallery.open(tmp_path / "none.samekind", read_only=True)
    with Gallery.open(tmp_path / "empty.samekind") as gallery:
        with pytest.raises(GalleryError, match="holds no images yet"):
            gallery.search(photos / "red/00.png")
        with pytest.raises(GalleryError, match="at least one"):
            gallery.search_embedding(np.ones(3, np.float32), 0)
        with pytest.raises(GalleryError, match="no image 7"):
            gallery.row(7)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough for a header" * 40, None])
def test_other_files_are_no_galleries(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.samekind"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE songs (title)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="not a samekind gallery"):
        Gallery.open(path)
    assert path.read_bytes() == before


def test_a_newer_format_names_the_remedy(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    gallery.close()
    connection = sqlite3.connect(gallery.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(GalleryError, match="pip install -U samekind"):
        Gallery.open(gallery.path)


def test_another_model_is_refused_and_the_own_one_found_again(
    gallery: Gallery, photos: Path, tiny_model: Path, other_model: Path
) -> None:
    gallery.sync(photos)
    for arguments in ({"model": other_model}, {"recognizer": samekind.load(other_model)}):
        with pytest.raises(GalleryError, match=r"indexed with the model 'tiny'.*--gallery NEW.samekind --model MODEL"):
            Gallery.open(gallery.path, **arguments)
    with Gallery.open(gallery.path, recognizer=samekind.load(tiny_model)) as again:
        assert len(again.search(photos / "red/00.png", 3)) == 3
    with pytest.raises(ModelFileError, match="no such model"):
        Gallery.open(gallery.path, model="nowhere.onnx")


def test_a_model_that_is_gone_is_named(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    model = shutil.copy(tiny_model, tmp_path / "own.onnx")
    with Gallery.open(tmp_path / "g.samekind", model=model) as gallery:
        gallery.sync(photos)
    Path(model).unlink()
    with Gallery.open(tmp_path / "g.samekind") as gallery:
        with pytest.raises(GalleryError, match=r"its model is gone .*own\.onnx.*name it with --model"):
            gallery.search(photos / "red/00.png")
        assert len(gallery) == 12
    with Gallery.open(tmp_path / "g.samekind", model=tiny_model) as gallery:
        assert len(gallery.search(photos / "red/00.png", 3)) == 3


WRITER = """
import sys
from samekind.gallery import Gallery
with Gallery.open(sys.argv[1], model=sys.argv[3]) as gallery:
    gallery.sync(sys.argv[2], on_progress=lambda done, total: (print("writing", flush=True), sys.stdin.readline()))
"""


def test_while_one_process_writes_others_read_and_a_second_writer_is_told_who(
    gallery: Gallery, photos: Path, tiny_model: Path
) -> None:
    gallery.sync(photos)
    for number in range(130):
        save_noise(photos / f"new{number}.png", (number, 100, 100), seed=number)
        age(photos / f"new{number}.png")
    words = [sys.executable, "-c", WRITER, gallery.path, photos, tiny_model]
    writer = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    found = len(gallery.search(photos / "red/00.png", 500))
    assert 12 < found < 142
    with pytest.raises(GalleryError, match=rf"process {writer.pid} on .+ has been writing it since \d{{4}}-"):
        gallery.sync(photos)
    writer.stdin.close()
    assert writer.wait(120) == 0
    assert len(gallery.search(photos / "red/00.png", 500)) == 142
    assert gallery.sync(photos).unchanged == 142


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


def test_status_says_what_is_there(gallery: Gallery, photos: Path) -> None:
    assert gallery.status().model is None
    gallery.sync(photos)
    status = gallery.status()
    assert (status.images, status.model, status.dimension, status.index) == (12, "tiny", 6, "Flat")
    assert (status.index_behind, status.advised_index) == (0, "Flat")
    assert status.bytes >= gallery.path.stat().st_size


def test_exif_date_and_turned_size(gallery: Gallery, photos: Path, save) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 10:30:00"
    save(Image.new("RGB", (40, 30), "red"), "turned.jpg", exif=exif)
    broken = Image.Exif()
    broken.get_ifd(0x8769)[0x9003] = "0000:00:00 00:00:00"
    save(Image.new("RGB", (41, 30), "red"), "clockless.jpg", exif=broken)
    gallery.sync(photos)
    rows = {row.path.name: row for row in gallery}
    assert (rows["turned.jpg"].width, rows["turned.jpg"].height) == (30, 40)
    assert rows["turned.jpg"].taken == "2024-05-17 10:30:00"
    assert rows["clockless.jpg"].taken is None
