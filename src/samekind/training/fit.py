"""From labelled images to trained weights: one run, with checkpoints, in one folder."""

from __future__ import annotations

import errno
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy
from safetensors.torch import load_model, save

from samekind.atomic import replacing
from samekind.datasets.folders import LabelledImages
from samekind.errors import TrainingError
from samekind.progress import Progress, stage_counter
from samekind.training.allocator import keep_freed_memory
from samekind.training.augment import Augmentation
from samekind.training.curves import draw_curves
from samekind.training.data import AugmentedImages, CachedViews, SiameseData
from samekind.training.features import cache_size, cached_features
from samekind.training.loggers import csv_logger, make_loggers
from samekind.training.module import HELD_OUT_EER, SiameseTraining
from samekind.training.network import SiameseNetwork
from samekind.training.objectives import make_objective
from samekind.training.prepare import Parts
from samekind.training.processes import is_first, say_ready
from samekind.training.recipe import Recipe
from samekind.training.run import RunSettings
from samekind.training.safekeeping import Safekeeping, StopAtNaN, Stopping, WholeCheckpoints
from samekind.training.start import Start, begin
from samekind.training.whitening import whiten_head

_BEST = "best"


@dataclass(frozen=True)
class Machines:
    """On what a run trains.

    Attributes:
        devices: Processes on each machine, one for each GPU, or a number of them on the CPU; 0 for all GPUs, or one.
        nodes: Machines.
        accelerator: As Lightning names it; ``auto`` takes a GPU where there is one.
    """

    devices: int = 0
    nodes: int = 1
    accelerator: str = "auto"


@dataclass(frozen=True)
class Fitted:
    """What a run leaves: the trained network, the images its links are to be fitted on, and what its start had seen."""

    network: SiameseNetwork
    calibration: LabelledImages
    pretraining: str


def fit(
    settings: RunSettings,
    parts: Parts,
    run: Path,
    *,
    start: Start | None = None,
    machines: Machines | None = None,
    report: Progress | None = None,
) -> Fitted:
    """Train a network on labelled images.

    A run that was broken off goes on from its last checkpoint when called again with the same folder. Ctrl-C (or
    SIGTERM) finishes the step, saves and ends it.

    Args:
        settings: The recipe, and where the weights start.
        parts: The images.
        run: The folder of the run; checkpoints, logs and cached features go there.
        start: As ``begin`` gives it; None calls it.
        machines: On what to train; None for all that is here.
        report: Called with (stage, done, total) while features are computed and at each training step.

    Raises:
        TrainingError: The settings do not fit the network or the data, the loss is no longer a number, the
            embeddings have collapsed, or the disk is full. The last checkpoint is kept.
        KeyboardInterrupt: Somebody pressed Ctrl-C; the checkpoint is there.
        DatasetError: The images cannot be split, or do not suffice for the list of a protocol.
        ImageError: An image can no longer be read.
    """
    recipe = settings.recipe
    keep_freed_memory()
    start = start or begin(settings, parts)
    network = start.network
    fitted = Fitted(network, start.calibration, start.pretraining)
    finished = run / "network.safetensors"
    if finished.exists():  # only what comes after training is left to do
        load_model(network, finished)
        return fitted
    with _disk_errors(run):
        data = _data(network.eval(), parts, start, recipe=recipe, run=run, report=report)
        last = run / "checkpoints" / "last.ckpt"
        if start.whiten and not last.exists():
            progress = stage_counter(report, "whiten", len(parts.train))
            whiten_head(network, data.train_features, parts.train.labels, start.sources, progress)
        if is_first():
            say_ready(run)
        objective = make_objective(
            recipe.objectives,
            classes=len(parts.train.classes),
            dimension=recipe.network.dimension,
            listed=parts.items is not None,
        )
        module = SiameseTraining(
            network, objective, recipe, start.fresh, steps_per_epoch=start.steps, sources=start.sources
        )
        trainer = _trainer(settings, run, last, machines or Machines(), report)
        _train(trainer, module, data, last)
        # A run that is resumed at its very end trains no step, after which the averaged weights would be put in place.
        chosen = last.with_stem(_BEST) if recipe.early_stopping.patience else last
        module.load_state_dict(torch.load(chosen, map_location="cpu", weights_only=True)["state_dict"])
        if trainer.is_global_zero:
            with replacing(finished) as temporary:
                weights = {name: value.contiguous() for name, value in network.cpu().state_dict().items()}
                temporary.write_bytes(save(weights))  # safetensors' own file writer hides that a disk is full
    return fitted


class _Progress(Callback):
    """Reports each training step, and draws the curves after each epoch."""

    def __init__(self, run: Path, report: Progress | None) -> None:
        self._run = run
        self._report = report

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        if self._report and trainer.is_global_zero:
            self._report("training steps", trainer.global_step, int(trainer.estimated_stepping_batches))

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        del module
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            draw_curves([self._run / "logs" / "metrics.csv"], self._run / "curves.png")


def _train(trainer: lightning.Trainer, module: SiameseTraining, data: SiameseData, last: Path) -> None:
    with warnings.catch_warnings():
        # Lightning's advice is about its own settings (workers, logging), which are set here on purpose.
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None


@contextmanager
def _disk_errors(run: Path) -> Iterator[None]:
    """A full disk is named as such; what was written before stays."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise TrainingError(
            f"{run}: the disk is full. Make room and go on from the last checkpoint: --resume {run}"
        ) from error


def _data(
    network: SiameseNetwork,
    parts: Parts,
    start: Start,
    *,
    recipe: Recipe,
    run: Path,
    report: Progress | None,
) -> SiameseData:
    size = recipe.network.input_size
    if recipe.freezing.stages == 0:
        return SiameseData(
            AugmentedImages(parts.train, size, Augmentation(recipe)),
            AugmentedImages(start.watched, size, None),
            recipe,
            parts.items,
            start.sources,
            cached=False,
        )
    views = recipe.augmentation.views
    gigabytes = cache_size(network, size, len(parts.train) * views + len(start.watched)) / 1e9

    def cached(part: LabelledImages, name: str, views: int) -> CachedViews:
        stage = f"{name} features ({gigabytes:.1f} GB in all)"
        features = cached_features(
            network,
            part,
            [parts.hashes[path] for path in part.paths],
            run / "features" / name,
            recipe=recipe,
            views=views,
            on_progress=stage_counter(report, stage, len(part)),
        )
        return CachedViews(features, part.labels)

    return SiameseData(
        cached(parts.train, "train", views),
        cached(start.watched, "held-out", 1),
        recipe,
        parts.items,
        start.sources,
        cached=True,
    )


def _trainer(
    settings: RunSettings, run: Path, last: Path, machines: Machines, report: Progress | None
) -> lightning.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    recipe = settings.recipe
    patience = recipe.early_stopping.patience
    # The last one comes last, so that it knows the best; save_last=True would write it only with a new best.
    checkpoints: list[Callback] = [
        ModelCheckpoint(last.parent, filename=name, monitor=monitor, enable_version_counter=False)
        for name, monitor in ((_BEST, HELD_OUT_EER), (last.stem, None))
        if name != _BEST or patience
    ]
    callbacks: list[Callback] = [StopAtNaN()]
    if recipe.ema.decay:
        callbacks.append(EMAWeightAveraging(decay=recipe.ema.decay))
    if patience:
        callbacks.append(Stopping(HELD_OUT_EER, patience=patience, mode="min", check_finite=True))
    loggers: list[Logger] = [csv_logger(run, last), *make_loggers(settings.loggers, run)]
    callbacks += [LearningRateMonitor("step"), _Progress(run, report), Safekeeping(last), *checkpoints]
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
        logger=loggers,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
    )
