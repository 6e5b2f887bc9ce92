"""``samekind calibrate`` as a user types it."""

import json
import shutil
from pathlib import Path

import pytest
from commands import run
from conftest import COLOURS, save_noise


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Further images of the colours."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        (tmp_path / "others" / name).mkdir(parents=True)
        for i in range(4):
            save_noise(tmp_path / "others" / name / f"{i}.png", colour, 60_000 + 10 * number + i)
    return tmp_path / "others"


@pytest.mark.slow  # fits and resamples for ten seconds
def test_calibrate_then_verify_and_evaluate(
    colour_folders: Path, others: Path, tiny_model: Path, tmp_path: Path
) -> None:
    images = Path(shutil.copytree(colour_folders, tmp_path / "photos"))
    (images / "red" / "00.png").write_bytes(b"no image")
    mine = tmp_path / "new" / "mine.onnx"
    result = run("calibrate", tiny_model, images, "-o", mine)
    assert result.returncode == 0, result.stderr
    assert result.stderr.endswith("00.png: not an image in a format that Pillow can read\n")
    for words in ("two images: ", "three images: ", "old card says", "balanced, FAR", "calibration error", "written"):
        assert words in result.stdout, words
    text = run("info", mine, "--all").stdout
    assert "95 images of photos, on which tiny was calibrated anew; none of their classes was trained on" in text
    assert "rates: of thresholds fitted on a part of these images and measured on the rest, in turn" in text
    red, blue = others / "red" / "0.png", others / "blue" / "0.png"
    assert json.loads(run("verify", red, blue, "--model", mine, "--json").stdout)["model"] == "mine"
    assert run("evaluate", mine, others, "--resamples", "10").returncode == 0
    again = run("evaluate", mine, images)
    assert (again.returncode, "95 of 96 images had a part" in again.stderr) == (2, True)


@pytest.mark.slow  # fits and resamples for ten seconds
def test_of_a_split_folder_the_training_images_are_used_and_json_has_all(
    colour_folders: Path, others: Path, tiny_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(colour_folders, tmp_path / "data" / "train")
    shutil.copytree(others, tmp_path / "data" / "val")
    result = run("calibrate", tiny_model, tmp_path / "data", "-o", tmp_path / "mine.onnx", "--json")
    written = json.loads(result.stdout)
    card = json.loads(run("info", tmp_path / "mine.onnx", "--json").stdout)
    assert written["card"]["pair"] == card["pair"]
    assert (card["pair"]["measured_on"]["images"], card["pair"]["measured_on"]["cross_fitted"]) == (96, True)
    assert card["pair"]["measured_on"]["description"].startswith("96 images of data,")
    assert written["card"]["fingerprint"] == card["fingerprint"]
    assert written["pairs"]["old"]["points"]["balanced"].keys() == {"far", "tar"}
    assert written["trios"]["new"]["calibration_error"] >= 0


def test_too_few_images_are_one_line_and_write_nothing(others: Path, tiny_model: Path, tmp_path: Path) -> None:
    shutil.rmtree(others / "red")
    shutil.rmtree(others / "blue")
    result = run("calibrate", tiny_model, others, "-o", tmp_path / "mine.onnx")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "too few images to measure error rates" in result.stderr
    assert not (tmp_path / "mine.onnx").exists()


def test_a_file_that_cannot_be_written_is_named(colour_folders: Path, tiny_model: Path, tmp_path: Path) -> None:
    result = run("calibrate", tiny_model, colour_folders, "-o", tmp_path)
    told = " ".join(result.stderr.replace("│", " ").split())  # the box breaks its lines where a path ends
    assert (result.returncode, f"{tmp_path} is a folder; name a file" in told) == (2, True)
