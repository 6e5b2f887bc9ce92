import json
import os
from pathlib import Path

import pytest

from samekind.errors import TrainingError
from samekind.training.recipe import Recipe
from samekind.training.recipe_file import read_recipe
from samekind.training.run import RunSettings, is_run, read_run, refuse_run, start_run


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return RunSettings(
        folder=tmp_path / "photos",
        output=tmp_path / "photos.onnx",
        recipe=Recipe().with_settings(epochs=3, objectives=[{"loss": "triplet", "margin": 0.1}]),
        init="scratch",
        tests=(tmp_path / "more",),
        licence="ours",
        loggers=("wandb",),
    )


def test_a_run_reads_back_as_it_was_started(settings: RunSettings, tmp_path: Path) -> None:
    run = tmp_path / "deep" / "run"
    assert not is_run(run)
    start_run(run, settings)
    assert is_run(run)
    assert read_run(run) == settings


def test_its_recipe_can_be_used_again(settings: RunSettings, tmp_path: Path) -> None:
    start_run(tmp_path / "run", settings)
    assert read_recipe(str(tmp_path / "run" / "recipe.toml")) == settings.recipe


def test_it_says_what_it_ran_on(settings: RunSettings, tmp_path: Path) -> None:
    start_run(tmp_path / "run", settings)
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["cores"] == os.cpu_count()
    assert {"samekind", "torch", "timm", "lightning", "onnxruntime"} <= set(environment["libraries"])
    assert environment["command"]


def test_a_second_run_in_the_same_folder_is_refused(settings: RunSettings, tmp_path: Path) -> None:
    refuse_run(tmp_path / "run")
    start_run(tmp_path / "run", settings)
    for refused in (lambda: refuse_run(tmp_path / "run"), lambda: start_run(tmp_path / "run", settings)):
        with pytest.raises(TrainingError, match=f"Go on with it: --resume {tmp_path / 'run'}; or .* --run"):
            refused()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"folder": 3}', '{"format": "newer"}'])
def test_what_is_no_run_cannot_be_resumed(content: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json: broken"):
        read_run(tmp_path)


def test_paths_are_absolute_so_that_it_can_be_resumed_from_anywhere(in_folder: Path) -> None:
    (in_folder / "weights.safetensors").touch()
    made = {"folder": "photos", "output": "m.onnx", "recipe": Recipe(), "tests": ("a", "b")}
    settings = RunSettings(init="weights.safetensors", **made)
    assert settings.folder == in_folder / "photos"
    assert settings.output == in_folder / "m.onnx"
    assert settings.tests == (in_folder / "a", in_folder / "b")
    assert settings.init == str(in_folder / "weights.safetensors")
    assert RunSettings(init="imagenet", **made).init == "imagenet"
