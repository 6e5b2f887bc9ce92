"""Cutting a timm backbone into stages, so that the first ones can stay as they are and be computed once.

Convolutional networks of five forms are cut into modules that are applied in turn; all others by ``stages``.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

import timm
import torch
from torch import nn

from samekind.errors import TrainingError, first_line
from samekind.training.network.stages import cut_behind, too_many_stages

Stages: TypeAlias = int | Literal["all"]

# How the families of timm name what comes before their stages, the stages, and what comes behind them before pooling.
_FAMILIES = (
    (("conv_stem", "bn1"), "blocks", ("conv_head", "bn2")),  # EfficientNet, MobileNet-V2, MNASNet
    (("conv1", "bn1", "act1", "maxpool"), "layer", ()),  # ResNet and its like: layer1 to layer4
    (("conv_stem", "bn1", "act1"), "blocks", ()),  # GhostNet
    (("conv_stem", "bn1"), "blocks", ()),  # MobileNet-V3, whose last convolution comes behind its pooling
    (("stem",), "stages", ("norm_pre",)),  # ConvNeXt
)


def create_backbone(name: str, size: int | None = None) -> Any:
    """A timm network without its classifier, with random weights.

    Args:
        name: timm's.
        size: The side of the images that it is to take, in pixels; None is its own.

    Raises:
        TrainingError: timm has none of that name, or it takes no images of that size.
    """
    known = timm.list_models()
    if name not in known:
        architecture = name.partition(".")[0]
        if architecture in known:
            raise TrainingError(f"{name} names weights; a backbone is {architecture}, and --init gives it weights")
        close = get_close_matches(name, known, 3, 0.5)
        raise TrainingError(f"timm has no network {name!r}{'; it has ' + ', '.join(close) if close else ''}")
    try:
        return timm.create_model(name, num_classes=0, **size_options(name, size))
    except Exception as error:  # timm raises almost anything for a size that does not fit
        reason = first_line(error)
        raise TrainingError(f"{name}: cannot be made for images of {size} pixels ({reason})") from error


def size_options(name: str, size: int | None) -> dict[str, Any]:
    """What timm is told of the size of images, by networks that are made for one size."""
    known = timm.models.get_pretrained_cfg(name)
    if size is None or known is None or not known.fixed_input_size or known.input_size[1] == size:
        return {}
    return {"img_size": size}


def cut(backbone: Any, name: str, stages: Stages, size: int | None = None) -> tuple[list[nn.Module], list[nn.Module]]:
    """The modules up to and with the first ``stages`` stages, and those behind them up to the pooling.

    Each module is applied to the output of the one before.

    Args:
        backbone: As ``create_backbone`` gives it.
        name: The name of the backbone, for messages.
        stages: How many to cut off; 0 cuts off nothing, and leaves the stem with the rest; ``all`` leaves nothing.
        size: The side of the images that it takes, in pixels; None is its own.

    Raises:
        TrainingError: The backbone has fewer stages, or cannot be cut there; the message says why.
    """
    if stages == 0:
        return [], [_Whole(backbone)]
    if stages == "all":
        return [_Whole(backbone, frozen=True)], []
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
            raise TrainingError(f"{name}: {too_many_stages(stages, len(blocks))}")
        first = [*(getattr(backbone, part) for part in stem), *blocks[:stages]]
        rest = [*blocks[stages:], *(getattr(backbone, part) for part in tail)]
        if not _is_whole(backbone, [*first, *rest]):
            break
        return first, rest
    try:
        return cut_behind(backbone, stages, size or int(backbone.default_cfg["input_size"][1]))
    except TrainingError as error:
        raise TrainingError(
            f"{name}: {error}; freezing.stages = 0 trains the whole, and freezing.stages = 'all' its head alone"
        ) from error


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
    except Exception:  # one that is made for images of another size, or whose parts have other parts of these names
        return False
    finally:
        backbone.train(was_training)
    return x.shape == expected.shape and bool((x - expected).abs().max() <= 1e-4 * expected.abs().max())


class _Whole(nn.Module):
    """All of a backbone up to its pooling; not registered again, for the backbone is a part of the network already."""

    def __init__(self, backbone: Any, *, frozen: bool = False) -> None:
        super().__init__()
        self.forward = backbone.forward_features
        self._frozen = (backbone,) if frozen else ()

    def requires_grad_(self, requires_grad: bool = True) -> _Whole:
        for backbone in self._frozen:
            backbone.requires_grad_(requires_grad)
        return self

    def train(self, mode: bool = True) -> _Whole:
        for backbone in self._frozen:
            backbone.train(mode)
        self.training = mode
        return self
