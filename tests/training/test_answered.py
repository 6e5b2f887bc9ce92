"""Training on pairs that a person answered."""

import csv
from pathlib import Path

import numpy as np
import pytest
from training.runs import SMALL

from samekind import train
from samekind.errors import DatasetError, TrainingError
from samekind.model_file.file import read_model
from samekind.system.hashing import content_hash
from samekind.training.api import read_recipe, resume
from samekind.training.batches.listed import divide_answered
from samekind.training.images import is_answered_list, read_answered
from samekind.training.recipe import Recipe

ANSWERS = SMALL.with_settings(
    epochs=1,
    network={"dimension": 8},
    sampler={"kind": "pairs", "items": 8},
    objectives=[{"loss": "pairs"}],
    holdout={"calibration": 0.5, "test": 0.0},
)


def write(path: Path, rows: list[tuple[Path, Path, int]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("first", "second", "same"), *rows])
    return path


@pytest.fixture
def answers(colour_folders: Path, tmp_path: Path) -> Path:
    """Pairs within and across the four classes, each picture in one of them."""
    classes = [sorted(folder.iterdir()) for folder in sorted(colour_folders.iterdir())]
    genuine = [(a, b, 1) for images in classes for a, b in zip(images[0:12:2], images[1:12:2], strict=True)]
    neighbours = zip(classes, [*classes[1:], classes[0]], strict=True)
    impostor = [(a, b, 0) for one, other in neighbours for a, b in zip(one[12:18], other[18:24], strict=True)]
    return write(tmp_path / "answers.csv", [*genuine, *impostor])


def known(path: Path) -> dict[Path, str]:
    return {image: content_hash(image) for image in read_answered(path, ANSWERS).paths}


def test_a_list_of_answers_is_known_by_its_columns(answers: Path, colour_folders: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,label\na.png,red\n")
    assert is_answered_list(answers)
    assert not any(map(is_answered_list, (manifest, colour_folders, tmp_path / "none.csv")))


def test_both_sides_keep_their_answers_and_share_no_picture(answers: Path) -> None:
    listed = read_answered(answers, ANSWERS)
    hashes = known(answers)
    divided, notes = divide_answered(listed, ANSWERS.holdout.calibration, ANSWERS.seed, hashes, hashes)
    truth = {
        frozenset(listed.paths[i] for i in pair): same for pair, same in zip(listed.items, listed.same, strict=True)
    }
    for images, items in ((divided.train, divided.items), (divided.held_out, divided.held_out_items)):
        assert len(items) == 24
        for first, second in items:
            same = images.labels[first] == images.labels[second]
            assert truth[frozenset((images.paths[first], images.paths[second]))] == same
    assert not set(divided.train.paths) & set(divided.held_out.paths)
    assert notes == []


def test_answers_that_contradict_each_other_are_left_out_and_named(answers: Path, tmp_path: Path) -> None:
    listed = read_answered(answers, ANSWERS)
    (a, b), (c, _) = ([listed.paths[i] for i in pair] for pair in listed.items[:2])
    rows = [
        (listed.paths[i], listed.paths[j], int(same)) for (i, j), same in zip(listed.items, listed.same, strict=True)
    ]
    odd = write(tmp_path / "odd.csv", [*rows, (b, c, 1), (a, c, 0)])
    hashes = known(odd)
    _, notes = divide_answered(read_answered(odd, ANSWERS), ANSWERS.holdout.calibration, ANSWERS.seed, hashes, hashes)
    assert len(notes) == 1
    assert "1 pairs that are answered different" in notes[0]
    assert str(a) in notes[0]


def test_a_model_trained_on_answers_judges_pairs_by_rates_of_held_out_answers(answers: Path, tmp_path: Path) -> None:
    model = train(answers, tmp_path / "mine.onnx", recipe=ANSWERS, init="scratch", run=tmp_path / "run")
    card = read_model(tmp_path / "mine.onnx").card
    assert card.trio is None
    assert card.training.classes == ()
    assert "pairs that a person answered" in card.training.data
    assert "pairs of answers.csv that a person answered, held out" in card.pair.measured_on.description
    first, second = (read_answered(answers, ANSWERS).paths[i] for i in (0, 1))
    assert 0 < model.verify(first, second).probability < 1
    # Only the pairs whose answers are known are behind the rates.
    kept = np.load(tmp_path / "run" / "held-out-items.npy")
    assert card.pair.measured_on.positives + card.pair.measured_on.negatives == len(kept)
    resume(tmp_path / "run")
    assert read_model(tmp_path / "mine.onnx").card.fingerprint == card.fingerprint


def test_another_recipe_and_too_few_answers_are_refused_before_the_work(answers: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--recipe answers"):
        train(answers, tmp_path / "mine.onnx", init="bundled", run=tmp_path / "run")
    listed = read_answered(answers, ANSWERS)
    few = write(tmp_path / "few.csv", [(listed.paths[0], listed.paths[1], 1), (listed.paths[2], listed.paths[5], 0)])
    with pytest.raises(DatasetError, match="1 answers are yes"):
        train(few, tmp_path / "mine.onnx", recipe="answers", init="bundled", run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_recipe_for_answers_starts_where_general_ends() -> None:
    recipe = read_recipe("answers")
    general = Recipe.model_validate(read_model("general").card.training.recipe)
    assert (recipe.network.features, recipe.network.dimension) == (general.network.features, general.network.dimension)
