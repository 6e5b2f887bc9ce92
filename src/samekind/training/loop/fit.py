"""From batches to trained weights, with checkpoints: a run that was broken off goes on from the last one."""

from __future__ import annotations

import ctypes
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import lightning
import numpy as np
import torch
from safetensors.torch import save

from samekind.progress import Progress, stage_counter
from samekind.system.atomic import replacing
from samekind.training.batches.listed import groups_found, groups_known_alike
from samekind.training.batches.loading import SiameseData
from samekind.training.batches.plan import BatchPlan
from samekind.training.loop.module import SiameseTraining
from samekind.training.loop.objectives import make_objective
from samekind.training.loop.trainer import make_trainer
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import Start
from samekind.training.network.whitening import WHITENINGS, whiten_head
from samekind.training.run.folder import RunFolder
from samekind.training.run.processes import Machines, is_first

# Parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def fit(
    start: Start,
    plan: BatchPlan,
    data: SiameseData,
    run: RunFolder,
    loggers: Sequence[str],
    *,
    machines: Machines | None = None,
    report: Progress | None = None,
) -> None:
    """Train a network on labelled images.

    A run that was broken off goes on from its last checkpoint when called again with the same folder. Ctrl-C (or
    SIGTERM) finishes the step, saves and ends it.

    Args:
        start: The network, which is trained in place.
        plan: What its batches are made of, and the recipe.
        data: The batches.
        run: The folder of the run; checkpoints and logs go there.
        loggers: Besides the CSV file, by name.
        machines: On what to train; None for all that is here.
        report: Called with (stage, done, total) at each training step.

    Raises:
        TrainingError: The loss is no longer a number, the embeddings have collapsed, or there is too little disk or
            shared memory. The last checkpoint is kept.
        KeyboardInterrupt: Somebody pressed Ctrl-C; the checkpoint is there.
        ImageError: An image can no longer be read.
    """
    recipe, network, train = plan.recipe, start.network, plan.parts.train
    _keep_freed_memory()
    if start.whiten and not run.last.exists():
        _whiten(network, plan, data, stage_counter(report, "whiten", len(train)))
    if is_first():
        run.ready.touch()  # the other processes wait for it
    objective = make_objective(
        recipe.objectives,
        classes=len(train.classes),
        dimension=recipe.network.dimension,
        listed=plan.parts.items is not None,
    )
    module = SiameseTraining(
        network,
        objective,
        recipe,
        start.weights.fresh,
        steps_per_epoch=plan.steps,
        sources=plan.sources,
        watched_pairs=plan.parts.held_out_items,
    )
    trainer = make_trainer(recipe, loggers, run, machines or Machines(), report)
    _train(trainer, module, data, run.last)
    # A run that is resumed at its very end trains no step, after which the averaged weights would be put in place.
    chosen = run.best if recipe.early_stopping.patience else run.last
    module.load_state_dict(torch.load(chosen, map_location="cpu", weights_only=True)["state_dict"])
    if trainer.is_global_zero:
        with replacing(run.network, own=True) as temporary:
            weights = {name: value.contiguous() for name, value in network.cpu().state_dict().items()}
            temporary.write_bytes(save(weights))  # safetensors' own file writer hides that a disk is full


def _whiten(network: SiameseNetwork, plan: BatchPlan, data: SiameseData, on_progress: Callable[[int], None]) -> None:
    """Whiten the head by the classes; of a list nothing is known but its items and their answers."""
    labels, items, section = plan.parts.train.labels, plan.parts.items, plan.recipe.network
    whiten = partial(whiten_head, network, data.train_features, whitening=WHITENINGS[section.whitening])
    if items is None:
        whiten(labels, plan.sources, on_progress)
        return
    known = groups_known_alike(items, labels)
    # So many directions tell one group more apart.
    regroup = partial(groups_found, known=known, groups=section.dimension + 1)
    whiten(
        known,
        np.zeros(len(labels), np.int64),
        on_progress,
        regroup=regroup if section.whitening == "grouped" else None,
    )


def _train(trainer: lightning.Trainer, module: SiameseTraining, data: SiameseData, last: Path) -> None:
    with warnings.catch_warnings():
        # Lightning's advice is about its own settings (workers, logging), which are set here on purpose.
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None


def _keep_freed_memory() -> None:
    """Stop glibc from returning each large tensor to the kernel, which would have to zero its pages for the next step.

    Measured on two cores with EfficientNet-B0's last stages in float32: a step takes 0.75 × the time. Does nothing
    where the C library is another.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_M_TOP_PAD, 2**28)
