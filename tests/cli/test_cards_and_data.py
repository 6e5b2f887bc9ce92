"""``samekind info``, ``data``, ``evaluate`` and ``demo`` as a user types them."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from commands import run
from conftest import make_card, save_noise, tiny_network
from PIL import Image

from samekind.model_file.card import Card
from samekind.model_file.file import write_model


def test_info_prints_the_card(tiny_model: Path) -> None:
    out = run("info", tiny_model, "--all").stdout
    for words in ("mean colour", "16 × 16 pixels", "balanced", "FAR  2.000%", "Apache-2.0", "fingerprint"):
        assert words in out


def test_info_is_short_and_all_tells_the_rest(tiny_model: Path) -> None:
    short, everything = (run("info", *options).stdout for options in (("general",), ("general", "--all")))
    assert len(short.splitlines()) < 16
    for words in ("balanced      threshold 0.", "FAR", "accuracy", "licence", "everyday objects", "more: --all"):
        assert words in short, words
    assert len(everything.splitlines()) > 2 * len(short.splitlines())
    assert "three images" not in run("info", tiny_model).stdout


def test_info_as_json_is_the_card(tiny_model: Path) -> None:
    card = Card.model_validate_json(run("info", tiny_model, "--json").stdout)
    assert card.name == "tiny"


def test_info_of_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\xff" * 100)
    result = run("info", tmp_path / "broken.onnx")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "broken.onnx: not an ONNX model" in result.stderr


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("pairs", ["split", "first", "second", "same", "first_class", "second_class"]),
        ("triplets", ["split", "anchor", "positive", "negative", "class", "negative_class"]),
        ("trios", ["split", "first", "second", "third", "same", "composition", "classes"]),
    ],
)
def test_data_writes_a_list_whose_paths_are_relative_to_it(
    kind: str, columns: list[str], colour_folders: Path, tmp_path: Path
) -> None:
    output = tmp_path / "lists" / f"{kind}.csv"
    result = run("data", kind, colour_folders, "-o", output, "--train", "8", "--test", "2", "--seed", "3")
    assert result.stdout == f"{output}: 32 training {kind}, 8 test {kind}\n"
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns
    paths = [{(output.parent / row[column]).resolve() for column in columns[1:3]} for row in rows]
    assert all(path.is_file() for pair in paths for path in pair)
    sides = {
        side: {p for row, pair in zip(rows, paths, strict=True) if row["split"] == side for p in pair}
        for side in ("train", "test")
    }
    assert not sides["train"] & sides["test"]
    again = tmp_path / "lists" / "again.csv"
    run("data", kind, colour_folders, "-o", again, "--train", "8", "--test", "2", "--seed", "3")
    assert again.read_bytes() == output.read_bytes()


def test_the_protocols_sizes_on_the_real_data(shared: Path, tmp_path: Path) -> None:
    result = run("data", "pairs", shared / "data" / "imagenette2-224", "-o", tmp_path / "pairs.csv")
    assert result.stdout.endswith("1,280 training pairs, 320 test pairs\n")


def test_data_draws_from_a_manifest(colour_folders: Path, tmp_path: Path) -> None:
    images = sorted(colour_folders.rglob("*.png"))
    manifest, output = tmp_path / "images.csv", tmp_path / "pairs.csv"
    manifest.write_text(
        "path,label,split\n"
        + "".join(f"{path},{path.parent.name},{'test' if path.stem < '04' else 'train'}\n" for path in images)
    )
    result = run("data", "pairs", manifest, "-o", output, "--train", "8", "--test", "2")
    assert result.stdout == f"{output}: 32 training pairs, 8 test pairs\n"
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all((Path(row["first"]).stem < "04") == (row["split"] == "test") for row in rows)


def test_data_from_a_folder_without_classes(tmp_path: Path) -> None:
    result = run("data", "pairs", tmp_path, "-o", tmp_path / "pairs.csv")
    assert result.returncode == 2
    assert "no class folders" in result.stderr
    assert not (tmp_path / "pairs.csv").exists()


def test_evaluate_prints_a_table_and_writes_json(colour_folders: Path, tiny_model: Path, tmp_path: Path) -> None:
    options = ("--resamples", "20", "--trio-count", "400", "-o", tmp_path / "result.json")
    result = run("evaluate", tiny_model, colour_folders, *options)
    assert result.returncode == 0, result.stderr
    for words in (
        "96 images of 4 classes",
        "None of these classes",
        "EER",
        "ECE",
        "accuracy on ABC",
        "recall@1",
        "resampling images",
    ):
        assert words in result.stdout
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["groups"]["unseen"]["pairs"]["metrics"]["auc"]["value"] > 0.99
    printed = json.loads(run("evaluate", tiny_model, colour_folders, *options[:4], "--json").stdout)
    assert printed == written


def test_evaluate_names_unreadable_files_and_goes_on(colour_folders: Path, tiny_model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(colour_folders, tmp_path / "copy"))
    (copied / "red" / "00.png").write_bytes(b"no image")
    result = run("evaluate", tiny_model, copied, "--resamples", "10")
    assert result.returncode == 0
    assert "00.png: not an image" in result.stderr
    assert "95 images" in result.stdout


def test_what_is_excluded_is_neither_measured_nor_calibrated_on(
    colour_folders: Path, tiny_model: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(colour_folders, tmp_path / "copy"))
    for number, folder in enumerate(("red", "blue")):
        save_noise(copied / folder / "00_thumb.png", (9, 9, 9), number)
    options = ("--exclude", "*_thumb.png", "--json")
    measured = run("evaluate", tiny_model, copied, "--resamples", "10", *options)
    assert json.loads(measured.stdout)["images"] == 96
    calibrated = run("calibrate", tiny_model, copied, "-o", tmp_path / "m.onnx", *options)
    assert json.loads(calibrated.stdout)["card"]["pair"]["measured_on"]["images"] == 96


@pytest.mark.parametrize("kind", ["pairs", "trios"])
def test_a_negative_seed_is_refused(kind: str, colour_folders: Path, tmp_path: Path) -> None:
    result = run("data", kind, colour_folders, "-o", tmp_path / "x.csv", "--seed", "-1")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_file_name_that_is_not_utf8_goes_into_a_list_and_comes_back(tmp_path: Path, tiny_model: Path) -> None:
    for kind, colour in (("a", (200, 0, 0)), ("b", (0, 0, 200))):
        (tmp_path / "odd" / kind).mkdir(parents=True)
        for number in range(12):
            save_noise(tmp_path / "odd" / kind / f"{os.fsdecode(bytes([255]))}{number}.png", colour, number)
    result = run("data", "pairs", tmp_path / "odd", "-o", tmp_path / "p.csv", "--train", "4", "--test", "2")
    assert result.returncode == 0, result.stderr
    result = run("verify", "--pairs", tmp_path / "p.csv", "-o", tmp_path / "v.csv", "--model", tiny_model)
    assert result.returncode == 0, result.stderr


def test_a_card_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    card = make_card(licence="free\x1b]0;taken over\x07")
    write_model(tmp_path / "odd.onnx", tiny_network().SerializeToString(), card)
    result = run("info", tmp_path / "odd.onnx")
    assert "free" in result.stdout
    assert "\x1b" not in result.stdout


def test_demo_shows_every_case_and_writes_a_picture(tmp_path: Path) -> None:
    result = run("demo", "-o", tmp_path / "demo.png")
    assert result.returncode == 0, result.stderr
    assert "motorcycle, left eye | motorcycle, right eye" in result.stdout
    right = re.search(r"(\d+) of 16 right with the model 'general'", result.stdout)
    assert right, result.stdout
    assert 13 <= int(right[1]) <= 15  # a mistake is left in
    assert "99 % sure: different" in result.stdout
    assert "p = " not in result.stdout
    with Image.open(tmp_path / "demo.png") as picture:
        assert min(picture.size) > 800
