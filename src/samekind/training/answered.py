"""Lists of pairs that a person answered, as something to train on: recognised, read and refused. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from samekind.datasets.lists import PAIR_COLUMNS
from samekind.datasets.manifest import TRAIN
from samekind.datasets.tables import has_columns
from samekind.errors import DatasetError, TrainingError
from samekind.evaluation.listed_items import ANSWER, FEWEST_ANSWERS, ListedItems, read_pairs
from samekind.training.recipe import Recipe


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
