"""Which images of one gallery are in another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from samekind.errors import GalleryError
from samekind.gallery import Gallery


def test_matches_are_the_best_counterparts_in_another_gallery(
    gallery: Gallery, photos: Path, tmp_path: Path, tiny_model: Path, other_model: Path
) -> None:
    gallery.sync(photos)
    (tmp_path / "card").mkdir()
    shutil.copy2(photos / "red/00.png", tmp_path / "card/again.png")
    # A plain one cannot be laid on anything; its bytes tell.
    Image.new("RGB", (20, 20), "white").save(photos / "plain.png")
    shutil.copy2(photos / "plain.png", tmp_path / "card/plain again.png")
    gallery.sync(photos)
    with Gallery.open(tmp_path / "card.samekind", model=tiny_model) as card:
        card.sync(tmp_path / "card")
        for kind in ("exact", "near", "same-class"):
            found, plain = card.matches(gallery, kind)  # type: ignore[arg-type]
            assert (found.row.path.name, found.other.path.name) == ("again.png", "00.png")
            assert (plain.row.path.name, plain.other.path.name) == ("plain again.png", "plain.png")
            assert plain.similarity == pytest.approx(1, abs=1e-3)
            assert found.similarity == pytest.approx(1, abs=1e-3)
        assert {match.row.path.parent.name for match in gallery.matches(card, "same-class")} == {"red", "photos"}
        assert len(gallery.matches(card, "exact")) == 2
    with Gallery.open(tmp_path / "other.samekind", model=other_model) as other:
        other.sync(photos)
        with pytest.raises(GalleryError, match="different models"):
            other.matches(gallery)
