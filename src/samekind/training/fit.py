"""From labelled images to trained weights: one run, with checkpoints, in one folder."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import load_model, save_model

from samekind.atomic import replacing
from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import stratified_holdout
from samekind.errors import TrainingError
from samekind.training.allocator import keep_freed_memory
from samekind.training.data import AugmentedImages, CachedViews, PKData
from samekind.training.features import cached_features
from samekind.training.initialise import initialise
from samekind.training.module import SiameseTraining
from samekind.training.network import SiameseNetwork
from samekind.training.recipe import Recipe

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Fitted:
    """What a run leaves: the trained network, the images on either side of its split, and what its start had seen."""

    network: SiameseNetwork
    train: LabelledImages
    held_out: LabelledImages
    pretraining: str


def fit(
    images: LabelledImages,
    recipe: Recipe,
    init: str,
    run: Path,
    *,
    report: Report | None = None,
) -> Fitted:
    """Train a network on labelled images.

    A run that was broken off goes on from its last checkpoint when called again with the same folder; Ctrl-C ends
    it, and what its last whole epoch had learned is kept.

    Args:
        images: All images that may be used, those to be held out for calibration included.
        recipe: The settings.
        init: Where the weights start, as ``initialise`` takes it.
        run: The folder of the run; checkpoints, logs and cached features go there.
        report: Called with (stage, done, total) while features are computed and at each training step.

    Raises:
        TrainingError: The settings do not fit the network or the data, or the loss is no longer a number.
        KeyboardInterrupt: Somebody pressed Ctrl-C; the checkpoint of the last whole epoch is there.
        DatasetError: The images cannot be split.
        ImageError: An image cannot be read.
    """
    keep_freed_memory()
    lightning.seed_everything(recipe.seed, verbose=False)
    train, held_out = stratified_holdout(images, recipe.holdout, recipe.seed)
    network = SiameseNetwork(recipe.backbone, recipe.dimension, recipe.frozen_stages, recipe.dropout)
    fresh, pretraining = initialise(network, init)
    finished = run / "network.safetensors"
    if finished.exists():  # only what comes after training is left to do
        load_model(network, finished)
        return Fitted(network, train, held_out, pretraining)
    data = _data(network.eval(), (train, held_out), recipe, run, report)
    steps = recipe.epochs * _steps_per_epoch(train, recipe)
    module = SiameseTraining(network, recipe, fresh, steps, from_features=recipe.frozen_stages > 0)
    trainer = _trainer(recipe, run, report)
    last = run / "checkpoints" / "last.ckpt"
    with warnings.catch_warnings():
        # Lightning's advice is about its own settings (workers, logging), which are set here on purpose.
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
    with replacing(finished) as temporary:
        save_model(network, str(temporary))
    return Fitted(network, train, held_out, pretraining)


class _StopAtNaN(Callback):
    """Ends a run whose loss is no longer a number, before a checkpoint can be written from it."""

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: object, *_: object
    ) -> None:
        del module
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor) and not math.isfinite(float(loss)):
            raise TrainingError(
                f"the loss is {float(loss)} at step {trainer.global_step}; the last checkpoint is from before. "
                "Try a lower --learning-rate"
            )


class _Progress(Callback):
    """Reports each training step and, after each epoch, the loss and the held-out error rate."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: object) -> None:
        del module
        self._report("training steps", trainer.global_step, int(trainer.estimated_stepping_batches))


def _steps_per_epoch(train: LabelledImages, recipe: Recipe) -> int:
    batch = min(recipe.classes_per_batch, len(train.classes)) * recipe.images_per_class
    if len(train) < batch:
        raise TrainingError(
            f"{len(train)} training images do not fill one batch of {batch}; use fewer images per class (-k)"
        )
    return len(train) // batch


def _data(
    network: SiameseNetwork,
    split: tuple[LabelledImages, LabelledImages],
    recipe: Recipe,
    run: Path,
    report: Report | None,
) -> PKData:
    train, held_out = split
    if recipe.frozen_stages == 0:
        return PKData(
            AugmentedImages(train, recipe.input_size, recipe.seed, augment=True),
            train.labels,
            AugmentedImages(held_out, recipe.input_size, recipe.seed, augment=False),
            recipe,
            workers=2,
        )

    def cached(part: LabelledImages, name: str, views: int) -> CachedViews:
        features = cached_features(
            network,
            part,
            run / "features" / name,
            size=recipe.input_size,
            views=views,
            seed=recipe.seed,
            on_progress=(lambda done: report(f"{name} features", done, len(part))) if report else None,
        )
        return CachedViews(features, part.labels)

    return PKData(
        cached(train, "train", recipe.views), train.labels, cached(held_out, "held-out", 1), recipe, workers=1
    )


def _trainer(recipe: Recipe, run: Path, report: Report | None) -> lightning.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    checkpoint = ModelCheckpoint(run / "checkpoints", filename="{epoch}", save_last=True, save_top_k=1)
    return lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if torch.cuda.is_available() else "32-true",
        logger=CSVLogger(run, name="", version="logs"),
        callbacks=[checkpoint, _StopAtNaN(), *([_Progress(report)] if report else [])],
        enable_progress_bar=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
    )
