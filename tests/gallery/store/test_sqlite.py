"""One file, one writer, many readers."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from gallery.conftest import age

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery


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


WRITER = """
import sys
from samekind.gallery import Gallery
with Gallery.open(sys.argv[1], model=sys.argv[3]) as gallery:
    gallery.sync(sys.argv[2], on_progress=lambda *_: (print("writing", flush=True), sys.stdin.readline()))
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
    assert writer.wait(300) == 0
    assert len(gallery.search(photos / "red/00.png", 500)) == 142
    assert gallery.sync(photos).unchanged == 142


def put_in_place(new: Path, gallery: Path) -> None:
    """As ``rsync`` does: the file under a name of its own, then over the other one. Its index is left where it is."""
    shutil.copy(new, gallery.with_name(".new"))
    gallery.with_name(".new").replace(gallery)


@pytest.fixture
def two_galleries(tmp_path: Path, tiny_model: Path) -> tuple[Path, Path]:
    """Galleries of as many files, of the same names, sizes and times, made alike; only the pixels differ."""
    for number, name in enumerate(("first", "second")):
        (tmp_path / name / "photos").mkdir(parents=True)
        for shade in range(5):
            path = tmp_path / name / "photos" / f"{shade}.bmp"
            save_noise(path, (40 * shade, 200 * number, 90), seed=shade)
            age(path)
        with Gallery.open(tmp_path / name / "g.samekind", model=tiny_model) as gallery:
            gallery.sync(tmp_path / name / "photos")
    return tmp_path / "first/g.samekind", tmp_path / "second/g.samekind"


def test_a_gallery_that_is_put_in_the_place_of_an_open_one_is_searched_next(two_galleries: tuple[Path, Path]) -> None:
    first, second = two_galleries
    with Gallery.open(second, read_only=True) as other:
        rows = [row.embedding for row in other]
        expected = [[hit.similarity for hit in other.search_embedding(query)] for query in rows]
    with Gallery.open(first, read_only=True) as served:
        served.search_embedding(rows[0])
        assert [[hit.similarity for hit in served.search_embedding(query)] for query in rows] != expected
        put_in_place(second, first)
        # The index of the old one lies beside it still, and covers the same generation.
        assert len(list(first.parent.glob("*.faiss"))) == 1
        for query, similarities in zip(rows, expected, strict=True):
            assert [hit.similarity for hit in served.search_embedding(query)] == pytest.approx(similarities, abs=1e-6)
        assert np.array_equal([row.embedding for row in served], rows)


def test_what_takes_a_gallerys_place_must_be_a_gallery_of_its_model(
    two_galleries: tuple[Path, Path], tmp_path: Path, other_model: Path, tiny_model: Path
) -> None:
    first, second = two_galleries
    with Gallery.open(tmp_path / "other.samekind", model=other_model) as other:
        other.sync(tmp_path / "first/photos")
    query = tmp_path / "first/photos/0.bmp"
    own = samekind.load(tiny_model)
    for recognizer in (None, own):
        with Gallery.open(first, read_only=True, recognizer=recognizer) as served:
            served.search(query)
            put_in_place(tmp_path / "other.samekind", first)
            with pytest.raises(GalleryError, match=r"replaced by a gallery of another model|indexed with the model"):
                served.search(query)
            with pytest.raises(GalleryError, match="replaced by a gallery of another model"):
                served.search_embedding(own.embed(query)[0])
            first.with_name(".new").write_bytes(b"no gallery")
            first.with_name(".new").replace(first)
            with pytest.raises(GalleryError, match="not a samekind gallery"):
                served.search(query)
            put_in_place(second, first)
            assert len(served.search(query)) == 5


def test_while_a_gallery_is_away_the_open_one_answers(two_galleries: tuple[Path, Path], tmp_path: Path) -> None:
    first, _ = two_galleries
    with Gallery.open(first, read_only=True) as served:
        before = served.search(tmp_path / "first/photos/0.bmp")
        first.unlink()
        assert served.search(tmp_path / "first/photos/0.bmp") == before
        assert not first.exists()


def test_nothing_of_a_sync_lies_outside_the_gallery_when_it_is_over(gallery: Gallery, photos: Path) -> None:
    with Gallery.open(gallery.path, read_only=True) as reader:
        gallery.sync(photos)
        assert len(reader) == 12
        save_noise(photos / "new.png", (1, 2, 3), seed=5)
        gallery.sync(photos)
        assert Path(f"{gallery.path}-wal").stat().st_size == 0


def test_a_full_disk_is_told_when_writing_begins(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(GalleryError, match=r"cannot be written \(No space left on device\)"):
            gallery.sync(photos)
    assert gallery.sync(photos).added == 12


def test_names_that_are_no_utf_8_of_folder_gallery_and_model(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    place = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        place.mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    shutil.copytree(photos, place / "photos")
    model = shutil.copy(tiny_model, place / os.fsdecode(b"mod\xe8le.onnx"))
    path = place / os.fsdecode(b"g\xe9.samekind")
    with Gallery.open(path, model=model) as gallery:
        assert gallery.sync(place / "photos").added == 12
        assert gallery.model == model
    with Gallery.open(path, read_only=True) as again:
        assert len(again.snapshot().base) == 12
        assert again.search(place / "photos/red/00.png", 1)[0].path == place / "photos/red/00.png"
        assert again.status().index_behind == 0


def test_a_gallery_is_pickled_as_the_place_of_its_file(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    again = pickle.loads(pickle.dumps(gallery))
    assert (len(again), again.path.resolve()) == (len(gallery), gallery.path.resolve())
    again.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on POSIX only")
def test_a_fork_leaves_the_connections_to_its_parent(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    len(gallery)
    mine = set(map(id, gallery._store._idle))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = len(gallery)
        shared = mine & set(map(id, gallery._store._idle))
        gallery.close()
        os.write(writing, f"{found} {len(shared)}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 99).decode() == f"{len(gallery)} 0"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder where not even root may make a file")
def test_where_no_gallery_can_be_made_another_place_is_proposed() -> None:
    with pytest.raises(GalleryError, match=r"x\.samekind: cannot be opened or made there .*--gallery FILE"):
        Gallery.open("/proc/x.samekind")
