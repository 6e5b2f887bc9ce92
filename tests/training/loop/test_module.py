"""What the training step and the held-out measure do inside a run."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_model
from sklearn.metrics import roc_curve
from training.runs import Trained, fit_only

from samekind.errors import TrainingError
from samekind.images import load_image
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import read_split


def test_the_held_out_measure_is_sklearns_equal_error_rate_of_all_pairs(small: Trained) -> None:
    with (small.run / "logs" / "metrics.csv").open(newline="") as file:
        measured = [float(row["held-out EER"]) for row in csv.DictReader(file) if row["held-out EER"]]
    assert len(measured) == small.settings.recipe.epochs
    assert 0.01 < measured[-1] < 0.45  # neither trivial nor hopeless, so that a mistake would show
    held_out = read_split(RunFolder(small.run)).held_out
    network = SiameseNetwork.of(small.settings.recipe)
    load_model(network, small.run / "network.safetensors")
    pixels = torch.from_numpy(np.stack([load_image(path, 32) for path in held_out.paths]))
    with torch.no_grad():
        embeddings = network.eval()(pixels).numpy()
    first, second = np.triu_indices(len(held_out), 1)
    same = held_out.labels[first] == held_out.labels[second]
    far, tar, _ = roc_curve(same, (embeddings[first] * embeddings[second]).sum(axis=1), drop_intermediate=False)
    nearest = np.abs(far - (1 - tar)).argmin()
    # The run measured features that were rounded to float16.
    assert measured[-1] == pytest.approx((far[nearest] + 1 - tar[nearest]) / 2, abs=0.01)


def test_embeddings_that_are_all_alike_end_the_run_and_leave_no_checkpoint(
    again: Callable[..., RunSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(network: SiameseNetwork, images: torch.Tensor) -> torch.Tensor:
        direction = network.head.weight.sum(dim=1)
        return (direction / direction.norm()).expand(len(images), -1)

    monkeypatch.setattr(SiameseNetwork, "forward", alike)
    monkeypatch.setattr("samekind.training.loop.module._SETTLED_STEPS", 1)
    with pytest.raises(TrainingError, match="the embeddings have collapsed: all held-out images are equally alike"):
        fit_only(again(freezing={"stages": 0}), tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert not (tmp_path / "run" / "network.safetensors").exists()
