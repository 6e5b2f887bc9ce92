"""Weights that a network can start from, read into memory: timm's, those of a file, or of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from samekind.errors import ModelFileError, TrainingError
from samekind.model_file.card import Card
from samekind.model_file.file import read_model
from samekind.training.network.pretrained import download, find_pretrained

# Its trunk is ImageNet's as it was, for only its head was trained.
_BUNDLED = "general"
_UNKNOWN_PAST = "unknown: whatever {} was trained on"
_IMAGENET = "ImageNet-1k with labels, so classes of ImageNet are not new to it"


@dataclass(frozen=True)
class Weights:
    """Weights as they were found, for whatever network.

    Attributes:
        source: What messages call them.
        tensors: By the names of a Siamese network's own: ``backbone.``, ``head.`` and ``pixel_``.
        past: In words, what they had seen.
        tag: timm's name for them; empty where they are not timm's, or from a file that does not say.
        licence: Their licence, as far as it is known.
        card: Of a model file, whose head they have as well.
    """

    source: str
    tensors: Mapping[str, Tensor]
    past: str
    tag: str = ""
    licence: str = ""
    card: Card | None = None


def read_weights(init: str, architecture: str, input_size: int | None) -> Weights:
    """Read weights, or download them.

    Args:
        init: ``imagenet``, ``bundled``, a ``.safetensors`` file, or a samekind model, by name or path.
        architecture: timm's name of the network that is to have them.
        input_size: S, pixels, for networks that are made for one size; None is the network's own.

    Raises:
        TrainingError: They cannot be had, or are of another architecture.
    """
    if init == "imagenet":
        return _of_timm(architecture, input_size)
    if init.endswith(".safetensors"):
        return _of_file(Path(init), init)
    if init != "bundled":
        return _of_model(init, init)
    found = _of_model(_BUNDLED, init)
    assert found.card is not None  # it is a model file
    if architecture != found.card.backbone:
        raise TrainingError(f"bundled: is for {found.card.backbone} only, not for {architecture}; use --init imagenet")
    return found


def _of_timm(architecture: str, input_size: int | None) -> Weights:
    found = find_pretrained(architecture)
    tensors = {f"backbone.{name}": tensor for name, tensor in download(found, input_size).items()}
    # Weights of another tag may want their images normalised otherwise than the architecture's own choice does.
    normalising = {"pixel_mean": 255.0 * torch.tensor(found.mean), "pixel_std": 255.0 * torch.tensor(found.std)}
    return Weights(f"timm's {found.name}", tensors | normalising, found.past, found.name, found.licence)


def _of_file(path: Path, source: str) -> Weights:
    try:
        tensors = {f"backbone.{name}": tensor for name, tensor in load_file(path).items()}
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: not a readable safetensors file ({error})") from error
    return Weights(source, tensors, _IMAGENET if "imagenet" in path.name.lower() else _UNKNOWN_PAST.format(path.name))


def _of_model(name: str, source: str) -> Weights:
    try:
        model = read_model(name)
    except ModelFileError as error:
        raise TrainingError(f"cannot start from {source!r}: {error}") from error
    if "wrapped" in model.card.training.recipe:
        raise TrainingError(
            f"cannot start from {source!r}: it was wrapped from {model.card.training.init}; its weights no longer have "
            "the names that training needs; give those that it was made from as a file, --init WEIGHTS.safetensors, or "
            "timm's, --init imagenet"
        )
    arrays = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load_model_from_string(model.data).graph.initializer
    }
    tensors = {
        name: torch.from_numpy(array.astype(np.float32))
        for name, array in arrays.items()
        if name.startswith(("backbone.", "head.", "pixel_"))
    }
    card = model.card
    return Weights(source, tensors, card.training.pretraining, card.training.init_tag, card.licence, card)
