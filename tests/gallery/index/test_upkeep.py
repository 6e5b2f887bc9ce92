"""When the index is made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import save_noise
from gallery.conftest import age
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from samekind.gallery import Gallery


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
