"""Which files are found."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import save_noise
from gallery.conftest import scene

from samekind.errors import GalleryError
from samekind.gallery import Gallery, SyncReport


def test_a_subfolder_that_vanishes_while_it_is_looked_for_is_passed_over(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def vanish(place: str) -> object:
        if Path(place).name == "red":
            Path(place).rename(photos.parent / "away")
        return scandir(place)

    gallery.sync(photos)
    monkeypatch.setattr("samekind.images.folder_contents.os.scandir", vanish)
    assert gallery.sync(photos) == SyncReport(removed=4, unchanged=8)


def test_hidden_files_and_other_suffixes_are_passed_over(gallery: Gallery, photos: Path) -> None:
    shutil.copy2(photos / "red/00.png", photos / ".hidden.png")
    shutil.copytree(photos / "red", photos / ".trash")
    (photos / "notes.txt").write_text("no picture")
    assert gallery.sync(photos).added == 12


def test_a_subfolder_that_cannot_be_listed_is_named_and_what_the_gallery_has_of_it_stays(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(place: str) -> object:
        if Path(place).name == "red":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
        return scandir(place)

    gallery.sync(photos)
    (photos / "green/01.png").unlink()
    save_noise(photos / "redder.png", (250, 0, 0), seed=90)
    with monkeypatch.context() as patch:
        patch.setattr("samekind.images.folder_contents.os.scandir", refuse)
        report = gallery.sync(photos)
        assert report.unlisted == [("photos/red/", "cannot be looked at (Permission denied)")]
        assert (report.added, report.removed, report.unchanged) == (1, 1, 7)
        for path in [*photos.glob("green/*"), *photos.glob("blue/*")]:
            path.unlink()
        assert gallery.sync(photos).removed == 7
        assert len([row for row in gallery if row.path.parent.name == "red"]) == 4
    assert gallery.sync(photos).unchanged == 5


def test_the_folder_itself_must_be_listed(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: str) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)

    gallery.sync(photos)
    with monkeypatch.context() as patch:
        patch.setattr("samekind.images.folder_contents.os.scandir", refuse)
        with pytest.raises(GalleryError, match=r"photos: cannot be listed \(Permission denied\)"):
            gallery.sync(photos)
    assert len(gallery) == 12


@pytest.mark.skipif(os.mkdir not in os.supports_dir_fd, reason="this system makes no folders below a longest path")
def test_a_path_that_is_too_long_is_named_and_the_rest_goes_on(gallery: Gallery, photos: Path) -> None:
    place = os.open(photos, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("x" * 200, dir_fd=place)
        inner = os.open("x" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    try:
        report = gallery.sync(photos)
    finally:
        subprocess.run(["rm", "-rf", photos / ("x" * 200)], check=True)
    assert report.added == 12
    ((name, reason),) = report.unlisted
    assert name.startswith("photos/xxx")
    assert reason == "cannot be looked at (File name too long)"


def test_a_file_that_cannot_be_looked_at_keeps_its_row(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    gallery.sync(photos)
    with monkeypatch.context() as patch:
        patch.setattr("samekind.images.folder_contents._Walk._is_image", refuse)
        report = gallery.sync(photos)
        assert ("photos/red/00.png", "cannot be looked at (Permission denied)") in report.unlisted
        assert (report.removed, len(report.unlisted), len(gallery)) == (0, 12, 12)
    assert gallery.sync(photos) == SyncReport(unchanged=12)


def test_a_jpeg_without_its_end_is_read_as_far_as_it_goes_and_named(
    gallery: Gallery, photos: Path, save: Callable[..., Path]
) -> None:
    path = save(scene(3), "cut.jpg")
    path.write_bytes(path.read_bytes()[:-40])
    report = gallery.sync(photos)
    assert report.added == 13
    ((name, damage),) = report.damaged
    assert name == "photos/cut.jpg"
    assert damage


def test_what_is_excluded_is_passed_over_and_counted(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    (photos / "notes.txt").write_text("no picture")
    report = gallery.sync(photos, exclude=["red/", "07.png"])
    assert report.removed == 5
    assert report.passed_over == ["1 file that is no image (1 .txt)", "2 excluded files or folders"]
    (photos / ".samekindignore").write_text("/blue\n")
    assert gallery.sync(photos).removed == 4
    assert {row.path.parent.name for row in gallery} == {"red", "green"}


def test_a_gallery_within_its_folder_does_not_count_itself(photos: Path, tiny_model: Path) -> None:
    with Gallery.open(photos / "x.samekind", model=tiny_model) as gallery:
        assert gallery.sync(photos).passed_over == []
        (photos / "notes.txt").touch()
        assert gallery.sync(photos).passed_over == ["1 file that is no image (1 .txt)"]


def test_where_all_is_excluded_no_disk_is_suspected(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    with pytest.raises(GalleryError, match=r"all that it holds is excluded.* has 12 images of it"):
        gallery.sync(photos, exclude="*")
    assert len(gallery) == 12
