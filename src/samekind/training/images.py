"""The images of a run, as its settings name them: listed and refused, and none of them opened. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samekind.datasets.checking.usable import refuse_unusable
from samekind.datasets.dataset import Dataset, read_dataset, read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.datasets.lists import PAIR_COLUMNS
from samekind.datasets.manifest import TRAIN
from samekind.datasets.tables import has_columns
from samekind.errors import DatasetError, TrainingError
from samekind.evaluation.listed_items import ANSWER, FEWEST_ANSWERS, ListedItems, read_pairs
from samekind.training.recipe import Recipe
from samekind.training.run.settings import RunSettings

# Different images of a class: two to train on and two to hold out.
_FEWEST = 4


@dataclass(frozen=True)
class RunImages:
    """What a run is given to look at.

    Attributes:
        source: Images to be split, or answered pairs; None for a run that goes on with the images that it began with.
        tests: Further images to test on, by the names that the card has for them.
    """

    source: Dataset | ListedItems | None
    tests: Mapping[str, LabelledImages]


def list_images(settings: RunSettings, *, resume: bool = False) -> RunImages:
    """List the images of a run; a typing mistake in the name of a test folder shows now, not after hours.

    Args:
        settings: What the run is started with.
        resume: It goes on, so that its own images are known already.

    Raises:
        DatasetError: The images or a test folder cannot be used.
        TrainingError: The recipe is not for such images.
    """
    source = None if resume else list_source(settings.folder, settings.recipe, settings.exclude)
    tests: dict[str, LabelledImages] = {}
    for path in settings.tests:
        short = f"{path.parent.name}/{path.name}"
        tests[str(path) if short in tests else short] = read_test_images(path, exclude=settings.exclude)
    return RunImages(source, tests)


def list_source(source: Path, recipe: Recipe, exclude: Sequence[str] = ()) -> Dataset | ListedItems:
    """List what is to be split for training.

    Args:
        source: Class folders, with or without ``train`` and ``val``; a CSV manifest; or a CSV list of answered pairs.
        recipe: What the images must be fit for.
        exclude: Patterns in gitignore's form of what to pass over in folders.

    Raises:
        DatasetError: It cannot be used.
        TrainingError: The recipe is not for such images.
    """
    if is_answered_list(source):
        return read_answered(source, recipe)
    dataset = read_dataset(source, exclude=exclude)
    _refuse_unfit(dataset, recipe)
    return dataset


def is_answered_list(source: Path) -> bool:
    """Whether a file is a CSV list of answered pairs: with the columns first, second and same."""
    return source.suffix.lower() == ".csv" and source.is_file() and has_columns(source, (*PAIR_COLUMNS, ANSWER))


def read_answered(path: Path, recipe: Recipe) -> ListedItems:
    """Read a list of answered pairs; of one with a column ``split`` the rows to train on.

    Raises:
        DatasetError: It cannot be read, or a share of it is too little to calibrate by.
        TrainingError: The recipe is not one for lists of pairs.
    """
    if recipe.sampler.kind != "pairs" or recipe.early_stopping.patience:
        raise TrainingError(
            f"{path}: a list of answered pairs, which the recipe is not for; use --recipe answers"
            + (", and early_stopping.patience=0" if recipe.early_stopping.patience else "")
        )
    listed = read_pairs(path, TRAIN)
    for answer, word in ((True, "yes"), (False, "no")):
        count = int((listed.same == answer).sum())
        if (kept := round(recipe.holdout.calibration * count)) < FEWEST_ANSWERS:
            raise DatasetError(
                f"{path}: {count} answers are {word}, and {kept} of them would be held out for the probability; "
                f"{FEWEST_ANSWERS} are needed. Answer more pairs (samekind data label), or hold out more: "
                "--set holdout.calibration=0.3"
            )
    return listed


def _refuse_unfit(dataset: Dataset, recipe: Recipe) -> None:
    """Make sure that a data set could be trained on, as far as its list of images tells.

    Raises:
        DatasetError: A class has too few images to be split; it names held-out images where the
            recipe draws them from a list; or it has not as many classes as the recipe holds out.
    """
    images, holdout = dataset.train, recipe.holdout
    if recipe.sampler.kind != "classes":
        if dataset.held_out is not None:
            raise DatasetError(
                f"{images.root}: names held-out images, but of a list of {recipe.sampler.kind} items are held out; "
                "remove them, or train with --set sampler.kind=classes"
            )
    elif dataset.held_out is None and holdout.classes:
        most = len(images.classes) - 2
        if not 2 <= holdout.classes <= most:
            raise DatasetError(
                f"{images.root}: of {len(images.classes)} classes, {f'2 to {most}' if most >= 2 else 'none'} can be "
                f"held out (3 for trios); not {holdout.classes}"
            )
    elif dataset.held_out is None:
        refuse_unusable(images, fewest=_FEWEST)
