"""Pooling EfficientNet inside its last block, where it has most channels and is not yet turned to its own classes."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from samekind.errors import TrainingError
from samekind.training.network.backbone import Stages
from samekind.training.network.stages import too_many_stages

_PARTS = ("conv_pw", "bn1", "conv_dw", "bn2", "se", "conv_pwl", "bn3")
_GEM_EXPONENT = 3.0


class Expansion(nn.Module):
    """The last inverted bottleneck up to its squeeze-and-excite, pooled before and after it, each of unit length.

    The squeeze-and-excite weighs the channels by what the whole image shows. As they were before it, beside those that
    it weighed, they tell unseen classes apart better than their plain mean beside it does (BENCHMARKS.md). They are
    pooled by the generalised mean, which says how strong a channel is where it is, rather than how much of it there is:
    Radenović, Tolias and Chum, "Fine-tuning CNN image retrieval with no human annotation", 2018, with their exponent 3.

    Args:
        block: timm's ``InvertedResidual``.
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, C, H, W) in; (N, 2 × E, 1, 1) out, for E expanded channels."""
        block = self.block
        before = block.bn2(block.conv_dw(block.bn1(block.conv_pw(x))))
        return torch.cat([_unit(_generalised_mean(before)), _unit(_generalised_mean(block.se(before)))], dim=1)


def cut_expanded(backbone: Any, name: str, stages: Stages) -> tuple[list[nn.Module], list[nn.Module], int]:
    """As ``backbone.cut``, but ending with the ``Expansion`` of the last block; what lies behind it is dropped.

    Args:
        backbone: timm's EfficientNet without a classifier. It keeps its parameters' names; the parts behind the
            expansion become identities.
        name: The name of the backbone, for messages.
        stages: How many stages to cut off, with the stem; all of them cut off the expansion, too.

    Returns:
        The modules of both parts, and how many values come out: twice the expanded channels.

    Raises:
        TrainingError: The backbone has fewer stages, or its last block is no inverted bottleneck.
    """
    blocks = list(getattr(backbone, "blocks", ()))
    last: Any = blocks[-1][-1] if blocks and isinstance(blocks[-1], nn.Sequential) else None
    if not all(hasattr(last, part) for part in _PARTS):
        raise TrainingError(
            f"{name}: does not end with an inverted bottleneck, as EfficientNet does; use network.features = 'last'"
        )
    if stages == "all":
        stages = len(blocks)
    if stages > len(blocks):
        raise TrainingError(f"{name}: {too_many_stages(stages, len(blocks))}")
    width: int = 2 * last.conv_pwl.in_channels
    last.conv_pwl, last.bn3 = nn.Identity(), nn.Identity()
    backbone.conv_head, backbone.bn2 = nn.Identity(), nn.Identity()
    parts = [[backbone.conv_stem, backbone.bn1], *([stage] for stage in blocks[:-1])]
    parts.append([*list(blocks[-1])[:-1], Expansion(last)])
    frozen = stages + 1 if stages else 0
    first, rest = parts[:frozen], parts[frozen:]
    return [*chain(*first)], [*chain(*rest)], width


def _generalised_mean(x: Tensor) -> Tensor:
    # Not quite down to zero, where the root is infinitely steep.
    powers = x.clamp_min(0).pow(_GEM_EXPONENT).mean(dim=(2, 3), keepdim=True).clamp_min(1e-9)
    return powers.pow(1 / _GEM_EXPONENT)


def _unit(x: Tensor) -> Tensor:
    unit: Tensor = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
    return unit
