"""What of a folder is in the gallery."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import save_noise

from samekind.errors import GalleryError
from samekind.gallery import Gallery, SyncReport


def names(gallery: Gallery) -> list[str]:
    return [row.name for row in gallery]


def test_several_folders_in_one_gallery_and_dropping_one(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "photos2")
    gallery.sync(photos)
    assert gallery.sync(tmp_path / "photos2") == SyncReport(added=12)
    assert gallery.status().folders == ["photos", "photos2"]
    assert gallery.sync(photos) == SyncReport(unchanged=12)
    assert gallery.remove(tmp_path / "photos2") == 12
    assert all(name.startswith("photos/") for name in names(gallery))
    assert gallery.status().folders == ["photos"]
    assert gallery.remove((photos / "red").resolve().as_uri()) == 4
    with pytest.raises(GalleryError, match="has no images of"):
        gallery.remove(tmp_path / "never")


def test_a_folder_is_dropped_without_what_has_a_name_like_its(gallery: Gallery, tmp_path: Path) -> None:
    for name in ("album/a.png", "album#1.png", "album#2/b.png"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        save_noise(tmp_path / "p" / name, (200, 30, 30), len(name))
    gallery.sync(tmp_path / "p")
    assert gallery.remove(tmp_path / "p/album") == 1
    assert [row.name for row in gallery] == ["p/album#1.png", "p/album#2/b.png"]


def test_a_gallery_within_its_folder_and_one_elsewhere_have_relative_paths(
    photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    with Gallery.open(photos / "inside.samekind", model=tiny_model) as inside:
        inside.sync(photos)
        assert names(inside)[0] == "blue/02.png"
        assert inside.sync(photos).unchanged == 12
    (tmp_path / "elsewhere").mkdir()
    with Gallery.open(tmp_path / "elsewhere" / "g.samekind", model=tiny_model) as elsewhere:
        elsewhere.sync(photos)
        assert names(elsewhere)[0] == "../photos/blue/02.png"
        assert all(row.path.exists() for row in elsewhere)


def test_missing_and_suddenly_empty_folders_are_refused(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    with pytest.raises(GalleryError, match="no such folder"):
        gallery.sync(photos / "gone")
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(GalleryError, match="Is its disk mounted"):
        gallery.sync(photos)
    assert len(gallery) == 12
