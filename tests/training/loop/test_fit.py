import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from training.runs import assert_same_weights, fit_only, split_folder

from samekind.training.loop import module as training_module
from samekind.training.loop.module import SiameseTraining
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.run.settings import RunSettings

Again = Callable[..., RunSettings]
# All stages are trained, on the images themselves.
WHOLE = {"freezing": {"stages": 0}}


class CrashError(Exception):
    """Stands for a crash at a chosen moment."""


def crash_at(step: int) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, _: int) -> None:
        if stage == "training steps" and done == step:
            raise CrashError

    return report


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """The network's weights after each step of what is trained in the test."""
    seen: list[dict[str, torch.Tensor]] = []

    def record(module: SiameseTraining, *_: object) -> None:
        seen.append(copy.deepcopy(module.network.state_dict()))

    monkeypatch.setattr(SiameseTraining, "on_train_batch_end", record, raising=False)
    return seen


def test_each_epoch_shows_other_batches_and_pretrained_layers_wait_for_the_head(
    again: Again, steps: list[dict[str, torch.Tensor]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[float] = []
    step = SiameseTraining.training_step

    def record(self: SiameseTraining, batch: Any, batch_idx: int) -> torch.Tensor:
        shown.append(float(batch[0].float().mean()))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(SiameseTraining, "training_step", record)
    settings = again(
        epochs=3, freezing={"head_only_epochs": 1}, augmentation={"views": 1}, optimizer={"pretrained_lr": 1e-2},
        schedule={"name": "constant", "warmup": 0.0},
    )  # fmt: skip
    torch.manual_seed(5)
    pretrained = {
        name: value.clone() for name, value in SiameseNetwork("test_resnet", 16, 2).backbone.state_dict().items()
    }
    save_file(pretrained, tmp_path / "backbone.safetensors")
    fit_only(settings.model_copy(update={"init": str(tmp_path / "backbone.safetensors")}), tmp_path / "run")

    per_epoch = len(steps) // 3
    epochs = [shown[i * per_epoch : (i + 1) * per_epoch] for i in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    trained = "layer4.0.conv1.weight"
    first, last = steps[0], steps[-1]
    head_only = steps[per_epoch - 1]
    assert not torch.equal(head_only["head.weight"], first["head.weight"])
    assert torch.equal(head_only[f"backbone.{trained}"], pretrained[trained])
    assert not torch.equal(last[f"backbone.{trained}"], pretrained[trained])
    assert torch.equal(last["backbone.layer2.0.conv1.weight"], pretrained["layer2.0.conv1.weight"])


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Held-out error rates that the epochs of the test are to have, in turn."""
    given: list[float] = []

    def in_turn(*_: object) -> SimpleNamespace:
        return SimpleNamespace(rate=given.pop(0))

    monkeypatch.setattr(training_module, "equal_error_rate", in_turn)
    return given


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """The network's weights as each epoch's held-out images saw them."""
    seen: list[dict[str, torch.Tensor]] = []
    measure = SiameseTraining.validation_step

    def record(module: SiameseTraining, batch: Any, batch_idx: int) -> None:
        if batch_idx == 0:
            seen.append(copy.deepcopy(module.network.state_dict()))
        measure(module, batch, batch_idx)

    monkeypatch.setattr(SiameseTraining, "validation_step", record)
    return seen


def test_a_run_that_stops_early_ends_with_the_weights_of_its_best_epoch(
    again: Again, rates: list[float], epochs: list[dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    rates += [0.4, 0.3, 0.35, 0.3]
    settings = again(epochs=9, early_stopping={"patience": 2}, ema={"decay": 0.8}, **WHOLE)
    fitted = fit_only(settings, tmp_path / "run")
    assert rates == []
    best = load_file(tmp_path / "run" / "network.safetensors")
    for name, value in epochs[1].items():
        assert torch.equal(best[name], value), name
        assert torch.equal(fitted.network.state_dict()[name], value), name
    assert not torch.equal(best["head.weight"], epochs[3]["head.weight"])
    # What chose the epoch does not choose the thresholds.
    parts = split_folder(settings.folder, settings.recipe)
    assert set(fitted.calibration.paths) < set(parts.held_out.paths)

    # Killed after the last step and before its weights were written: what it had stopped does not go on.
    before = (tmp_path / "run" / "network.safetensors").read_bytes()
    (tmp_path / "run" / "network.safetensors").unlink()
    rates += [0.1]
    fit_only(settings, tmp_path / "run")
    assert (tmp_path / "run" / "network.safetensors").read_bytes() == before


def test_the_average_of_the_weights_is_shipped_also_of_a_run_that_broke_off(
    again: Again, steps: list[dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    settings = again(epochs=2, ema={"decay": 0.7}, **WHOLE)
    fit_only(settings, tmp_path / "whole")
    whole = list(steps)
    shipped = load_file(tmp_path / "whole" / "network.safetensors")
    average = whole[0]["head.weight"]
    for step in whole[1:]:
        average = 0.7 * average + 0.3 * step["head.weight"]
    torch.testing.assert_close(shipped["head.weight"], average)
    assert not torch.allclose(shipped["head.weight"], whole[-1]["head.weight"])

    with pytest.raises(CrashError):
        fit_only(settings, tmp_path / "broken", report=crash_at(len(whole) // 2 + 2))
    fit_only(settings, tmp_path / "broken")
    assert_same_weights(tmp_path / "broken", tmp_path / "whole")
    # Killed when all was trained but nothing written.
    (tmp_path / "broken" / "network.safetensors").unlink()
    fit_only(settings, tmp_path / "broken")
    assert_same_weights(tmp_path / "broken", tmp_path / "whole")


def test_the_starting_weights_depend_on_the_seed(again: Again) -> None:
    def start(seed: int) -> torch.Tensor:
        import lightning

        lightning.seed_everything(seed, verbose=False)
        network = SiameseNetwork.of(again().recipe)
        initialise(network, "scratch")
        return network.head.weight

    assert torch.equal(start(0), start(0))
    assert not torch.equal(start(0), start(1))
