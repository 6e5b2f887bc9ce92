"""Keeping a gallery in step with a folder: what is read, what is embedded, what is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import save_noise
from gallery.conftest import LONG_AGO, age
from postgres import BOTH_STORES

from samekind.errors import DatasetError
from samekind.gallery import Gallery, SyncReport
from samekind.system.hashing import content_hash

RUN_ON = BOTH_STORES


def names(gallery: Gallery) -> list[str]:
    return [row.name for row in gallery]


def content(gallery: Gallery) -> list[tuple[object, ...]]:
    """All that is known of each file, embeddings to the bit."""
    return [(row, None if row.embedding is None else row.embedding.tobytes()) for row in gallery]


def test_the_first_sync_embeds_everything_as_the_model_does(gallery: Gallery, photos: Path, tiny_model: Path) -> None:
    from samekind import load

    report = gallery.sync(photos)
    assert report == SyncReport(added=12, embedded=12)
    rows = list(gallery)
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert rows[0].path == photos / "blue" / "02.png"
    assert (rows[0].width, rows[0].height, rows[0].size) == (24, 20, rows[0].path.stat().st_size)
    expected = load(tiny_model).embed([row.path for row in rows])
    assert np.stack([row.embedding for row in rows]) == pytest.approx(expected, abs=1e-3)


def test_an_unchanged_folder_is_not_read_again(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.sync(photos)
    monkeypatch.setattr("samekind.gallery.sync.examine.content_hash", lambda path: pytest.fail(f"read {path}"))
    assert gallery.sync(photos) == SyncReport(unchanged=12)


def test_changed_moved_copied_and_deleted_files_are_found_and_only_new_content_is_embedded(
    gallery: Gallery, photos: Path
) -> None:
    gallery.sync(photos)
    before = {row.name: row for row in gallery}
    (photos / "red/00.png").rename(photos / "moved.png")
    save_noise(photos / "red/03.png", (250, 250, 0), seed=99)
    shutil.copy2(photos / "red/06.png", photos / "copy.png")
    (photos / "blue/02.png").unlink()
    age(photos / "green/01.png", LONG_AGO + 500)
    report = gallery.sync(photos)
    assert report == SyncReport(added=1, changed=1, moved=1, removed=1, unchanged=9, embedded=1)
    after = {row.name: row for row in gallery}
    assert after["photos/moved.png"].id == before["photos/red/00.png"].id
    assert np.array_equal(after["photos/copy.png"].embedding, before["photos/red/06.png"].embedding)
    assert not np.array_equal(after["photos/red/03.png"].embedding, before["photos/red/03.png"].embedding)
    assert "photos/blue/02.png" not in after


def test_names_of_a_series_that_shift_by_one_keep_their_embeddings(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    reds = sorted((photos / "red").iterdir())
    before = {row.path: row.embedding for row in gallery}
    for old, new in zip(reversed(reds), ["99.png", *(path.name for path in reversed(reds))], strict=False):
        old.rename(photos / "red" / new)
    assert gallery.sync(photos).embedded == 0
    after = {row.path: row.embedding for row in gallery}
    for old, new in zip(reds, [*reds[1:], photos / "red/99.png"], strict=True):
        assert np.array_equal(after[new], before[old])
    assert reds[0] not in after


def test_same_size_and_time_a_moment_ago_is_not_believed(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos / "red/00.png"
    status = path.stat()
    moment_later = status.st_mtime_ns + 1_000_000_000  # whatever time the sync takes
    with monkeypatch.context() as patch:
        patch.setattr("samekind.gallery.sync.examine.time", SimpleNamespace(time_ns=lambda: moment_later))
        gallery.sync(photos)
    other = photos / "red/03.png"
    path.write_bytes(other.read_bytes()[: status.st_size].ljust(status.st_size, b"\0"))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    report = gallery.sync(photos)
    assert report.changed + len(report.unreadable) == 1


def test_unreadable_files_are_named_and_tried_again_only_when_they_change(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = photos / "bad.jpg"
    bad.write_bytes(b"no picture")
    age(bad)
    report = gallery.sync(photos)
    assert report.unreadable == [("photos/bad.jpg", "not an image in a format that Pillow can read")]
    assert report.added == 12
    assert len(gallery) == 12
    assert gallery.status().unreadable == report.unreadable
    with monkeypatch.context() as patch:
        patch.setattr("samekind.gallery.sync.examine.read_new_image", lambda *_: pytest.fail("tried again"))
        assert gallery.sync(photos) == SyncReport(unchanged=12, unreadable_before=1)
    shutil.copy2(photos / "red/00.png", bad)
    assert gallery.sync(photos).changed == 1
    assert not gallery.status().unreadable


def test_what_cannot_be_opened_is_tried_again_each_time(gallery: Gallery, photos: Path) -> None:
    (photos / "link.png").symlink_to(photos / "secret.png")
    save_noise(photos / "secret.png", (9, 9, 9), seed=1)
    age(photos / "secret.png").chmod(0)
    if os.access(photos / "secret.png", os.R_OK):
        pytest.skip("this user may read everything")
    assert {name for name, _ in gallery.sync(photos).unreadable} == {"photos/link.png", "photos/secret.png"}
    (photos / "secret.png").chmod(0o644)
    assert gallery.sync(photos).changed == 2


def test_what_still_cannot_be_opened_is_named_once_and_changes_nothing(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        if path.name == "00.png":
            raise DatasetError(f"{path}: cannot be read (Permission denied)")
        return content_hash(path)

    with monkeypatch.context() as patch:
        patch.setattr("samekind.gallery.sync.examine.content_hash", refuse)
        first = gallery.sync(photos)
        assert first.unreadable == [("photos/red/00.png", "cannot be read (Permission denied)")]
        before = gallery.snapshot()
        assert gallery.sync(photos) == SyncReport(unchanged=11, unreadable_before=1)
        assert gallery.snapshot().generation == before.generation
    assert gallery.sync(photos) == SyncReport(changed=1, unchanged=11, embedded=1)


def test_names_that_are_no_utf_8_survive(gallery: Gallery, photos: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png"))
    try:
        shutil.copy2(photos / "red/00.png", path)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    bad = Path(os.fsdecode(os.fsencode(photos) + b"/b\xe4d.png"))
    bad.write_bytes(b"no picture")
    age(bad)
    gallery.sync(photos)
    assert path in [row.path for row in gallery]
    assert gallery.sync(photos) == SyncReport(unchanged=13, unreadable_before=1)
    assert gallery.search(path, 2)[0].path.exists()


def test_a_folder_whose_own_name_is_no_utf_8(gallery: Gallery, photos: Path) -> None:
    folder = photos.with_name("caf\udce9")
    try:
        photos.rename(folder)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert gallery.sync(folder).added == 12
    assert gallery.sync(folder, frames="none") == SyncReport(unchanged=12)
    assert gallery.sync(folder, frames="none") == SyncReport(unchanged=12)


def test_folder_and_gallery_can_move_together(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    with Gallery.open(tmp_path / "photos.samekind", model=tiny_model) as gallery:
        gallery.sync(photos)
    target = tmp_path / "new home"
    target.mkdir()
    for path in [photos, *tmp_path.glob("photos.samekind*")]:
        shutil.move(path, target / path.name)
    with Gallery.open(target / "photos.samekind") as gallery:
        assert gallery.sync(target / "photos") == SyncReport(unchanged=12)
        assert gallery.search(target / "photos/red/00.png", 1)[0].path == target / "photos/red/00.png"


def test_stopping_between_batches_keeps_what_was_done_and_the_next_sync_ends_the_same(
    gallery: Gallery, photos: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.gallery.sync.sync._BATCH", 5)

    def stop(stage: str, done: int, total: int) -> None:
        assert (stage, total) == ("files", 12)
        if done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.sync(photos, on_progress=stop)
    assert len(gallery) == 5
    assert len(gallery.search(photos / "red/00.png", 20)) == 5
    assert gallery.sync(photos).added == 7
    with Gallery.open(tmp_path / "whole.samekind", model=tiny_model) as whole:
        whole.sync(photos)
        assert content(whole) == content(gallery)
