"""Copies of one picture in a gallery: the same answers as reading all of it, also when it changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from copies.conftest import photo as drawn
from gallery.conftest import LONG_AGO, age

from samekind.gallery import Gallery, copies_in
from samekind.gallery.duplicates import copy_finder


@pytest.fixture
def album(gallery: Gallery, tmp_path: Path) -> Gallery:
    (tmp_path / "photos").mkdir()
    for seed in range(8):
        drawn(seed, 480, 360).save(tmp_path / f"photos/{seed}.jpg", quality=92)
        age(tmp_path / f"photos/{seed}.jpg")
    gallery.sync(tmp_path / "photos")
    return gallery


def test_it_finds_what_reading_all_finds(album: Gallery, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "photos/3.jpg", tmp_path / "photos/3 again.jpg")
    age(tmp_path / "photos/3 again.jpg")
    album.sync(tmp_path / "photos")
    for seed, edit in ((2, lambda i: i.resize((240, 180))), (3, lambda i: i), (99, lambda i: i)):
        edit(drawn(seed, 480, 360)).save(tmp_path / "query.jpg", quality=92)
        assert album.copies_of(tmp_path / "query.jpg") == copies_in(album.path, tmp_path / "query.jpg")
    assert [m.row.name for m in album.copies_of(tmp_path / "photos/3.jpg")] == ["photos/3 again.jpg", "photos/3.jpg"]


def test_all_is_read_once_and_again_when_something_has_changed(
    album: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    original = copy_finder.read_picture_files

    def noted(*arguments: object, **options: object):
        read.append(options.get("ids"))
        return original(*arguments, **options)

    monkeypatch.setattr(copy_finder, "read_picture_files", noted)
    drawn(20, 480, 360).save(tmp_path / "query.jpg", quality=90)
    assert album.copies_of(tmp_path / "query.jpg") == album.copies_of(tmp_path / "query.jpg") == []
    assert [ids for ids in read if ids is None] == [None]
    drawn(20, 480, 360).save(tmp_path / "photos/new.jpg", quality=92)
    album.sync(tmp_path / "photos")
    [match] = album.copies_of(tmp_path / "query.jpg")
    assert (match.row.name, match.sure) == ("photos/new.jpg", True)
    assert [ids for ids in read if ids is None] == [None, None]


def test_a_file_that_has_changed_since_it_was_indexed_is_left_out(album: Gallery, tmp_path: Path) -> None:
    drawn(5, 480, 360).resize((300, 225)).save(tmp_path / "query.jpg")
    assert [match.row.name for match in album.copies_of(tmp_path / "query.jpg")] == ["photos/5.jpg"]
    age(tmp_path / "photos/5.jpg", LONG_AGO - 9)
    assert album.copies_of(tmp_path / "query.jpg") == []
    (tmp_path / "photos/5.jpg").unlink()
    assert album.copies_of(tmp_path / "query.jpg") == []


def test_a_disk_that_was_away_is_looked_at_again_and_all_is_read_once(
    album: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(tmp_path / "photos/5.jpg", tmp_path / "query.jpg")
    (tmp_path / "photos").rename(tmp_path / "away")
    assert album.copies_of(tmp_path / "query.jpg") == []
    (tmp_path / "away").rename(tmp_path / "photos")
    original = copy_finder.read_picture_files

    def of_some(*arguments: object, **options: object):
        assert options.get("ids") is not None, "all was read again"
        return original(*arguments, **options)

    monkeypatch.setattr(copy_finder, "read_picture_files", of_some)
    assert [match.row.name for match in album.copies_of(tmp_path / "query.jpg")] == ["photos/5.jpg"]
