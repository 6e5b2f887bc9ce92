"""Where a run begins: the network with its starting weights, once its settings are known to fit."""

from __future__ import annotations

from dataclasses import dataclass

import lightning
import numpy as np
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages
from samekind.errors import TrainingError
from samekind.training.batches import Batches, sources_of
from samekind.training.initialise import initialise
from samekind.training.loggers import refuse_unknown
from samekind.training.network import SiameseNetwork
from samekind.training.prepare import Parts, for_stopping
from samekind.training.run import RunSettings


@dataclass(frozen=True)
class Start:
    """Where a run begins, once it is known that its settings fit its network and its images.

    Attributes:
        network: Initialised.
        fresh: The names of its parameters that start from noise.
        whiten: The head is still to be computed from the training features.
        pretraining: In words, what the others had seen.
        watched: Held-out images to look at after each epoch.
        calibration: Held-out images for links and thresholds.
        steps: Of an epoch.
        sources: int64 (C,), the data set of each class; all 0 but with ``sampler.apart``.
    """

    network: SiameseNetwork
    fresh: set[str]
    whiten: bool
    pretraining: str
    watched: LabelledImages
    calibration: LabelledImages
    steps: int
    sources: NDArray[np.int64]


def begin(settings: RunSettings, parts: Parts) -> Start:
    """Make the network of a run, load its starting weights, and see whether a run could go on from there.

    Raises:
        TrainingError: The settings do not fit the network or the data, or the weights cannot be had.
        DatasetError: The held-out images are too few to be divided.
    """
    recipe = settings.recipe
    lightning.seed_everything(recipe.seed, verbose=False)
    watched, calibration = for_stopping(parts, recipe)
    refuse_unknown(settings.loggers)
    # A run that goes on reads its images from a list, but is still of the folder that it began with.
    several = recipe.sampler.apart and parts.items is None and not settings.folder.is_dir()
    sources = sources_of(parts.train) if several else np.zeros(len(parts.train.classes), np.int64)
    steps = len(Batches(parts.train.labels, recipe, parts.items, sources))
    network = SiameseNetwork.of(recipe)
    fresh, pretraining = initialise(network, settings.init)
    whiten = recipe.network.head_start == "whitened" and "head.weight" in fresh
    if whiten:
        fresh -= {"head.weight", "head.bias"}
    if recipe.freezing.head_only_epochs and not fresh:
        why = (
            "a whitened head does not start from noise" if whiten else f"all of the network starts from {settings.init}"
        )
        raise TrainingError(f"{why}, so in the first epochs nothing would learn; use --set freezing.head_only_epochs=0")
    if recipe.distillation.weight and fresh:
        body = [name for name in fresh if not name.startswith("head.")]
        remedy = "--init with all weights of the backbone" if body else "--set network.head_start=whitened"
        raise TrainingError(
            f"distillation keeps what the start knows, and {min(body or fresh)} starts from noise, which knows "
            f"nothing; use {remedy}, or --set distillation.weight=0"
        )
    channels = network.channels
    if whiten and recipe.network.dimension > channels:
        raise TrainingError(
            f"network.dimension = {recipe.network.dimension} is more than the {channels} channels that a whitened head "
            f"gets; use at most {channels}"
        )
    return Start(network, fresh, whiten, pretraining, watched, calibration, steps, sources)
