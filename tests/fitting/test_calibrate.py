"""New calibrations for a model in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, save_noise

from samekind.datasets.folders import read_class_folders
from samekind.errors import DatasetError
from samekind.fitting.calibrate import Recalibrated, calibrate
from samekind.model_file.file import read_model
from samekind.recognizer import load


@pytest.fixture(scope="module")
def found(tiny_model: Path, colour_folders: Path) -> Recalibrated:
    return calibrate(tiny_model, colour_folders)


def test_the_new_model_judges_and_keeps_its_embeddings(
    found: Recalibrated, tiny_model: Path, colour_folders: Path
) -> None:
    new, old = found.recognizer(), load(tiny_model)
    assert (new.card.name, new.card.fingerprint) == ("tiny-calibrated", old.card.fingerprint)
    assert new.card.pair.scale != old.card.pair.scale
    paths = sorted((colour_folders / "red").iterdir())[:3]
    np.testing.assert_array_equal(new.embed(paths), old.embed(paths))
    assert new.verify(*paths[:2]).same
    assert found.old == old.card


def test_what_is_saved_is_what_was_found_under_the_name_of_the_file(found: Recalibrated, tmp_path: Path) -> None:
    card = found.save(tmp_path / "new" / "mine.onnx")
    assert card == found.card.model_copy(update={"name": "mine"})
    read = read_model(tmp_path / "new" / "mine.onnx")
    assert read.card == card
    assert read.seen_images.to_text() == found.model.seen_images.to_text() != ""


def test_an_output_is_written_at_once(
    found: Recalibrated, tiny_model: Path, colour_folders: Path, tmp_path: Path
) -> None:
    written = calibrate(read_model(tiny_model), read_class_folders(colour_folders), tmp_path / "mine.onnx")
    assert read_model(tmp_path / "mine.onnx").card == written.card == written.recognizer().card
    assert written.card == found.card.model_copy(update={"name": "mine"})


def test_progress_ends_at_the_number_of_images(tiny_model: Path, colour_folders: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    calibrate(tiny_model, colour_folders, on_progress=lambda *step: steps.append(step))
    assert steps[-1] == ("images", 96, 96)


def test_a_folder_as_output_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        calibrate("no such model", tmp_path / "nowhere", tmp_path)


def test_too_few_images_write_nothing(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("red", "blue"):
        (tmp_path / "few" / name).mkdir(parents=True)
        for i in range(3):
            save_noise(tmp_path / "few" / name / f"{i}.png", COLOURS[name], i)
    with pytest.raises(DatasetError, match="too few images"):
        calibrate(tiny_model, tmp_path / "few", tmp_path / "mine.onnx")
    assert not (tmp_path / "mine.onnx").exists()


def test_a_notebook_shows_old_and_new_rates(found: Recalibrated) -> None:
    assert repr(found) == f"<Recalibrated: tiny-calibrated, {96 * 95 // 2 // 2 - 24:,} pairs>"
    html = found._repr_html_()
    assert "<th>old</th><th>new</th>" in html
    assert html.count("FAR") >= 4
