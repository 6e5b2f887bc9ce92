"""Training from Python, and what a person is told at its end."""

import shutil
from pathlib import Path

import pytest
from training.runs import SMALL

from samekind.errors import TrainingError
from samekind.recognizer import Recognizer, load
from samekind.training import api

RECIPE = SMALL.with_settings(epochs=1, holdout={"test": 0.2})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, shades: Path) -> Path:
    """A folder with pictures, a run and its model, made by one call."""
    home = tmp_path_factory.mktemp("home") / "old"
    shutil.copytree(shades, home / "photos")
    (home / "photos" / "red" / "broken.png").write_bytes(b"no image")
    notes: list[str] = []
    stages: set[str] = set()
    model = api.train(
        home / "photos",
        home / "m.onnx",
        recipe=RECIPE,
        init="scratch",
        licence="ours",
        run=home / "runs" / "m",
        on_progress=lambda stage, *_: stages.add(stage),
        note=notes.append,
    )
    assert isinstance(model, Recognizer)
    assert (model.card.name, model.card.licence) == ("m", "ours")
    assert (model.card.training.init_tag, model.card.training.pretraining) == ("", "nothing: random weights")
    assert [note.startswith("left out: ") for note in notes] == [True]
    assert {"look at the images", "training steps", "calibrate"} <= stages
    return home


def test_the_end_says_how_good_it_is_beside_general_and_what_to_do_next(home: Path) -> None:
    lines = api.read_summary(home / "runs" / "m").splitlines()
    assert lines[0].startswith(f"{home / 'm.onnx'}: written.")
    assert lines[1].startswith("held-out images: FAR ")
    assert lines[2].startswith("photos/test (20 images, 4 of 4 classes seen in training): accuracy 0.")
    assert lines[3].startswith("  the model general on the same images: accuracy ")
    assert [line.startswith("  worst: ") for line in lines[4:6]] == [True, True]
    assert lines[6] == "next:"
    assert [line.split()[:2] for line in lines[7:]] == [["samekind", name] for name in ("verify", "evaluate", "index")]


def test_a_run_that_was_moved_with_its_data_goes_on_in_its_new_place(home: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(home, tmp_path / "new"))
    for name in ("m.onnx", "runs/m/network.safetensors", "runs/m/model.onnx"):
        (moved / name).unlink()
    hidden = home.rename(home.with_name("gone"))
    try:
        model = api.resume(moved / "runs" / "m")
    finally:
        hidden.rename(home)
    assert model.card.fingerprint == load(home / "m.onnx").card.fingerprint
    assert (moved / "m.onnx").read_bytes() == (home / "m.onnx").read_bytes()


def test_a_second_training_does_not_touch_the_first(home: Path) -> None:
    before = (home / "m.onnx").read_bytes()
    with pytest.raises(TrainingError, match="a run is there already"):
        api.train(home / "photos", home / "m.onnx", recipe="triplets", init="scratch", run=home / "runs" / "m")
    assert (home / "m.onnx").read_bytes() == before


def test_a_process_that_is_not_the_first_trains_along_and_ends(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(home / "runs", tmp_path / "runs")) / "m"
    (run / "ready").touch()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr("samekind.training.train.train", lambda *_, **__: pytest.fail("did the work of the first"))
    along: list[Path] = []
    monkeypatch.setattr("samekind.training.train.train_along", lambda folder, _: along.append(folder.path))
    with pytest.raises(SystemExit) as ended:
        api.train(home / "photos", home / "m.onnx", recipe=RECIPE, init="scratch", run=run)
    assert (ended.value.code, along) == (0, [run])
