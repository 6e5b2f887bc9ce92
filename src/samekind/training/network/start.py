"""The network of a run with its starting weights, once its recipe is known to fit them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import lightning

from samekind.errors import TrainingError
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.starting_weights import StartingWeights, initialise
from samekind.training.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """Where a run begins.

    Attributes:
        network: Initialised.
        weights: What from; without the head where that is to be whitened.
        whiten: Whether the head is still to be computed from the training features.
    """

    network: SiameseNetwork
    weights: StartingWeights
    whiten: bool


def starting_network(recipe: Recipe, init: str) -> Start:
    """Make the network of a recipe and load its starting weights. No image is needed for it.

    Args:
        recipe: Its seed decides what starts from noise.
        init: As ``initialise`` takes it.

    Raises:
        TrainingError: The settings do not fit the network, or the weights cannot be had.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    network = SiameseNetwork.of(recipe)
    weights = initialise(network, init)
    whiten = recipe.network.head_start == "whitened" and "head.weight" in weights.fresh
    fresh = weights.fresh - {"head.weight", "head.bias"} if whiten else weights.fresh
    if recipe.freezing.head_only_epochs and not fresh:
        why = "a whitened head does not start from noise" if whiten else f"all of the network starts from {init}"
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
    return Start(network, replace(weights, fresh=fresh), whiten)
