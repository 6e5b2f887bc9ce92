"""A gallery belongs to one model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gallery.embeddings.test_adapting import recalibrated

import samekind
from samekind.errors import GalleryError, ModelFileError
from samekind.gallery import Gallery


def test_another_model_is_refused_and_the_own_one_found_again(
    gallery: Gallery, photos: Path, tiny_model: Path, other_model: Path
) -> None:
    gallery.sync(photos)
    for arguments in ({"model": other_model}, {"recognizer": samekind.load(other_model)}):
        with pytest.raises(GalleryError, match=r"indexed with the model 'tiny'.*--gallery NEW.samekind --model MODEL"):
            Gallery.open(gallery.path, **arguments)
    with Gallery.open(gallery.path, recognizer=samekind.load(tiny_model)) as again:
        assert len(again.search(photos / "red/00.png", 3)) == 3
    with pytest.raises(ModelFileError, match="no such model"):
        Gallery.open(gallery.path, model="nowhere.onnx")


def test_a_model_that_is_gone_is_named(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    model = shutil.copy(tiny_model, tmp_path / "own.onnx")
    with Gallery.open(tmp_path / "g.samekind", model=model) as gallery:
        gallery.sync(photos)
    Path(model).unlink()
    with Gallery.open(tmp_path / "g.samekind") as gallery:
        with pytest.raises(GalleryError, match=r"its model is gone .*own\.onnx.*name it with --model"):
            gallery.search(photos / "red/00.png")
        assert len(gallery) == 12
    with Gallery.open(tmp_path / "g.samekind", model=tiny_model) as gallery:
        assert len(gallery.search(photos / "red/00.png", 3)) == 3


def test_another_calibration_is_told_and_taken_over_by_a_sync(
    photos: Path, adaptable_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = recalibrated(adaptable_model, tmp_path / "mine.onnx", None)
    with Gallery.open(tmp_path / "g.samekind", model=adaptable_model) as gallery:
        gallery.sync(photos)
    with Gallery.open(gallery.path, model=mine, read_only=True):
        pass
    (told,) = caplog.messages
    begun = f"{gallery.path}: judges by the calibration that it was indexed with, not by that of {mine}; "
    assert told.startswith(begun)
    caplog.clear()
    with Gallery.open(gallery.path, model=mine) as again:
        assert again.sync(photos).embedded == 0
    with Gallery.open(gallery.path, model=mine, read_only=True):
        pass
    assert not caplog.messages
