"""Where the numbers of a run go besides its CSV file."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from samekind.errors import TrainingError
from samekind.training.processes import is_first

LOGGERS = ("tensorboard", "wandb")


def refuse_unknown(names: Sequence[str]) -> None:
    """Make sure that loggers can be made.

    Raises:
        TrainingError: There is none of that name, or its library is not installed.
    """
    for name in names:
        if name not in LOGGERS:
            raise TrainingError(f"no logger {name!r}; there are {', '.join(LOGGERS)} (and always logs/metrics.csv)")
        if find_spec(name) is None:
            raise TrainingError(f"logging to {name} needs its library: pip install {name}")


def make_loggers(names: Sequence[str], run: Path) -> list[Logger]:
    """Loggers by name.

    Args:
        names: Of ``LOGGERS``.
        run: The folder of the run, where they write.

    Raises:
        TrainingError: As ``refuse_unknown``.
    """
    refuse_unknown(names)
    made: list[Logger] = []
    for name in names:
        if name == "tensorboard":
            made.append(TensorBoardLogger(run, name="", version="logs"))
        else:
            made.append(WandbLogger(project="samekind", name=run.name, save_dir=str(run)))
    return made


def csv_logger(run: Path, checkpoint: Path) -> CSVLogger:
    """The logger of ``logs/metrics.csv``, which in a run that is resumed keeps what was logged before the checkpoint.

    Lightning's own begins by deleting it all.

    Args:
        run: The folder of the run.
        checkpoint: From which it is resumed, if it is there.
    """
    logger = CSVLogger(run, name="", version="logs")
    kept = Path(logger.log_dir) / "metrics.csv"
    if is_first() and kept.exists() and checkpoint.exists():
        step = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)["global_step"]
        with kept.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) < step]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it deletes the file
            logger.experiment.metrics += [{key: value for key, value in row.items() if value} for row in rows]
        logger.save()
    return logger
