"""Where the numbers of a run go besides its CSV file."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence

import torch
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from samekind.training.run.folder import RunFolder
from samekind.training.run.preflight import refuse_loggers
from samekind.training.run.processes import is_first


def make_loggers(names: Sequence[str], run: RunFolder) -> list[Logger]:
    """Loggers by name.

    Args:
        names: As ``preflight.LOGGERS`` has them.
        run: The folder of the run, where they write.

    Raises:
        TrainingError: As ``refuse_loggers``.
    """
    refuse_loggers(names)
    made: list[Logger] = []
    for name in names:
        if name == "tensorboard":
            made.append(TensorBoardLogger(run.path, name="", version=run.logs.name))
        else:
            made.append(WandbLogger(project="samekind", name=run.path.name, save_dir=str(run)))
    return made


def csv_logger(run: RunFolder) -> CSVLogger:
    """The logger of ``logs/metrics.csv``, which in a run that is resumed keeps what was logged before the checkpoint.

    Lightning's own begins by deleting it all.

    Args:
        run: The folder of the run.
    """
    logger = CSVLogger(run.path, name="", version=run.logs.name)
    if is_first() and run.metrics.exists() and run.last.exists():
        step = torch.load(run.last, map_location="cpu", mmap=True, weights_only=True)["global_step"]
        with run.metrics.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) < step]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it deletes the file
            logger.experiment.metrics += [{key: value for key, value in row.items() if value} for row in rows]
        logger.save()
    return logger
