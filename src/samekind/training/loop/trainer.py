"""Lightning's trainer as a run needs it: on which machines, with which callbacks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, LearningRateMonitor
from lightning.pytorch.strategies import DDPStrategy

from samekind.progress import NotedStage, Progress
from samekind.training.loop.curves import draw_curves
from samekind.training.loop.loggers import csv_logger, make_loggers
from samekind.training.loop.module import HELD_OUT_EER
from samekind.training.loop.safekeeping import ModelCheckpoint, Safekeeping, StopAtNaN, Stopping, WholeCheckpoints
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.processes import Machines

# Steps between two looks at the loss, for which a GPU must be waited for.
_NOTED_EVERY = 10


class _Progress(Callback):
    """Reports each training step, and draws the curves after each epoch."""

    def __init__(self, run: RunFolder, report: Progress | None) -> None:
        self._run = run
        self._report = report
        self._note = ""

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        del module, outputs, batch
        if self._report and trainer.is_global_zero:
            if batch_idx % _NOTED_EVERY == 0:
                self._note = _where_it_stands(trainer)
            stage = NotedStage("training steps", self._note)
            self._report(stage, trainer.global_step, int(trainer.estimated_stepping_batches))

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        del module
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            draw_curves([self._run.metrics], self._run.curves)


def _where_it_stands(trainer: lightning.Trainer) -> str:
    """The epoch, the loss of the last step, and the error rate on held-out images, once that was measured."""
    said = [f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"]
    if "loss" in trainer.callback_metrics:
        said.append(f"loss {float(trainer.callback_metrics['loss']):.3f}")
    if HELD_OUT_EER in trainer.callback_metrics:
        said.append(f"{HELD_OUT_EER} {float(trainer.callback_metrics[HELD_OUT_EER]):.2%}")
    return ", ".join(said)


def make_trainer(
    recipe: Recipe, loggers: Sequence[str], run: RunFolder, machines: Machines, report: Progress | None
) -> lightning.Trainer:
    """Lightning's trainer with our callbacks.

    Args:
        recipe: The settings.
        loggers: Besides the CSV file, by name.
        run: The folder of the run.
        machines: On what to train.
        report: Called with (stage, done, total) at each training step.

    Raises:
        TrainingError: There is no such logger.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    patience = recipe.early_stopping.patience
    # The last one comes last, so that it knows the best; save_last=True would write it only with a new best.
    checkpoints: list[Callback] = [
        ModelCheckpoint(file.parent, filename=file.stem, monitor=monitor, enable_version_counter=False)
        for file, monitor in ((run.best, HELD_OUT_EER), (run.last, None))
        if file != run.best or patience
    ]
    callbacks: list[Callback] = [StopAtNaN()]
    if recipe.ema.decay:
        callbacks.append(EMAWeightAveraging(decay=recipe.ema.decay))
    if patience:
        callbacks.append(Stopping(HELD_OUT_EER, patience=patience, mode="min", check_finite=True))
    callbacks += [LearningRateMonitor("step"), _Progress(run, report), Safekeeping(run.last), *checkpoints]
    gpu = torch.cuda.is_available() and machines.accelerator in {"auto", "gpu", "cuda"}
    several = (
        machines.nodes > 1 or machines.devices > 1 or (gpu and machines.devices == 0 and torch.cuda.device_count() > 1)
    )
    bfloat16 = recipe.compute.precision == "bfloat16" or (
        recipe.compute.precision == "auto" and gpu and torch.cuda.is_bf16_supported()
    )
    return lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=machines.accelerator,
        devices=machines.devices or ("auto" if gpu else 1),
        num_nodes=machines.nodes,
        strategy=DDPStrategy(timeout=timedelta(hours=2)) if several else "auto",
        sync_batchnorm=several and gpu,
        use_distributed_sampler=False,  # our batches know their process
        precision="bf16-mixed" if bfloat16 else "32-true",
        gradient_clip_val=recipe.optimizer.clip_norm or None,
        logger=[csv_logger(run), *make_loggers(loggers, run)],
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
    )
