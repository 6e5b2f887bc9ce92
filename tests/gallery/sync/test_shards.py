"""Rows that were embedded elsewhere: the same as a sync makes, and what a later sync does with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import run
from conftest import save_noise
from gallery.conftest import LONG_AGO, age
from postgres import BOTH_STORES, Server, needs_postgres

import samekind
from samekind.errors import GalleryError, MissingExtraError, ShardError
from samekind.gallery import Gallery, SyncReport
from samekind.shards import parquet_images
from samekind.system.hashing import content_hash

RUN_ON = BOTH_STORES


@pytest.fixture
def shards(photos: Path, tiny_model: Path) -> Path:
    (photos / "text.png").write_text("no image")
    age(photos / "text.png")
    samekind.embed(photos, photos.parent / "shards", model=tiny_model, rows=5)
    return photos.parent / "shards"


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, photos: Path) -> None:
    """Once the shards are made nothing is embedded, unless a test undoes this."""
    request.getfixturevalue("shards")
    fail = lambda *_: pytest.fail("something was embedded")  # noqa: E731
    monkeypatch.setattr("samekind.gallery.sync.sync.stored_embeddings", fail)


def stored(gallery: Gallery) -> list[tuple[object, ...]]:
    query = (
        "SELECT path, size, mtime_ns, sha256, error, width, height, taken, phash, picture, features, embedding"
        " FROM images ORDER BY path"
    )
    with gallery._store.reading() as db:
        return [tuple(row) for row in db.execute(query).fetchall()]


def test_rows_are_those_of_a_sync(gallery: Gallery, photos: Path, shards: Path, tiny_model: Path, monkeypatch) -> None:
    report = gallery.add_shards(shards)
    assert report == SyncReport(
        added=12, unreadable=[("photos/text.png", "not an image in a format that Pillow can read")]
    )
    monkeypatch.undo()
    with Gallery.open(photos.parent / "synced.samekind", model=tiny_model) as synced:
        synced.sync(photos)
        assert [(hit.row.name, hit.probability) for hit in synced.search(photos / "red/00.png", 5)] == [
            (hit.row.name, hit.probability) for hit in gallery.search(photos / "red/00.png", 5)
        ]
        assert stored(gallery) == stored(synced)


def test_a_later_sync_of_the_pictures_finds_them_unchanged(gallery: Gallery, photos: Path, shards: Path) -> None:
    gallery.add_shards(shards)
    assert gallery.sync(photos) == SyncReport(unchanged=12, unreadable_before=1)
    (photos / "red/00.png").unlink()
    report = gallery.sync(photos)
    assert (report.removed, report.unchanged) == (1, 11)
    # The shards still have it, so they bring it back.
    assert gallery.add_shards(shards).added == 1


def test_taken_in_twice_nothing_changes(gallery: Gallery, shards: Path) -> None:
    gallery.add_shards(shards)
    before = stored(gallery)
    assert gallery.add_shards(shards) == SyncReport(unchanged=12, unreadable_before=1)
    assert stored(gallery) == before


def test_a_file_that_was_synced_since_goes_before_an_older_shard(
    gallery: Gallery, photos: Path, shards: Path, monkeypatch
) -> None:
    monkeypatch.undo()
    save_noise(photos / "red/00.png", (1, 2, 3), seed=77)
    age(photos / "red/00.png", LONG_AGO + 99)
    gallery.sync(photos)
    before = stored(gallery)
    gallery.add_shards(shards)
    assert stored(gallery) == before


def test_a_changed_file_is_taken_from_the_later_shard(
    gallery: Gallery, photos: Path, shards: Path, tiny_model: Path
) -> None:
    gallery.add_shards(shards)
    save_noise(photos / "red/00.png", (1, 2, 3), seed=77)
    age(photos / "red/00.png", LONG_AGO + 99)
    assert samekind.embed(photos, shards).embedded == 1
    report = gallery.add_shards(shards)
    assert (report.changed, report.unchanged, report.added) == (1, 11, 0)
    assert gallery.search(photos / "red/00.png", 1)[0].row.name == "photos/red/00.png"


def test_an_image_behind_an_address_that_changed_is_written_once(
    gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe("/changing/a.png", (photos / "red/00.png").read_bytes())
    memory.pipe("/changing/b.png", (photos / "green/01.png").read_bytes())
    samekind.embed("memory://changing", tmp_path / "remote", model=tiny_model)
    gallery.add_shards(tmp_path / "remote")
    memory.pipe("/changing/a.png", (photos / "blue/02.png").read_bytes())
    assert samekind.embed("memory://changing", tmp_path / "remote").embedded == 1
    report = gallery.add_shards(tmp_path / "remote")
    assert (report.changed, report.unchanged) == (1, 1)
    before = stored(gallery)
    assert gallery.add_shards(tmp_path / "remote") == SyncReport(unchanged=2)
    assert stored(gallery) == before


def test_images_behind_addresses_are_kept_under_these(
    gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/galleries/a.png", (photos / "red/00.png").read_bytes())
    samekind.embed("memory://galleries", tmp_path / "remote", model=tiny_model)
    gallery.add_shards(tmp_path / "remote")
    assert [row.name for row in gallery] == ["memory:///galleries/a.png"]
    # A sync of the gallery's own folder, in which an address would lie if it were a path.
    gallery.add_shards(tmp_path / "shards")
    assert gallery.sync(tmp_path).removed == 0
    assert len(gallery) == 13
    assert gallery.search(photos / "red/00.png", 1)[0].similarity == pytest.approx(1, abs=1e-3)


def test_a_search_shows_an_address_as_it_is(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/galleries/a.png", (photos / "red/00.png").read_bytes())
    samekind.embed("memory://galleries", tmp_path / "remote", model=tiny_model)
    assert run("index", tmp_path / "remote", "-g", tmp_path / "remote.samekind").returncode == 0
    found = run("search", tmp_path / "remote.samekind", photos / "red/00.png", "-k", 1)
    assert found.stdout.endswith("memory:///galleries/a.png\n"), found.stderr


def test_images_within_a_tar_file_are_kept(gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    import tarfile

    for name in ("some.tar", "LOUD.TAR"):
        with tarfile.open(photos / name, "w") as tar:
            tar.add(photos / "red/00.png", "0.png")
        age(photos / name)
        samekind.embed(photos / name, tmp_path / f"{name} shards", model=tiny_model)
        gallery.add_shards(tmp_path / f"{name} shards")
    gallery.add_shards(tmp_path / "shards")
    assert gallery.sync(photos).removed == 0
    assert len(gallery) == 14
    for name in ("some.tar#0.png", "LOUD.TAR#0.png"):
        assert any(row.name.endswith(name) for row in gallery)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_of_members_of_one_name_the_last_counts_whatever_shards_they_are_in(
    gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path, rows: int
) -> None:
    import tarfile

    pictures = sorted(photos.rglob("*.png"))[:4]
    with tarfile.open(tmp_path / "some.tar", "w") as tar:
        for picture, name in zip(pictures, ("a.png", "b.png", "a.png", "a.png"), strict=True):
            tar.add(picture, name)
    samekind.embed(tmp_path / "some.tar", tmp_path / "tarred", model=tiny_model, rows=rows)
    assert gallery.add_shards(tmp_path / "tarred") == SyncReport(added=2)
    before = stored(gallery)
    kept = {row.name.rpartition("#")[2]: row.sha256 for row in gallery}
    assert kept == {"a.png": content_hash(pictures[3]), "b.png": content_hash(pictures[1])}
    assert gallery.add_shards(tmp_path / "tarred") == SyncReport(unchanged=2)
    assert stored(gallery) == before


def test_a_file_with_the_bytes_of_an_image_in_a_tar_file_is_another(
    gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tarfile

    monkeypatch.undo()
    with tarfile.open(tmp_path / "some.tar", "w") as tar:
        tar.add(photos / "red/00.png", "0.png")
    samekind.embed(tmp_path / "some.tar", tmp_path / "tarred", model=tiny_model)
    gallery.add_shards(tmp_path / "tarred")
    report = gallery.sync(photos)
    assert (report.moved, report.added) == (0, 12)
    assert sum(row.name.endswith(("some.tar#0.png", "red/00.png")) for row in gallery) == 2


@needs_postgres
def test_the_names_of_a_database_are_relative_to_where_the_first_of_a_list_lies(
    postgres: Server, photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    samekind.embed(sorted(photos.rglob("*.png")), tmp_path / "listed", model=tiny_model)
    with Gallery.open(postgres.new_schema(), model=tiny_model) as gallery:
        gallery.add_shards(tmp_path / "listed")
        assert [row.name for row in gallery][::11] == ["../green/01.png", "08.png"]
        assert all(row.path.is_file() for row in gallery)


def test_another_model_is_refused(shards: Path, other_model: Path, tmp_path: Path) -> None:
    other = Gallery.open(tmp_path / "other.samekind", model=other_model)
    with other as gallery, pytest.raises(GalleryError, match="the shards are of the model 'tiny'"):
        gallery.add_shards(shards)
    with Gallery.open(tmp_path / "general.samekind") as gallery:
        gallery.add_shards(shards)  # None is that of the shards for a new gallery
        assert gallery.card.name == "tiny"


def test_a_refusal_leaves_nothing_of_a_new_gallery(
    gallery_place: Path | str, shards: Path, photos: Path, other_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(shards, tmp_path / "broken")
    min(broken.glob("shard-*")).unlink()
    for words, reason in (
        ((broken,), "missing, or not as it was written"),
        ((shards, "--model", other_model), "the shards are of the model 'tiny'"),
        ((shards, "--index", "Nonsense"), "cannot make the index 'Nonsense'"),
        ((photos, "--model", "nowhere.onnx"), "nowhere.onnx"),
        ((photos, "--model", tiny_model, "--index", "Nonsense"), "cannot make the index 'Nonsense'"),
        ((photos, "--frames", "often"), "often"),
    ):
        result = run("index", *words, "--gallery", gallery_place, cwd=tmp_path)
        assert result.returncode == 2
        assert reason in result.stderr
        with pytest.raises(GalleryError, match="no such gallery"):
            Gallery.open(gallery_place, read_only=True)
    assert not list(tmp_path.glob("*.samekind*"))


def test_a_refusal_binds_a_gallery_to_no_model(
    gallery_place: Path | str, shards: Path, photos: Path, other_model: Path, tiny_model: Path
) -> None:
    with Gallery.open(gallery_place, model=other_model) as gallery:
        with pytest.raises(GalleryError, match="the shards are of the model 'tiny'"):
            gallery.add_shards(shards)
        with pytest.raises(GalleryError, match="cannot make the index"):
            gallery.sync(photos, index="Nonsense")
        with pytest.raises(GalleryError, match="no such folder"):
            gallery.sync(photos / "gone")
    with Gallery.open(gallery_place) as gallery:
        assert gallery.add_shards(shards).added == 12


def test_what_is_no_folder_of_shards_is_named(
    gallery: Gallery, photos: Path, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ShardError, match="no folder of shards"):
        gallery.add_shards(photos)
    monkeypatch.setattr(parquet_images, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="parquet"):
        gallery.add_shards(shards)


def test_the_command(photos: Path, shards: Path, tmp_path: Path) -> None:
    done = run("index", shards, "--gallery", tmp_path / "photos.samekind", "--index", "HNSW32")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/photos.samekind: 12 images (12 new, 1 unreadable)\n"
    status = run("status", tmp_path / "photos.samekind").stdout
    assert "folders     photos" in status
    assert "HNSW32" in status
    refused = run("index", shards, "--gallery", tmp_path / "photos.samekind", "--watch")
    assert refused.returncode == 2
    assert "not of shards" in refused.stderr


def test_the_command_says_what_is_not_embedded_yet(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    def stop(_: str, done: int, __: int) -> None:
        if done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        samekind.embed(photos, tmp_path / "part", model=tiny_model, rows=5, on_progress=stop)
    done = run("index", tmp_path / "part", "--gallery", tmp_path / "part.samekind")
    assert "5 images (5 new)" in done.stdout
    assert f"part: 8 images are not embedded yet; run `samekind embed {photos} -o {tmp_path}/part` again" in done.stderr
