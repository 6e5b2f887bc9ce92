"""A run of two processes (gloo, on the CPU), started as a user starts it, beside the same run of this one."""

import csv
from pathlib import Path

import pytest
import torch
from commands import run, run_process
from safetensors.torch import load_file, save_file
from training.runs import manifest_of_two_folders

from samekind.model_file.file import read_model
from samekind.training.network.backbone import create_backbone

RECIPE = (
    *("--set", "epochs=1", "--set", "network.input_size=32", "--set", "augmentation.views=1"),
    *("--set", "network.dimension=16"),
    *("--set", "sampler.images=4", "--set", "sampler.classes=4", "--set", "holdout.calibration=0.3"),
)


def train_one_and_two(*words: object, init: str, cwd: Path) -> None:
    """One trains in this process, two in processes of their own."""
    for name, devices, how in (("one", 1, run), ("two", 2, run_process)):
        result = how("train", *words, "-o", f"{name}.onnx", "--init", init, "--devices", devices, cwd=cwd)
        assert result.returncode == 0, result.stderr


def held_out_eer(folder: Path) -> list[float]:
    with (folder / "logs" / "metrics.csv").open(newline="") as file:
        return [float(row["held-out EER"]) for row in csv.DictReader(file) if row["held-out EER"]]


def test_two_processes_train_on_the_same_data_to_the_same_measure_as_one(colour_folders: Path, tmp_path: Path) -> None:
    network = ("--set", "network.backbone=test_resnet", "--set", "freezing.stages=2")
    train_one_and_two(colour_folders, *RECIPE, *network, init="scratch", cwd=tmp_path)
    one, two = tmp_path / "runs" / "one", tmp_path / "runs" / "two"
    assert (one / "split.csv").read_bytes() == (two / "split.csv").read_bytes()
    assert (one / "images.sha256").read_bytes() == (two / "images.sha256").read_bytes()
    assert len(held_out_eer(one)) == len(held_out_eer(two)) == 1
    # Batch norms see half a batch each, so the weights are not those of one process to the bit.
    assert held_out_eer(two) == pytest.approx(held_out_eer(one), abs=0.05)
    cards = [read_model(tmp_path / f"{name}.onnx").card for name in ("one", "two")]
    assert cards[0].training.digest == cards[1].training.digest
    assert cards[0].pair.measured_on == cards[1].pair.measured_on


def test_two_processes_have_their_shares_of_several_data_sets(colour_folders: Path, tmp_path: Path) -> None:
    manifest_of_two_folders(colour_folders, tmp_path)
    recipe = (*RECIPE, "--set", "sampler.classes=2", "--set", "distillation.least_classes=2")
    torch.manual_seed(0)
    save_file(create_backbone("test_efficientnet").state_dict(), tmp_path / "start.safetensors")
    network = ("--set", "network.backbone=test_efficientnet", "--set", "freezing.stages=5")
    words = ("all.csv", "--recipe", "general", *recipe, *network)
    train_one_and_two(*words, init="start.safetensors", cwd=tmp_path)
    # Only a linear layer learns: one process and two differ by the order of their sums.
    one, two = (load_file(tmp_path / "runs" / name / "network.safetensors")["head.weight"] for name in ("one", "two"))
    torch.testing.assert_close(two, one, atol=1e-4, rtol=1e-3)  # of Adam, where a gradient is about zero
