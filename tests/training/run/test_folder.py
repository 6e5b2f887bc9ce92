import json
import os
from pathlib import Path

import numpy as np
import pytest

from samekind.errors import TrainingError
from samekind.training.recipe import Recipe, read_recipe
from samekind.training.run.environment import describe_environment
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings


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
    assert not RunFolder(run).has_begun
    RunFolder(run).begin(settings, describe_environment())
    assert RunFolder(run).has_begun
    assert RunFolder(run).read_settings() == settings


def test_its_recipe_can_be_used_again(settings: RunSettings, tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").begin(settings, describe_environment())
    assert read_recipe(str(tmp_path / "run" / "recipe.toml")) == settings.recipe


def test_it_says_what_it_ran_on(settings: RunSettings, tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").begin(settings, describe_environment())
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["cores"] == os.cpu_count()
    assert {"samekind", "torch", "timm", "lightning", "onnxruntime"} <= set(environment["libraries"])
    assert environment["command"]


def test_a_second_run_in_the_same_folder_is_refused(settings: RunSettings, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.refuse_run()
    run.begin(settings, "{}")
    for refused in (run.refuse_run, lambda: run.begin(settings, "{}")):
        with pytest.raises(TrainingError, match=f"Go on with it: --resume {run}; or .* --run"):
            refused()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"folder": 3}', '{"format": "newer"}'])
def test_what_is_no_run_cannot_be_resumed(content: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        RunFolder(tmp_path).read_settings()
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json: broken"):
        RunFolder(tmp_path).read_settings()


def test_paths_are_absolute_so_that_it_can_be_resumed_from_anywhere(in_folder: Path) -> None:
    (in_folder / "weights.safetensors").touch()
    made = {"folder": "photos", "output": "m.onnx", "recipe": Recipe(), "tests": ("a", "b")}
    settings = RunSettings(init="weights.safetensors", **made)
    assert settings.folder == in_folder / "photos"
    assert settings.output == in_folder / "m.onnx"
    assert settings.tests == (in_folder / "a", in_folder / "b")
    assert settings.init == str(in_folder / "weights.safetensors")
    assert RunSettings(init="imagenet", **made).init == "imagenet"


def test_a_run_that_is_moved_with_its_data_reads_back_in_its_new_place(settings: RunSettings, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "elsewhere" / "new"
    (old / "weights").mkdir(parents=True)
    (old / "weights" / "w.safetensors").touch()
    within = {"folder": old / "photos", "output": old / "out" / "m.onnx", "tests": (old / "more",)}
    RunFolder(old / "runs" / "m").begin(
        RunSettings(recipe=settings.recipe, init=str(old / "weights" / "w.safetensors"), **within), "{}"
    )
    new.parent.mkdir()
    old.rename(new)
    found = RunFolder(new / "runs" / "m").read_settings()
    assert (found.folder, found.output) == (new / "photos", new / "out" / "m.onnx")
    assert (found.tests, found.init) == ((new / "more",), str(new / "weights" / "w.safetensors"))


@pytest.mark.parametrize("name", ["imagenet", "general", "bundled"])
def test_a_start_by_name_stays_a_name(name: str, settings: RunSettings, tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").begin(settings.model_copy(update={"init": name}), "{}")
    assert RunFolder(tmp_path / "run").read_settings().init == name


def test_paths_keep_their_links_and_lose_their_dots(in_folder: Path, settings: RunSettings) -> None:
    (in_folder / "real").mkdir()
    (in_folder / "link").symlink_to(in_folder / "real")
    changed = settings.model_dump() | {"folder": Path("link/photos"), "output": Path("link/../m.onnx")}
    made = RunSettings.model_validate(changed)
    assert made.folder == in_folder / "link" / "photos"
    assert made.output == in_folder / "m.onnx"
    RunFolder("run").begin(made, "{}")
    assert RunFolder("run").read_settings() == made


def test_items_are_kept_in_the_run(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).read_items() == (None, None)
    RunFolder(tmp_path).keep_items(np.array([[0, 1], [2, 3]]))
    items, held_out = RunFolder(tmp_path).read_items()
    np.testing.assert_array_equal(items, [[0, 1], [2, 3]])
    assert held_out is None
    RunFolder(tmp_path).keep_items(np.array([[0, 1], [2, 3]]), np.array([[1, 0]]))
    np.testing.assert_array_equal(RunFolder(tmp_path).read_items()[1], [[1, 0]])
