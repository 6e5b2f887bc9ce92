"""Which files are found."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import save_noise

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
    monkeypatch.setattr("samekind.gallery.sync.walk.os.scandir", vanish)
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
        patch.setattr("samekind.gallery.sync.walk.os.scandir", refuse)
        report = gallery.sync(photos)
        assert report.unlisted == [("photos/red/", "cannot be listed (Permission denied)")]
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
        patch.setattr("samekind.gallery.sync.walk.os.scandir", refuse)
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
    assert reason == "cannot be listed (File name too long)"


def test_a_file_that_cannot_be_looked_at_keeps_its_row(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.sync(photos)
    (photos / "red/00.png").unlink()
    (photos / "red/00.png").symlink_to("00.png")  # to itself
    report = gallery.sync(photos)
    assert [name for name, _ in report.unlisted] == ["photos/red/00.png"]
    assert (report.removed, len(gallery)) == (0, 12)
