import csv
from pathlib import Path

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from samekind.errors import TrainingError
from samekind.training import loggers
from samekind.training.loggers import csv_logger, make_loggers


def test_tensorboard_writes_beside_the_csv_file(tmp_path: Path) -> None:
    (made,) = make_loggers(["tensorboard"], tmp_path)
    assert isinstance(made, TensorBoardLogger)
    assert Path(made.log_dir) == tmp_path / "logs"
    assert make_loggers([], tmp_path) == []


def test_an_unknown_logger_names_the_ones_there_are(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no logger 'mlflow'; there are tensorboard, wandb"):
        make_loggers(["mlflow"], tmp_path)


@pytest.mark.parametrize("name", loggers.LOGGERS)
def test_a_missing_library_is_named_with_its_remedy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match=f"pip install {name}$"):
        make_loggers([name], tmp_path)


def log(logger: CSVLogger, values: list[tuple[int, dict[str, float]]]) -> list[dict[str, str]]:
    for step, metrics in values:
        logger.log_metrics(metrics, step)
    logger.save()
    with (Path(logger.log_dir) / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_keeps_what_it_logged_before_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.ckpt"
    log(csv_logger(tmp_path, checkpoint), [(3, {"held-out EER": 0.4}), (9, {"loss": 0.7}), (14, {"loss": 0.5})])
    torch.save({"global_step": 10}, checkpoint)
    rows = log(csv_logger(tmp_path, checkpoint), [(14, {"loss": 0.6}), (19, {"other": 1.0})])
    assert [(row["step"], row["loss"], row["held-out EER"], row["other"]) for row in rows] == [
        ("3", "", "0.4", ""),
        ("9", "0.7", "", ""),
        ("14", "0.6", "", ""),
        ("19", "", "", "1.0"),
    ]


@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_without_a_checkpoint_the_log_begins_anew(tmp_path: Path) -> None:
    log(csv_logger(tmp_path, tmp_path / "last.ckpt"), [(3, {"loss": 0.4})])
    rows = log(csv_logger(tmp_path, tmp_path / "last.ckpt"), [(1, {"loss": 0.3})])
    assert [row["step"] for row in rows] == ["1"]
