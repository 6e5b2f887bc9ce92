"""``samekind adapt`` and ``--among`` as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import run, told

import samekind
from samekind.gallery import Gallery


@pytest.fixture
def photos(many_colours: Path, tmp_path: Path) -> Path:
    shutil.copytree(many_colours, tmp_path / "photos")
    return tmp_path / "photos"


def test_adapt_writes_a_model_and_says_what_it_is_and_what_to_do_next(photos: Path, adaptable_model: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    result = run("adapt", adaptable_model, "photos", "-o", "mine.onnx", cwd=photos.parent)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "mine.onnx: written, adapted to 24 pictures of photos"
    assert lines[1].startswith("they show one broad kind (their mean has length 0.75; 100% of it was taken away)")
    assert lines[2] == "balanced: FAR 5.0%, TAR 85.0%, measured on collections of other kinds"
    assert lines[3:] == [
        "next: samekind verify A B --model mine.onnx",
        "with labels: samekind calibrate mine.onnx CLASS-FOLDERS -o BETTER.onnx",
    ]
    assert "broken.jpg: not an image in a format that Pillow can read" in result.stderr
    pair = sorted(photos.glob("*/*.png"))[:2]
    verdict = json.loads(run("verify", *pair, "--json", "--model", photos.parent / "mine.onnx").stdout)
    assert verdict["model"] == "mine"
    assert verdict["rates_from"] == "collections of other kinds"


def test_json_is_the_card(photos: Path, adaptable_model: Path) -> None:
    printed = json.loads(run("adapt", adaptable_model, photos, "-o", photos.parent / "m.onnx", "--json").stdout)
    assert samekind.load(photos.parent / "m.onnx").card.model_dump(mode="json") == printed
    assert printed["adapted"]["pictures"] == 24


def test_among_a_folder_or_a_gallery_is_the_same_without_a_file(
    photos: Path, adaptable_model: Path, tmp_path: Path
) -> None:
    first, second, third = sorted(photos.glob("*/*.png"))[:3]
    with Gallery.open(tmp_path / "photos.samekind", model=adaptable_model) as gallery:
        gallery.sync(photos)
    mine = samekind.load(adaptable_model).adapt(photos)
    for among in (photos, tmp_path / "photos.samekind"):
        options = ("--among", among, "--model", adaptable_model, "--json")
        pair = json.loads(run("verify", first, second, *options).stdout)
        verdict = mine.verify(first, second)
        # A gallery keeps half precision.
        assert pair["probability"] == pytest.approx(verdict.probability, abs=3e-3)
        assert pair["threshold"] == pytest.approx(verdict.threshold, abs=3e-3)
        assert pair["rates_from"] == "collections of other kinds"
        trio = json.loads(run("trio", first, second, third, *options).stdout)
        assert trio["probability"] == pytest.approx(mine.verify_trio(first, second, third).probability, abs=3e-3)
    bare = json.loads(run("verify", first, second, "--model", adaptable_model, "--json").stdout)
    assert bare["rates_from"] == "a test"
    assert abs(bare["similarity"] - verdict.similarity) > 0.1


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ("few", "9 readable pictures; at least 10 are needed to adapt, and 20 to 200 are better"),
        ("nowhere", "nowhere: no such folder; give a folder of your own pictures"),
        ("few/0.png", "a file, not a folder; give a folder of your own pictures"),
        ("same", "12 pictures, but only 1 different ones; at least 10 different ones are needed"),
    ],
)
def test_what_is_wrong_with_the_pictures_is_said_and_nothing_is_written(
    photos: Path, adaptable_model: Path, tmp_path: Path, pictures: str, words: str
) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "same").mkdir()
    for number, path in enumerate(sorted(photos.glob("*/*.png"))[:9]):
        shutil.copy(path, tmp_path / "few" / f"{number}.png")
    for number in range(12):
        shutil.copy(tmp_path / "few/0.png", tmp_path / "same" / f"{number}.png")
    for result in (
        run("adapt", adaptable_model, pictures, "-o", "mine.onnx", cwd=tmp_path),
        run("verify", "few/0.png", "few/1.png", "--among", pictures, "--model", adaptable_model, cwd=tmp_path),
    ):
        assert (result.returncode, result.stdout) == (2, "")
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "mine.onnx").exists()


def test_a_folder_as_the_output_and_a_model_that_cannot_be_adapted_are_refused(
    photos: Path, adaptable_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    onto = run("adapt", adaptable_model, photos, "-o", tmp_path)
    assert (onto.returncode, "is a folder" in told(onto)) == (2, True)
    never = run("adapt", tiny_model, photos, "-o", tmp_path / "mine.onnx")
    assert never.returncode == 2
    assert "tiny: cannot be adapted without labels" in never.stderr
    assert not (tmp_path / "mine.onnx").exists()
