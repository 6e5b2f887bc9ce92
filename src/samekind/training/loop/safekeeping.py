"""What keeps a long run safe: whole checkpoints, in time, at interruptions, and none of a loss that is no number."""

from __future__ import annotations

import io
import math
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint as LightningCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from samekind.errors import TrainingError
from samekind.system.atomic import replacing

# Seconds of work that a kill can cost at most, besides an epoch.
_CHECKPOINT_EVERY = 600.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all.

    Lightning's own writes into the system's temporary folder and moves it from there, which copies over the last
    checkpoint where that folder is on another disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:
        """Write a checkpoint over the one that is there.

        Raises:
            OSError: It cannot be written; the one before is still there.
        """
        del storage_options
        whole = io.BytesIO()
        torch.save(checkpoint, whole)  # a full disk would be a RuntimeError of torch's
        with replacing(path, own=True) as temporary:
            temporary.write_bytes(whole.getbuffer())


class ModelCheckpoint(LightningCheckpoint):
    """Lightning's, which after a run was moved would forget which of its checkpoints is the best."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of a checkpoint, with its paths as they are now."""
        old, new = str(state_dict["dirpath"]), str(self.dirpath)

        def moved(path: str) -> str:
            return new + path[len(old) :] if path.startswith(old) else path

        paths = {
            name: moved(state_dict[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")
        }
        best = {moved(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(state_dict | paths | {"best_k_models": best, "dirpath": self.dirpath})


class Stopping(EarlyStopping):
    """Early stopping that remembers having stopped, so that a run killed just then does not go on when resumed."""

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Stop again."""
        del module
        if self.stopped_epoch:
            trainer.should_stop = True


class StopAtNaN(Callback):
    """Ends a run whose loss is no longer a number, before a checkpoint can be written from it."""

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: object, *_: object
    ) -> None:
        """Look at the loss of the step.

        Raises:
            TrainingError: It is infinite or not a number.
        """
        del module
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor) and not math.isfinite(float(loss.detach())):
            raise TrainingError(
                f"the loss is {float(loss.detach())} at step {trainer.global_step}; the last checkpoint is from "
                "before. Start another run (--run) with a lower rate (--set optimizer.lr=..., "
                "optimizer.pretrained_lr=...) or --set optimizer.clip_norm=1"
            )


class Safekeeping(Callback):
    """Finishes the step and saves when asked to stop (Ctrl-C or SIGTERM), and every ten minutes in any case.

    A second signal stops at once. Where the loss can be no number, this must come after ``StopAtNaN``.

    Args:
        checkpoint: The file to save to.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self._asked = False
        self._saved = time.monotonic()
        self._before: dict[signal.Signals, Any] = {}

    def on_train_start(self, *_: object) -> None:
        """Take over the signals, which is possible in the main thread only."""
        self._saved = time.monotonic()
        try:
            self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        except ValueError:
            self._before = {}

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Save and stop if asked; save if it is time.

        Raises:
            KeyboardInterrupt: Somebody asked, and all is saved.
        """
        asked = self._any_process_asked(trainer)
        # Each process must come to the same answer, or saving would wait for one that does not take part.
        due = trainer.strategy.broadcast(time.monotonic() - self._saved > _CHECKPOINT_EVERY)
        if asked or due:
            trainer.save_checkpoint(self._checkpoint)
            self._saved = time.monotonic()
        if asked:
            raise KeyboardInterrupt

    def on_validation_end(self, *_: object) -> None:
        """An epoch's end is saved by Lightning's own checkpoint."""
        self._saved = time.monotonic()

    def on_train_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Give the signals back, before Lightning does so with its own.

        Raises:
            KeyboardInterrupt: Somebody asked while the last epoch was measured; all is saved.
        """
        self.on_exception()
        if self._any_process_asked(trainer):
            raise KeyboardInterrupt

    def on_exception(self, *_: object) -> None:
        """Give the signals back, for training then has no other end."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def _any_process_asked(self, trainer: lightning.Trainer) -> bool:
        if trainer.world_size == 1:
            return self._asked
        asked = torch.tensor(float(self._asked), device=trainer.strategy.root_device)
        return bool(trainer.strategy.reduce(asked, reduce_op="sum") > 0)
