import csv
from pathlib import Path

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from samekind.errors import TrainingError
from samekind.training.loop.loggers import csv_logger, make_loggers
from samekind.training.run import preflight
from samekind.training.run.folder import RunFolder


def test_tensorboard_writes_beside_the_csv_file(tmp_path: Path) -> None:
    (made,) = make_loggers(["tensorboard"], RunFolder(tmp_path))
    assert isinstance(made, TensorBoardLogger)
    assert Path(made.log_dir) == tmp_path / "logs"
    assert make_loggers([], RunFolder(tmp_path)) == []


def test_an_unknown_logger_names_the_ones_there_are(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no logger 'mlflow'; there are tensorboard, wandb"):
        make_loggers(["mlflow"], RunFolder(tmp_path))


@pytest.mark.parametrize("name", preflight.LOGGERS)
def test_a_missing_library_is_named_with_its_remedy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match=f"pip install {name}$"):
        make_loggers([name], RunFolder(tmp_path))


def log(logger: CSVLogger, values: list[tuple[int, dict[str, float]]]) -> list[dict[str, str]]:
    for step, metrics in values:
        logger.log_metrics(metrics, step)
    logger.save()
    with (Path(logger.log_dir) / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_keeps_what_it_logged_before_its_checkpoint(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    log(csv_logger(run), [(3, {"held-out EER": 0.4}), (9, {"loss": 0.7}), (14, {"loss": 0.5})])
    run.last.parent.mkdir()
    torch.save({"global_step": 10}, run.last)
    rows = log(csv_logger(run), [(14, {"loss": 0.6}), (19, {"other": 1.0})])
    assert [(row["step"], row["loss"], row["held-out EER"], row["other"]) for row in rows] == [
        ("3", "", "0.4", ""),
        ("9", "0.7", "", ""),
        ("14", "0.6", "", ""),
        ("19", "", "", "1.0"),
    ]


@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_without_a_checkpoint_the_log_begins_anew(tmp_path: Path) -> None:
    log(csv_logger(RunFolder(tmp_path)), [(3, {"loss": 0.4})])
    rows = log(csv_logger(RunFolder(tmp_path)), [(1, {"loss": 0.3})])
    assert [row["step"] for row in rows] == ["1"]
