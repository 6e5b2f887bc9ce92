"""The folder of a run: what it was started with, so that it can be resumed and repeated."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from samekind.atomic import replacing
from samekind.errors import TrainingError
from samekind.training.recipe import Recipe
from samekind.training.recipe_file import show_recipe

_SETTINGS = "run.json"
_RECIPE = "recipe.toml"
_ENVIRONMENT = "environment.json"
_LIBRARIES = ("samekind", "torch", "torchvision", "timm", "lightning", "pytorch-metric-learning", "onnx", "onnxruntime",
              "numpy")  # fmt: skip

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]


def _absolute_if_file(init: str) -> str:
    return str(Path(init).absolute()) if Path(init).is_file() else init


class RunSettings(BaseModel):
    """All that a run was started with. Paths are made absolute, so that it can be resumed from anywhere.

    Attributes:
        folder: The training images: class folders, or a CSV manifest.
        output: The model file to write.
        recipe: The settings.
        init: Where the weights start.
        tests: More folders or manifests to test on.
        licence: Of the weights.
        loggers: Besides the CSV file: ``tensorboard``, ``wandb``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: AbsolutePath
    output: AbsolutePath
    recipe: Recipe
    init: Annotated[str, AfterValidator(_absolute_if_file)]
    tests: tuple[AbsolutePath, ...] = ()
    licence: str = "unspecified"
    loggers: tuple[str, ...] = ("tensorboard",)


def is_run(folder: Path) -> bool:
    """Whether a run has begun in a folder."""
    return (folder / _SETTINGS).exists()


def refuse_run(folder: Path) -> None:
    """Make sure that no run has begun in a folder.

    Raises:
        TrainingError: One has.
    """
    if is_run(folder):
        raise TrainingError(
            f"{folder}: a run is there already. Go on with it: --resume {folder}; or name another folder: --run"
        )


def start_run(folder: Path, settings: RunSettings) -> None:
    """Make a folder a run's.

    Args:
        folder: Of the run.
        settings: Kept in it, with the recipe once more as TOML, and what the run ran on.

    Raises:
        TrainingError: A run is there already.
    """
    refuse_run(folder)
    for name, text in (
        (_ENVIRONMENT, json.dumps(_environment(), indent=2)),
        (_RECIPE, show_recipe(settings.recipe)),
        (_SETTINGS, settings.model_dump_json(indent=2)),  # last, for it makes the folder a run
    ):
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def read_run(folder: Path) -> RunSettings:
    """The settings of a run.

    Raises:
        TrainingError: The folder holds none.
    """
    try:
        return RunSettings.model_validate_json((folder / _SETTINGS).read_text(encoding="utf-8"))
    except OSError:
        raise TrainingError(f"{folder}: no run to resume there ({_SETTINGS} is missing)") from None
    except ValidationError as error:
        raise TrainingError(f"{folder / _SETTINGS}: broken ({error.errors()[0]['msg']})") from None


def _environment() -> dict[str, object]:
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "command": sys.argv,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "gpus": gpus,
        "libraries": libraries,
    }
