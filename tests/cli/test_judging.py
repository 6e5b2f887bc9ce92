"""``samekind verify`` and ``samekind trio`` as a user types them."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run
from PIL import Image, ImageDraw

import samekind

Photo = Callable[..., Path]


@pytest.fixture
def reds_and_blue(photo: Photo) -> tuple[Path, Path, Path]:
    return photo("red1.png", seed=1), photo("red2.png", seed=2), photo("blue.png", (40, 40, 220), seed=3)


def test_verify_prints_verdict_probability_similarity_and_where_the_threshold_comes_from(
    reds_and_blue: tuple[Path, Path, Path], tiny_model: Path
) -> None:
    red1, red2, blue = reds_and_blue
    verdict = samekind.load(tiny_model).verify(red1, red2)
    result = run("verify", red1, red2, "--model", tiny_model)
    assert result.stdout == (
        f"same        p={verdict.probability:.2f}  similarity {verdict.similarity:.2f}  "
        "(threshold 0.50, balanced: FAR 2.0 %, TAR 97.0 %, measured on a test)\n"
    )
    assert run("verify", red1, blue, "--model", tiny_model).stdout.startswith("different   p=0.0")


def test_json_is_the_verdict(reds_and_blue: tuple[Path, Path, Path], tiny_model: Path) -> None:
    red1, red2, blue = reds_and_blue
    model = samekind.load(tiny_model)
    printed = json.loads(run("verify", red1, red2, "--json", "--model", tiny_model).stdout)
    assert samekind.Verdict(**printed) == model.verify(red1, red2)
    printed = json.loads(run("trio", red1, blue, red2, "--json", "--model", tiny_model).stdout)
    assert printed["most_alike"] == [0, 2]
    assert [pair["same"] for pair in printed["pairs"]] == [False, True, False]


def test_trio_prints_all_three_similarities(reds_and_blue: tuple[Path, Path, Path], tiny_model: Path) -> None:
    red1, red2, blue = reds_and_blue
    out = run("trio", red1, red2, blue, "--model", tiny_model).stdout
    assert out.startswith("two alike   p=")
    assert all(f"  {name} " in out for name in ("a~b", "a~c", "b~c"))


def test_pictures_on_which_the_rates_do_not_hold_come_with_the_option_that_mends_it(tmp_path: Path) -> None:
    outlines = {
        "shirt": [-34, -90, 34, -90, 101, -45, 78, -6, 50, -28, 50, 95, -50, 95, -50, -28, -78, -6, -101, -45],
        "trousers": [-50, -101, 50, -101, 62, 101, 13, 101, 0, -34, -13, 101, -62, 101],
    }
    for name, outline in outlines.items():
        picture = Image.new("RGB", (224, 224))
        ImageDraw.Draw(picture).polygon([112 + at for at in outline], fill=(150, 150, 150))
        picture.save(tmp_path / f"{name}.png")
    told = run("verify", *sorted(tmp_path.iterdir()), "--model", "general").stderr
    assert told.startswith("samekind: all look like clothes on a plain ground, and the error rates do not hold")
    assert told.endswith(": --among FOLDER\n")


@pytest.mark.parametrize("command", ["verify", "trio"])
def test_exit_status_is_0_for_same_1_for_different_2_for_trouble_as_of_cmp(
    command: str, reds_and_blue: tuple[Path, Path, Path], photo: Photo, tiny_model: Path
) -> None:
    red1, red2, blue = reds_and_blue
    green = photo("green.png", (40, 220, 40))
    alike, unlike = ([red1, red2], [red1, blue]) if command == "verify" else ([red1, red2, blue], [red1, green, blue])
    options = ("--exit-code", "--model", tiny_model)
    assert run(command, *alike, *options).returncode == 0
    assert run(command, *unlike, *options).returncode == 1
    assert run(command, *unlike, "--model", tiny_model).returncode == 0
    assert run(command, *unlike[:-1], "missing.png", *options).returncode == 2


def test_operating_point_and_threshold(reds_and_blue: tuple[Path, Path, Path], tiny_model: Path) -> None:
    red1, red2, _ = reds_and_blue
    pair = (red1, red2, "--model", tiny_model)
    assert (
        "(threshold 0.80, strict: FAR 1.0 %, TAR 90.0 %, measured on a test)"
        in run("verify", *pair, "--operating-point", "strict").stdout
    )
    assert "(threshold 1.00, given)" in run("verify", *pair, "--threshold", "1").stdout
    unknown = run("verify", *pair, "--operating-point", "lax")
    assert unknown.returncode == 2
    assert unknown.stderr == "samekind: no operating point 'lax'; this model has balanced, strict\n"
    both = run("verify", *pair, "--operating-point", "strict", "--threshold", "0.5")
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    assert "from -1 to 1; got 3" in run("verify", *pair, "--threshold", "3").stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"text", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
    ],
)
def test_trouble_with_an_image_is_one_line_that_names_it(
    content: bytes | None, message: str, photo: Photo, tmp_path: Path, tiny_model: Path
) -> None:
    bad = tmp_path / "bad.png"
    if content is not None:
        bad.write_bytes(content)
    result = run("verify", photo(), bad, "--model", tiny_model)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert f"{bad}: {message}" in result.stderr


def test_an_unknown_model_names_the_ones_there_are(photo: Photo) -> None:
    result = run("verify", photo("a.png"), photo("b.png"), "--model", "nothing")
    assert result.returncode == 2
    assert "a model that comes with samekind (general, imagenette)" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("one.png",), ("a.png", "b.png", "--pairs", "list.csv")])
def test_the_wrong_number_of_images_is_explained(arguments: tuple[str, ...]) -> None:
    result = run("verify", *arguments)
    assert result.returncode == 2
    assert "give two images, or --pairs FILE" in " ".join(result.stderr.replace("│", "").split())


def write_csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_list_of_pairs_keeps_its_columns_and_survives_a_bad_image(
    reds_and_blue: tuple[Path, Path, Path], tmp_path: Path, tiny_model: Path
) -> None:
    rows = ("red1.png,red2.png,x", "red1.png,blue.png,y", "red1.png,missing.png,z")
    pairs = write_csv(tmp_path / "pairs.csv", "first,second,note", *rows)
    result = run("verify", "--pairs", pairs, "-o", tmp_path / "out.csv", "--model", tiny_model, cwd=Path("/"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert "missing.png: no such file" in result.stderr
    assert "3 judged from 4 images: 1 same, 1 different, 1 not readable" in result.stderr
    with (tmp_path / "out.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["verdict"] for row in written] == ["same", "different", ""]
    assert [row["note"] for row in written] == ["x", "y", "z"]
    assert "missing.png" in written[2]["error"]
    expected = samekind.load(tiny_model).verify(*reds_and_blue[:2])
    assert written[0]["probability"] == f"{expected.probability:.6f}"
    assert {path.name for path in tmp_path.glob("*.csv")} == {"pairs.csv", "out.csv"}
    assert not list(tmp_path.glob(".out*"))


def test_a_list_of_trios_goes_to_standard_output(
    reds_and_blue: tuple[Path, Path, Path], tmp_path: Path, tiny_model: Path
) -> None:
    trios = write_csv(tmp_path / "trios.csv", "first,second,third", "red1.png,blue.png,red2.png")
    result = run("trio", "--trios", trios, "--model", tiny_model)
    assert result.returncode == 0
    (row,) = csv.DictReader(result.stdout.splitlines())
    assert row["verdict"] == "two alike"
    assert float(row["a~c"]) > float(row["a~b"])


def test_paths_in_the_output_lead_to_the_images_from_where_it_lies(
    reds_and_blue: tuple[Path, Path, Path], tmp_path: Path, tiny_model: Path
) -> None:
    pairs = write_csv(tmp_path / "pairs.csv", "first,second", f"red1.png,{tmp_path / 'red2.png'}")
    output = tmp_path / "deep" / "er" / "out.csv"
    assert run("verify", "--pairs", pairs, "-o", output, "--model", tiny_model).returncode == 0
    with output.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["first"], row["second"]) == ("../../red1.png", str(tmp_path / "red2.png"))


def test_columns_that_the_verdicts_need_are_not_overwritten(
    reds_and_blue: tuple[Path, Path, Path], tmp_path: Path, tiny_model: Path
) -> None:
    pairs = write_csv(tmp_path / "pairs.csv", "first,second,similarity", "red1.png,red2.png,mine")
    result = run("verify", "--pairs", pairs, "--model", tiny_model)
    assert result.returncode == 2
    assert "has a column 'similarity' already" in result.stderr


def test_an_output_that_cannot_be_written_is_trouble_not_an_answer(
    reds_and_blue: tuple[Path, Path, Path], tmp_path: Path, tiny_model: Path
) -> None:
    pairs = write_csv(tmp_path / "pairs.csv", "first,second", "red1.png,red2.png")
    result = run("verify", "--pairs", pairs, "-o", tmp_path, "--model", tiny_model)
    assert (result.returncode, result.stderr) == (2, f"samekind: {tmp_path}: Is a directory\n")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "samekind", "verify", *map(str, reds_and_blue[:2]), "--exit-code"]
        result = subprocess.run([*command, "--model", tiny_model], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, "No space left" in result.stderr) == (2, True)
    assert "Traceback" not in result.stderr


def test_an_output_file_without_a_list_is_refused(reds_and_blue: tuple[Path, Path, Path], tiny_model: Path) -> None:
    result = run("verify", *reds_and_blue[:2], "-o", "out.csv", "--model", tiny_model)
    assert result.returncode == 2
    assert "--output is for a list" in result.stderr


def test_a_list_without_its_columns_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    pairs = write_csv(tmp_path / "pairs.csv", "left,right", "a.png,b.png")
    result = run("verify", "--pairs", pairs, "--model", tiny_model)
    assert result.returncode == 2
    assert "no column 'first'" in result.stderr


def test_a_reader_that_goes_away_is_no_error(reds_and_blue: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pairs = write_csv(tmp_path / "pairs.csv", "first,second", *["red1.png,red2.png"] * 3000)
    command = f"{sys.executable} -m samekind verify --pairs {pairs} | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stdout.startswith("first,second,verdict")
    assert "Traceback" not in result.stderr
