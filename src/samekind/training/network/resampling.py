"""Weights of a network for images of another size: what depends on the size is resampled, as timm does it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from torch import Tensor


def for_its_size(weights: Mapping[str, Tensor], network: Any) -> dict[str, Tensor]:
    """Weights by timm's names, whose position embeddings are of the network's own size.

    Patches of another size are another network's, so their weights stay as they are, and so does what timm cannot
    resample.

    Args:
        weights: As a file has them.
        network: One of timm's, made for the size that is wanted.
    """
    own = {name: tensor.shape for name, tensor in network.state_dict().items()}
    wrong = {name for name, tensor in weights.items() if tensor.shape != own.get(name, tensor.shape)}
    resample = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    resampled: Mapping[str, Tensor] = {}
    if wrong and resample is not None:
        with suppress(Exception):  # timm raises almost anything for weights of another network
            resampled = resample(dict(weights), network)
    fitting = {
        name: resampled[name]
        for name in wrong
        if "patch_embed" not in name and name in resampled and resampled[name].shape == own[name]
    }
    return {**weights, **fitting}
