"""Galleries of format 1, which kept no small pictures."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from samekind.gallery import Gallery


def as_format_1(path: Path) -> None:
    connection = sqlite3.connect(path)
    for column in ("picture", "features"):
        connection.execute(f"ALTER TABLE images DROP COLUMN {column}")
    for column in ("thumbnail", "descriptor"):
        connection.execute(f"ALTER TABLE images ADD COLUMN {column} BLOB")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_an_older_gallery_opens_finds_copies_and_is_filled_without_embedding(
    gallery: Gallery, photos: Path, read_only: bool
) -> None:
    (photos / "again.png").write_bytes((photos / "red/00.png").read_bytes())
    gallery.sync(photos)
    before = [(group.rows, group.spare) for group in gallery.duplicates("near")]
    assert before
    gallery.close()
    as_format_1(gallery.path)
    with Gallery.open(gallery.path, read_only=read_only) as older:
        assert len(older) == 13
        assert [(group.rows, group.spare) for group in older.duplicates("near")] == before
        assert older.search(photos / "red/00.png", 1)
    with Gallery.open(gallery.path) as older:
        assert older.sync(photos).embedded == 0
        with sqlite3.connect(gallery.path) as connection:
            lengths = connection.execute("SELECT length(picture) + length(features) FROM images").fetchall()
        assert all(0 < length <= 10_000 for (length,) in lengths)
        assert [(group.rows, group.spare) for group in older.duplicates("near")] == before
        assert older.sync(photos).embedded == 0
