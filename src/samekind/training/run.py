"""The folder of a run: its settings, so that it can be resumed and repeated."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from samekind.atomic import replacing
from samekind.errors import TrainingError
from samekind.training.recipe import Recipe

_SETTINGS = "run.json"


class RunSettings(BaseModel):
    """All that a run was started with.

    Attributes:
        folder: The training images.
        output: The model file to write.
        recipe: The settings.
        init: Where the weights start.
        tests: More folders to test on.
        licence: Of the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    output: Path
    recipe: Recipe
    init: str
    tests: tuple[Path, ...] = ()
    licence: str = "unspecified"


def start_run(folder: Path, settings: RunSettings) -> None:
    """Make a folder a run's.

    Raises:
        TrainingError: A run is there already.
    """
    if (folder / _SETTINGS).exists():
        raise TrainingError(
            f"{folder}: a run is there already. Go on with it: --resume {folder}; or name another folder: --run"
        )
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
