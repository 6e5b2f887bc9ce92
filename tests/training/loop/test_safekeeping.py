"""What can befall a long run: interruptions, kills, a full disk, images that vanish, and losses that are no numbers."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import ENVIRONMENT, command, holding, printed_seed
from commands import run as command_line
from safetensors.torch import load_file
from training.runs import Trained, assert_same_weights, fit_only

from samekind.errors import ImageError, TrainingError
from samekind.training.batches import cache, plan
from samekind.training.batches.sampler import Batches
from samekind.training.loop import fit
from samekind.training.loop.module import SiameseTraining
from samekind.training.loop.safekeeping import ModelCheckpoint, WholeCheckpoints
from samekind.training.recipe import show_recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import read_split

Again = Callable[..., RunSettings]
WHOLE = {"freezing": {"stages": 0}}


def at_step(step: int, what: Callable[[], None]) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, _: int) -> None:
        if stage == "training steps" and done == step:
            what()

    return report


def checkpoint(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", map_location="cpu", weights_only=True)
    assert all(value.isfinite().all() for value in loaded["state_dict"].values())
    return loaded


@pytest.mark.parametrize(("number", "where"), [(signal.SIGINT, "amid an epoch"), (signal.SIGTERM, "at its last step")])
def test_a_run_that_was_asked_to_stop_finishes_the_step_saves_and_ends_as_if_it_had_not_been(
    number: signal.Signals, where: str, small: Trained, tmp_path: Path
) -> None:
    run, before = tmp_path / "run", signal.getsignal(number)
    step = small.steps_per_epoch + 2 if where == "amid an epoch" else small.steps_per_epoch
    with pytest.raises(KeyboardInterrupt):
        fit_only(small.settings, run, report=at_step(step, lambda: signal.raise_signal(number)))
    assert checkpoint(run)["global_step"] == step
    assert signal.getsignal(number) == before
    fit_only(small.settings, run)
    assert_same_weights(run, small.run)
    assert signal.getsignal(number) == before


def start_words(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def start(*arguments: object) -> subprocess.Popen[str]:
    return start_words(command("train", *arguments))


def read_until(process: subprocess.Popen[str], beginning: str | tuple[str, ...]) -> str:
    """What a process has said up to a line that begins so, or in one of these ways."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith(beginning):
            return said
    pytest.fail(f"it never said {beginning!r}: {said}")


def arguments_of(small: Trained, folder: Path) -> list[object]:
    recipe = folder / "recipe.toml"
    recipe.write_text(show_recipe(small.settings.recipe), encoding="utf-8")
    output = folder / "shades.onnx"
    return [small.settings.folder, "-o", output, "--recipe", recipe, "--init", "scratch", "--run", folder / "run"]


def test_ctrl_c_says_how_to_go_on_and_the_run_ends_with_the_same_weights(small: Trained, tmp_path: Path) -> None:
    # It waits amid the second epoch, or it could have ended before the signal comes.
    step, go = ("samekind.training.loop.module:SiameseTraining", "training_step"), tmp_path / "go"
    process = start_words(holding(*step, small.steps_per_epoch + 2, go, "train", *arguments_of(small, tmp_path)))
    said = read_until(process, "training steps: ")
    process.send_signal(signal.SIGINT)
    go.touch()
    _, rest = process.communicate(timeout=300)
    assert process.returncode == 130, said + rest
    assert rest.endswith(f"samekind: interrupted. Go on with: samekind train --resume {tmp_path / 'run'}\n")
    assert "Traceback" not in said + rest
    assert not (tmp_path / "shades.onnx").exists()
    assert not (tmp_path / "run" / "network.safetensors").exists()
    assert checkpoint(tmp_path / "run")["global_step"] > 0

    resumed = command_line("train", "--resume", tmp_path / "run")
    assert resumed.returncode == 0, resumed.stderr
    assert_same_weights(tmp_path / "run", small.run)
    assert (tmp_path / "shades.onnx").read_bytes() == (tmp_path / "run" / "model.onnx").read_bytes()
    assert resumed.stdout.startswith(f"{tmp_path / 'shades.onnx'}: written.")
    # Nothing but how far it is.
    assert {line.partition(":")[0] for line in resumed.stderr.splitlines()} <= {
        "look at the images", "training steps", "calibrate", "train features (0.0 GB in all)",
        "held-out features (0.0 GB in all)",
    }  # fmt: skip


def test_kills_at_any_moment_cost_only_work(small: Trained, tmp_path: Path) -> None:
    # Other moments each time; a failure shows the seed that gave them, and the weights are to be the same after any.
    moments = np.random.default_rng(printed_seed())
    arguments, run, killed = arguments_of(small, tmp_path), tmp_path / "run", []
    # The first kill may come late: what goes on then begins after the step that the second one waits for.
    late = (*(f"training steps: {step} " for step in range(2 * small.steps_per_epoch, 1000)), "calibrate: ")
    for beginning, most in (("look at the images: 96", 8.0), (late, 0.5)):
        if (run / "network.safetensors").exists():
            break  # the first kill came after the last step
        process = start(*arguments)
        read_until(process, beginning)
        delay = moments.uniform(0, most)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=300)
        killed.append((delay, process.returncode))
        arguments = ["--resume", run] if RunFolder(run).has_begun else arguments
    # The work of a whole epoch is not lost.
    assert checkpoint(run)["global_step"] >= small.steps_per_epoch, killed
    resumed = command_line("train", "--resume", run)
    assert resumed.returncode == 0, (killed, resumed.stderr)
    assert_same_weights(run, small.run)


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(
    again: Again, small: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SiameseTraining.training_step

    def spoiled(self: SiameseTraining, batch: Any, batch_idx: int) -> torch.Tensor:
        loss = step(self, batch, batch_idx)
        return loss * float("nan") if self.global_step == small.steps_per_epoch + 1 else loss

    monkeypatch.setattr(SiameseTraining, "training_step", spoiled)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingError, match=rf"the loss is nan at step {small.steps_per_epoch + 2}.* optimizer\.lr"):
        fit_only(again(), tmp_path / "run")
    assert checkpoint(tmp_path / "run")["global_step"] == small.steps_per_epoch
    assert signal.getsignal(signal.SIGINT) == before
    monkeypatch.undo()
    fit_only(again(), tmp_path / "run")
    assert_same_weights(tmp_path / "run", small.run)


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_named_and_leaves_the_last_checkpoint(
    again: Again, small: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, run, write = again(), tmp_path / "run", Path.write_bytes
    message = f"{run}: the disk is full. Make room and go on from the last checkpoint: --resume {run}"

    def until_full(path: Path, data: bytes) -> int:
        if path.suffix == ".ckpt" and (run / "checkpoints" / "last.ckpt").exists():
            write(path, bytes(data)[:1000])  # a part still fits
            full_disk()
        return write(path, data)

    with monkeypatch.context() as disk:
        disk.setattr(cache.os, "posix_fallocate", full_disk, raising=False)
        with pytest.raises(TrainingError) as error:
            fit_only(settings, run)
        assert str(error.value) == message
    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", until_full)
        with pytest.raises(TrainingError) as error:
            fit_only(settings, run)
        assert str(error.value) == message
    assert checkpoint(run)["global_step"] == small.steps_per_epoch
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["last.ckpt"]
    with monkeypatch.context() as disk:
        disk.setattr(fit, "save", full_disk)
        with pytest.raises(TrainingError) as error:
            fit_only(settings, run)
        assert str(error.value) == message
    fit_only(settings, run)
    assert_same_weights(run, small.run)


def test_another_trouble_with_a_file_is_not_called_a_full_disk(
    again: Again, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "somewhere")

    monkeypatch.setattr(plan, "cached_features", denied)
    with pytest.raises(PermissionError, match="somewhere"):
        fit_only(again(), tmp_path / "run")


def test_an_image_that_vanishes_is_named_and_the_run_goes_on_once_it_is_back(
    again: Again, small: Trained, tmp_path: Path
) -> None:
    run, settings = tmp_path / "run", again(epochs=2, **WHOLE)
    whole = tmp_path / "whole"
    fit_only(settings, whole)
    train = read_split(RunFolder(whole)).train
    batches = Batches(train.labels, settings.recipe.sampler, seed=settings.recipe.seed)
    batches.set_epoch(1)
    *_, last = batches
    image = train.paths[last[0][1]]
    before = image.read_bytes()
    try:
        with pytest.raises(ImageError, match=f"{image.name}: no such file"):
            fit_only(settings, run, report=at_step(small.steps_per_epoch, image.unlink))
        assert checkpoint(run)["global_step"] == small.steps_per_epoch
    finally:
        image.write_bytes(before)
    fit_only(settings, run)
    assert_same_weights(run, whole)


def test_a_checkpoint_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"step": 1, "weight": torch.ones(3)}, path)
    assert torch.load(path, weights_only=True)["step"] == 1

    def half(self: Path, data: bytes) -> int:
        self.open("wb").write(bytes(data)[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        WholeCheckpoints().save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True)["step"] == 1
    assert [*path.parent.iterdir()] == [path]


def test_work_is_saved_from_time_to_time(
    again: Again, small: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.training.loop.safekeeping._CHECKPOINT_EVERY", 0.0)
    run = tmp_path / "run"

    def crash() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        fit_only(again(), run, report=at_step(3, crash))
    assert checkpoint(run)["global_step"] == 2
    monkeypatch.undo()
    fit_only(again(), run)
    assert_same_weights(run, small.run)
    assert load_file(run / "network.safetensors")


def test_a_run_that_was_moved_still_knows_its_best_checkpoint(tmp_path: Path) -> None:
    old, new = (ModelCheckpoint(tmp_path / name, filename="best", monitor="held-out EER") for name in ("old", "new"))
    best = str(tmp_path / "old" / "best.ckpt")
    old.best_model_path = old.kth_best_model_path = best
    old.best_model_score = old.kth_value = torch.tensor(0.1)
    old.best_k_models = {best: torch.tensor(0.1)}
    new.load_state_dict(old.state_dict())
    assert new.best_model_path == new.kth_best_model_path == str(tmp_path / "new" / "best.ckpt")
    assert new.best_k_models == {new.best_model_path: torch.tensor(0.1)}
    assert (new.best_model_score, new.kth_value) == (torch.tensor(0.1), torch.tensor(0.1))
    # Lightning finds a callback's state by the name of its class.
    assert new.state_key.startswith("ModelCheckpoint{")
