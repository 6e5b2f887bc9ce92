"""What is written of files whose content the gallery has met."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gallery.conftest import age
from postgres import BOTH_STORES

from samekind.gallery import Gallery, SyncReport
from samekind.gallery.sync import row_writer

RUN_ON = BOTH_STORES


@pytest.mark.parametrize("count", [50, 200])
def test_copies_of_one_content_are_looked_at_once_each(
    gallery: Gallery, photos: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(count):
        age(shutil.copyfile(photos / "red/00.png", photos / f"{number:04}.png"))
    looked: list[Path] = []
    missing = row_writer._is_missing
    monkeypatch.setattr(row_writer, "_is_missing", lambda path: (looked.append(path), missing(path))[1])
    assert gallery.sync(photos) == SyncReport(added=12 + count, embedded=12)
    assert len(looked) < 2 * count


@pytest.mark.parametrize("count", [3, 20])
def test_of_many_copies_each_row_moves_with_one_of_them(gallery: Gallery, photos: Path, count: int) -> None:
    for number in range(count):
        age(shutil.copyfile(photos / "red/00.png", photos / f"{number:04}.png"))
    gallery.sync(photos)
    before = {row.name: row.id for row in gallery}
    for number in range(count):
        (photos / f"{number:04}.png").rename(photos / f"moved {number:04}.png")
    shutil.copyfile(photos / "red/00.png", photos / "one more.png")
    report = gallery.sync(photos)
    assert (report.added, report.moved, report.removed, report.embedded) == (1, count, 0, 0)
    after = {row.name: row.id for row in gallery}
    assert {after[f"photos/moved {n:04}.png"] for n in range(count)} == {
        before[f"photos/{n:04}.png"] for n in range(count)
    }
