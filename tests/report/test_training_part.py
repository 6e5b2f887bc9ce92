from pathlib import Path

import pytest
from copies.conftest import photo, save_parts

from samekind import evaluate
from samekind.datasets.dataset import read_test_images
from samekind.report.evaluate import training_part


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Twelve test images, of which two are copies of training images."""
    save_parts(tmp_path, train=range(12), val=range(12, 22))
    photo(0).resize((240, 180)).save(tmp_path / "val/mug/smaller.png")
    photo(1).crop((20, 10, 300, 230)).save(tmp_path / "val/jug/cut.png")
    return tmp_path


def note_of(report: object) -> list[str]:
    return [note for note in report.notes if "have a copy, near or exact" in note]  # type: ignore[attr-defined]


def test_the_report_says_how_many_images_have_a_copy_in_the_train_part(parts: Path, tiny_model: Path) -> None:
    [note] = note_of(evaluate(tiny_model, parts, resamples=10))
    assert note.startswith("Of 12 images, 2 have a copy, near or exact, among the 12 images of")


def test_the_training_images_can_be_named(parts: Path, tiny_model: Path) -> None:
    images = read_test_images(parts)
    assert note_of(evaluate(tiny_model, images, resamples=10)) == []
    [note] = note_of(evaluate(tiny_model, images, training=parts / "train", resamples=10))
    assert "2 have a copy" in note


def test_images_without_a_train_part_have_no_such_note(parts: Path, tiny_model: Path) -> None:
    assert training_part(parts / "val") is None
    assert note_of(evaluate(tiny_model, parts / "val", resamples=10)) == []


def test_without_opencv_that_is_said(parts: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.report.evaluate.can_compare", lambda: False)
    assert any("were not looked for" in note for note in evaluate(tiny_model, parts, resamples=10).notes)
