"""What a gallery holds."""

from __future__ import annotations

from pathlib import Path

from samekind.gallery import Gallery


def test_status_says_what_is_there(gallery: Gallery, photos: Path) -> None:
    assert gallery.status().model is None
    gallery.sync(photos)
    status = gallery.status()
    assert (status.images, status.model, status.dimension, status.index) == (12, "tiny", 6, "Flat")
    assert (status.index_behind, status.advised_index) == (0, "Flat")
    assert status.bytes >= gallery.path.stat().st_size
