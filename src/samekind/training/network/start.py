"""The network of a run and the weights that it starts from: loading them, and saying what they had seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
import numpy as np
import onnx
import torch
from pydantic import JsonValue
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from samekind.errors import ModelFileError, TrainingError
from samekind.model_file.file import ModelFile, find_model, read_model
from samekind.training.network.pretrained import download, find_pretrained
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe

# Its trunk is ImageNet's as it was, for only its head was trained.
BUNDLED = "general"
_UNKNOWN_PAST = "unknown: whatever {} was trained on"
_IMAGENET = "ImageNet-1k with labels, so classes of ImageNet are not new to it"


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
    if init == "imagenet":
        return _load_pretrained(network)
    if init.endswith(".safetensors"):
        weights = _read_safetensors(Path(init))
        past = _IMAGENET if "imagenet" in Path(init).name.lower() else _UNKNOWN_PAST.format(Path(init).name)
        return StartingWeights(_load_backbone(network, weights, init), past)
    if init == "bundled":
        return _load_bundled(network)
    return _load_whole(network, init, *_read_model_file(init))


def _load_pretrained(network: SiameseNetwork) -> StartingWeights:
    found = find_pretrained(network.backbone.default_cfg["architecture"])
    fresh = _load_backbone(network, download(found, network.input_size), f"timm's {found.name}")
    # Weights of another tag may want their images normalised otherwise than the architecture's own choice does.
    network.normalise_by(found.mean, found.std)
    return StartingWeights(fresh, found.past, found.name, found.licence)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return dict(load_file(path))
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: not a readable safetensors file ({error})") from error


def _load_backbone(network: SiameseNetwork, weights: dict[str, Tensor], source: str) -> set[str]:
    body: nn.Module = network.backbone
    own = body.state_dict()
    fitting = {name: tensor for name, tensor in weights.items() if name in own}
    if not fitting:
        raise TrainingError(f"{source}: holds no weights of this backbone")
    for name, tensor in fitting.items():
        if tensor.shape != own[name].shape:
            raise TrainingError(f"{source}: {name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}")
    body.load_state_dict(fitting, strict=False)
    fresh = {f"backbone.{name}" for name, _ in body.named_parameters() if name not in fitting}
    fresh |= _reset_norms_behind_missing(body, set(fitting))
    if frozen := sorted(fresh & {name for name, weight in network.named_parameters() if not weight.requires_grad}):
        raise TrainingError(
            f"{source}: lacks {frozen[0]}, which freezing.stages={network.frozen_stages} would keep as noise; try "
            f"--set freezing.stages={0 if network.frozen_stages == 'all' else network.frozen_stages - 1}"
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


def _load_bundled(network: SiameseNetwork) -> StartingWeights:
    model, weights = _read_model_file(BUNDLED)
    architecture = network.backbone.default_cfg["architecture"]
    if architecture != model.card.backbone:
        raise TrainingError(f"bundled: is for {model.card.backbone} only, not for {architecture}; use --init imagenet")
    if _head_shapes(weights) == _head_shapes(network.state_dict()):
        return _load_whole(network, BUNDLED, model, weights)
    prefix = "backbone."
    trunk = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
    return _of_model(_load_backbone(network, trunk, "bundled"), model.card.training.pretraining, model)


def _head_shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in weights.items() if name.startswith("head.")}


def _load_whole(network: SiameseNetwork, init: str, model: ModelFile, weights: Mapping[str, Tensor]) -> StartingWeights:
    own = network.state_dict()
    missing = {name for name in own if not name.endswith("num_batches_tracked")} - set(weights)
    missing |= {name for name in weights if name.startswith("head.") and name not in own}
    wrong = [name for name, tensor in weights.items() if name in own and tensor.shape != own[name].shape]
    if missing or wrong:
        odd = sorted(missing or wrong)[0]
        raise TrainingError(
            f"{init}: does not fit this network ({odd}); it is a {model.card.backbone} with "
            f"{model.card.dimension} dimensions{_features(model.card.training.recipe)}"
        )
    network.load_state_dict({name: tensor for name, tensor in weights.items() if name in own}, strict=False)
    past = f"{model.card.training.pretraining}; then as {model.card.name}: {model.card.training.data}"
    return _of_model(set(), past, model)


def _of_model(fresh: set[str], past: str, model: ModelFile) -> StartingWeights:
    return StartingWeights(fresh, past, model.card.training.init_tag, model.card.licence)


def _read_model_file(init: str) -> tuple[ModelFile, dict[str, Tensor]]:
    try:
        model = read_model(find_model(init))
    except ModelFileError as error:
        raise TrainingError(f"cannot start from {init!r}: {error}") from error
    initializers = onnx.load_model_from_string(model.data).graph.initializer
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in initializers}
    return model, {
        name: torch.from_numpy(array.astype(np.float32))
        for name, array in arrays.items()
        if name.startswith(("backbone.", "head.", "pixel_"))
    }


def _features(recipe: dict[str, JsonValue]) -> str:
    """What else of a model's recipe a network must have to take its weights."""
    network = recipe.get("network")
    if not isinstance(network, dict) or network.get("features") != "expanded":
        return ""
    if network.get("head_start") != "whitened":
        return " and network.features = 'expanded'"
    return ", network.features = 'expanded' and network.head_start = 'whitened' (--recipe general has these)"
