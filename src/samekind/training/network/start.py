"""The network of a run, with the weights that it starts from loaded into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import lightning
import torch
from pydantic import JsonValue
from torch import Tensor, nn

from samekind.errors import TrainingError
from samekind.model_file.card import Card
from samekind.training.network.resampling import for_its_size
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.weights import Weights, read_weights
from samekind.training.recipe import Recipe


@dataclass(frozen=True)
class StartingWeights:
    """What a network started from.

    Attributes:
        fresh: The names of the parameters that start from noise.
        pretraining: In words, what the others had seen before.
        tag: timm's name for them, such as ``tf_efficientnet_b0.aa_in1k``; empty where they are not timm's, or from a
            file that does not say.
        licence: Their licence, as far as it is known.
    """

    fresh: set[str]
    pretraining: str
    tag: str = ""
    licence: str = ""


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


def initialise(network: SiameseNetwork, init: str) -> StartingWeights:
    """Load starting weights into a network.

    Args:
        network: Changed in place.
        init: ``scratch``; ``imagenet`` (timm's pretrained weights, downloaded on first use); a ``.safetensors`` file
            with a backbone under timm's names, which may lack layers; ``bundled`` (the model ``general``, or for a
            network with another head its trunk alone, without the last layers, which then start from noise); or another
            samekind model, by name or path.

    Raises:
        TrainingError: The weights cannot be had or do not fit.
    """
    if init == "scratch":
        return StartingWeights({name for name, _ in network.named_parameters()}, "nothing: random weights")
    given = read_weights(init, network.backbone.default_cfg["architecture"], network.input_size)
    # Of the bundled model any network can have the trunk; who names a model file means all of it.
    if given.card and (init != "bundled" or _head_shapes(given.tensors) == _head_shapes(network.state_dict())):
        _load_whole(network, given, given.card)
        past = f"{given.past}; then as {given.card.name}: {given.card.training.data}"
        return StartingWeights(set(), past, given.tag, given.licence)
    return StartingWeights(_load_backbone(network, given), given.past, given.tag, given.licence)


def _load_whole(network: SiameseNetwork, given: Weights, card: Card) -> None:
    own, weights = network.state_dict(), given.tensors
    missing = {name for name in own if not name.endswith("num_batches_tracked")} - set(weights)
    missing |= {name for name in weights if name.startswith("head.") and name not in own}
    wrong = [name for name, tensor in weights.items() if name in own and tensor.shape != own[name].shape]
    if missing or wrong:
        odd = sorted(missing or wrong)[0]
        raise TrainingError(
            f"{given.source}: does not fit this network ({odd}); it is a {card.backbone} with "
            f"{card.dimension} dimensions{_features(card.training.recipe)}"
        )
    network.load_state_dict({name: tensor for name, tensor in weights.items() if name in own}, strict=False)


def _load_backbone(network: SiameseNetwork, given: Weights) -> set[str]:
    """All but the head; the names of the parameters that start from noise."""
    own, prefix = network.state_dict(), "backbone."
    body: nn.Module = network.backbone
    bare = {name.removeprefix(prefix): tensor for name, tensor in given.tensors.items() if name.startswith(prefix)}
    tensors = {**given.tensors, **{f"{prefix}{name}": tensor for name, tensor in for_its_size(bare, body).items()}}
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and name[:5] != "head."}
    loaded = {name.removeprefix(prefix) for name in fitting if name.startswith(prefix)}
    if not loaded:
        raise TrainingError(f"{given.source}: holds no weights of this backbone")
    for name, tensor in fitting.items():
        if tensor.shape != own[name].shape:
            what = f"{name.removeprefix(prefix)} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
            raise TrainingError(f"{given.source}: {what}")
    network.load_state_dict(fitting, strict=False)
    fresh = {f"{prefix}{name}" for name, _ in body.named_parameters() if name not in loaded}
    fresh |= _reset_norms_behind_missing(body, loaded)
    if frozen := sorted(fresh & {name for name, weight in network.named_parameters() if not weight.requires_grad}):
        raise TrainingError(
            f"{given.source}: lacks {frozen[0]}, which freezing.stages={network.frozen_stages} would keep as noise; "
            f"try --set freezing.stages={0 if network.frozen_stages == 'all' else network.frozen_stages - 1}"
        )
    return fresh | {name for name, _ in network.named_parameters() if name.startswith("head.")}


def _reset_norms_behind_missing(body: nn.Module, loaded: set[str]) -> set[str]:
    """A batch norm's statistics and gains belong to the convolution before it; without that they mislead."""
    reset: set[str] = set()
    missing_before = False
    for name, module in body.named_modules():
        if isinstance(module, nn.Conv2d):
            missing_before = f"{name}.weight" not in loaded
        elif isinstance(module, nn.BatchNorm2d) and missing_before:
            module.reset_running_stats()
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
            reset |= {f"backbone.{name}.weight", f"backbone.{name}.bias"}
            missing_before = False
    return reset


def _head_shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items() if name.startswith("head.")}


def _features(recipe: dict[str, JsonValue]) -> str:
    """What else of a model's recipe a network must have to take its weights."""
    network = recipe.get("network")
    if not isinstance(network, dict) or network.get("features") != "expanded":
        return ""
    if network.get("head_start") != "whitened":
        return " and network.features = 'expanded'"
    return ", network.features = 'expanded' and network.head_start = 'whitened' (--recipe general has these)"
