"""The Siamese network: one backbone and one head, whose weights all branches share."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn

from samekind.errors import TrainingError


class SiameseNetwork(nn.Module):
    """Images to unit embeddings, and a learned scale and bias that turn a cosine into a logit.

    Two or three images go through the very same modules, so there is nothing to share: a branch is a call.

    The backbone is cut in two. The stem and the first ``frozen_stages`` stages are never trained, and give
    *features*; the rest and the head turn features into embeddings. Training caches the features.

    Args:
        backbone: timm name of a network of the EfficientNet family.
        dimension: D of the embedding.
        frozen_stages: How many stages stay as they are, with the stem; 0 trains everything.
        dropout: Probability, before the head.

    Raises:
        TrainingError: timm has no such network, or it is not of the family, or has fewer stages.
    """

    backbone: Any  # timm's networks have no common type
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, backbone: str, dimension: int, frozen_stages: int, dropout: float = 0.0) -> None:
        super().__init__()
        if backbone not in timm.list_models():
            raise TrainingError(f"timm has no network {backbone!r}")
        self.backbone = timm.create_model(backbone, num_classes=0, global_pool="")
        if not all(hasattr(self.backbone, part) for part in ("conv_stem", "bn1", "blocks", "conv_head", "bn2")):
            raise TrainingError(f"{backbone}: only networks of the EfficientNet family can be trained so far")
        if frozen_stages > len(self.backbone.blocks):
            raise TrainingError(f"{backbone}: has {len(self.backbone.blocks)} stages; not {frozen_stages}")
        self.frozen_stages = frozen_stages
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.backbone.num_features, dimension, bias=False)
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(-5.0))
        # Buffers, so that normalising travels inside the exported graph.
        pretrained = self.backbone.pretrained_cfg
        self.register_buffer("pixel_mean", 255.0 * torch.tensor(pretrained["mean"]))
        self.register_buffer("pixel_std", 255.0 * torch.tensor(pretrained["std"]))
        for module in self._frozen_modules():
            module.requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (N, S, S, 3), RGB, in; float32 (N, D), unit rows, out."""
        return self.embed_features(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """The output of the frozen stages: uint8 (N, S, S, 3) in; float32 (N, C, H, W) out."""
        x = ((images.float() - self.pixel_mean) / self.pixel_std).permute(0, 3, 1, 2)
        return _apply(self._frozen_modules(), x)

    def embed_features(self, features: Tensor) -> Tensor:
        """The trained part: the features of N images in; float32 (N, D), unit rows, out."""
        x = _apply(self._trained_modules(), features)
        x = self.head(self.dropout(x.mean(dim=(2, 3))))
        unit: Tensor = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        return unit

    def train(self, mode: bool = True) -> SiameseNetwork:
        """Frozen stages stay in evaluation mode, so that their batch statistics do not move."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def _frozen_modules(self) -> list[nn.Module]:
        return self._body()[: self.frozen_stages + 2] if self.frozen_stages else []

    def _trained_modules(self) -> list[nn.Module]:
        frozen = len(self._frozen_modules())
        return [*self._body()[frozen:], self.backbone.conv_head, self.backbone.bn2]

    def _body(self) -> list[nn.Module]:
        """The stem (its two modules), then the stages; each is applied to the output of the one before."""
        return [self.backbone.conv_stem, self.backbone.bn1, *self.backbone.blocks]


def _apply(modules: list[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x
