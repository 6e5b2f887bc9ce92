"""Cutting a timm backbone into stages, so that the first ones can stay as they are and be computed once."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from samekind.errors import TrainingError

# How the families of timm name what comes before their stages, the stages, and what comes behind them before pooling.
_FAMILIES = (
    (("conv_stem", "bn1"), "blocks", ("conv_head", "bn2")),  # EfficientNet, MobileNet-V2, MNASNet
    (("conv1", "bn1", "act1", "maxpool"), "layer", ()),  # ResNet and its like: layer1 to layer4
    (("conv_stem", "bn1", "act1"), "blocks", ()),  # GhostNet
    (("conv_stem", "bn1"), "blocks", ()),  # MobileNet-V3, whose last convolution comes behind its pooling
    (("stem",), "stages", ("norm_pre",)),  # ConvNeXt
)


def create_backbone(name: str) -> Any:
    """A timm network without its classifier, with random weights.

    Raises:
        TrainingError: timm has none of that name.
    """
    if name not in timm.list_models():
        close = timm.list_models(f"*{name.rpartition('_')[2]}*")[:3]
        raise TrainingError(f"timm has no network {name!r}{'; it has ' + ', '.join(close) if close else ''}")
    return timm.create_model(name, num_classes=0)


def cut(backbone: Any, name: str, stages: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """The modules up to and with the first ``stages`` stages, and those behind them up to the pooling.

    Each module is applied to the output of the one before.

    Args:
        backbone: As ``create_backbone`` gives it.
        name: The name of the backbone, for messages.
        stages: How many to cut off; 0 cuts off nothing, and leaves the stem with the rest.

    Raises:
        TrainingError: The backbone has fewer stages, or its stages are not known, or there is more to it than they are.
    """
    if stages == 0:
        return [], [_Whole(backbone)]
    for stem, body, tail in _FAMILIES:
        if not all(hasattr(backbone, part) for part in (*stem, *tail)):
            continue
        if body == "layer":
            blocks = [getattr(backbone, f"layer{i}") for i in range(1, 5) if hasattr(backbone, f"layer{i}")]
        else:
            blocks = list(getattr(backbone, body, ()))
        if not blocks:
            continue
        if stages > len(blocks):
            raise TrainingError(f"{name}: has {len(blocks)} stages; freezing.stages cannot be {stages}")
        first = [*(getattr(backbone, part) for part in stem), *blocks[:stages]]
        rest = [*blocks[stages:], *(getattr(backbone, part) for part in tail)]
        if not _is_whole(backbone, [*first, *rest]):
            break
        return first, rest
    raise TrainingError(f"{name}: its stages are not known here, so only the whole can be trained: freezing.stages = 0")


@torch.no_grad()
def _is_whole(backbone: Any, modules: list[nn.Module]) -> bool:
    """Whether the modules do what the backbone does: another family may have parts of the same names and more."""
    was_training = backbone.training
    backbone.eval()  # so that no batch statistics move and nothing is random
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    try:
        expected = backbone.forward_features(x)
        for module in modules:
            x = module(x)
    finally:
        backbone.train(was_training)
    return x.shape == expected.shape and bool((x - expected).abs().max() <= 1e-4 * expected.abs().max())


class _Whole(nn.Module):
    """All of a backbone up to its pooling; not registered again, for the backbone is a part of the network already."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.forward = backbone.forward_features
