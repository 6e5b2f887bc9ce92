"""Which copy is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gallery.conftest import LONG_AGO, scene

from samekind.gallery import Gallery


def test_keeping_goes_by_pixels_then_bytes_then_age(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    save(scene(1, 64), "small.png")
    save(scene(1, 128), "young.bmp", LONG_AGO + 100)
    save(scene(1, 128), "old.bmp")
    gallery.sync(tmp_path / "photos")
    near = gallery.duplicates("near")
    assert [(group.keep.path.name, group.why) for group in near] == [("old.bmp", "oldest file")]
    (tmp_path / "photos/young.bmp").unlink()
    gallery.sync(tmp_path / "photos")
    assert [group.why for group in gallery.duplicates("near")] == ["most pixels: 128×128"]
