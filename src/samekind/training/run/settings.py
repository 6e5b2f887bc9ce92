"""What a run is started with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from samekind.training.recipe import Recipe


def _absolute(path: Path, info: ValidationInfo) -> Path:
    if info.context:  # as a run keeps it, counted from where its folder really is
        return Path(os.path.normpath(info.context["folder"] / path))
    path = path.expanduser().absolute()
    return path.parent.resolve() / path.name if ".." in path.parts else path


def _absolute_if_file(init: str, info: ValidationInfo) -> str:
    path = _absolute(Path(init), info)
    return str(path) if path.is_file() else init


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class RunSettings(BaseModel):
    """All that a run was started with. Paths are made absolute, so that it can be resumed from anywhere.

    Attributes:
        folder: The training images: class folders, or a CSV manifest.
        output: The model file to write.
        recipe: The settings.
        init: Where the weights start.
        tests: More folders or manifests to test on.
        exclude: Patterns in gitignore's form of what is passed over in all these folders.
        licence: The licence of the weights.
        loggers: Besides the CSV file: ``tensorboard``, ``wandb``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: AbsolutePath
    output: AbsolutePath
    recipe: Recipe
    init: Annotated[str, AfterValidator(_absolute_if_file)]
    tests: tuple[AbsolutePath, ...] = ()
    exclude: tuple[str, ...] = ()
    licence: str = "unspecified"
    loggers: tuple[str, ...] = ("tensorboard",)
