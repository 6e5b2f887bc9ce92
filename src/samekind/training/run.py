"""The folder of a run: its settings, so that it can be resumed and repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from samekind.atomic import replacing
from samekind.errors import TrainingError
from samekind.training.recipe import Recipe

_SETTINGS = "run.json"
_IMAGES = "images.sha256"

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]


def _absolute_if_file(init: str) -> str:
    return str(Path(init).absolute()) if Path(init).is_file() else init


class RunSettings(BaseModel):
    """All that a run was started with. Paths are made absolute, so that it can be resumed from anywhere.

    Attributes:
        folder: The training images.
        output: The model file to write.
        recipe: The settings.
        init: Where the weights start.
        tests: More folders to test on.
        licence: Of the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: AbsolutePath
    output: AbsolutePath
    recipe: Recipe
    init: Annotated[str, AfterValidator(_absolute_if_file)]
    tests: tuple[AbsolutePath, ...] = ()
    licence: str = "unspecified"


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


def start_run(folder: Path, settings: RunSettings, images: str) -> None:
    """Make a folder a run's.

    Args:
        folder: Of the run.
        settings: Kept in it.
        images: A digest of the images to train on and their classes, kept as well.

    Raises:
        TrainingError: A run is there already.
    """
    refuse_run(folder)
    with replacing(folder / _IMAGES) as temporary:
        temporary.write_text(images + "\n")
    with replacing(folder / _SETTINGS) as temporary:
        temporary.write_text(settings.model_dump_json(indent=2))


def read_run(folder: Path) -> RunSettings:
    """The settings of a run.

    Raises:
        TrainingError: The folder holds none.
    """
    try:
        return RunSettings.model_validate_json((folder / _SETTINGS).read_text())
    except OSError:
        raise TrainingError(f"{folder}: no run to resume there ({_SETTINGS} is missing)") from None
    except ValidationError as error:
        raise TrainingError(f"{folder / _SETTINGS}: broken ({error.errors()[0]['msg']})") from None


def check_same_images(folder: Path, images: str) -> None:
    """Make sure that a run goes on with the images that it began with.

    Raises:
        TrainingError: They have changed, or it is not known which they were.
    """
    began_with = folder / _IMAGES
    if not began_with.exists():
        raise TrainingError(f"{began_with}: missing, so nobody knows which images this run began with; start another")
    if began_with.read_text().strip() != images:
        raise TrainingError(
            f"{folder}: the training images have changed since this run began; start another with --run"
        )
