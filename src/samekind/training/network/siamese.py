"""The Siamese network: one backbone and one head, whose weights all branches share."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from samekind.training.network.backbone import Stages, create_backbone, cut
from samekind.training.network.expansion import cut_expanded
from samekind.training.network.stages import Behind
from samekind.training.recipe import Recipe


class SiameseNetwork(nn.Module):
    """Images to unit embeddings.

    Two or three images go through the very same modules, so there is nothing to share: a branch is a call.

    The backbone is cut in two. The stem and the first ``frozen_stages`` stages are never trained, and give
    *features*; the rest and the head turn features into embeddings. Training caches the features.

    Args:
        backbone: timm name of a network.
        dimension: D of the embedding.
        frozen_stages: How many stages stay as they are, with the stem; 0 trains everything, ``all`` the head alone.
        dropout: Probability, before the head.
        head: ``linear``, or ``mlp`` for two layers.
        features: What the head gets: the backbone's ``last``, pooled, or what is ``expanded`` in its last block.
        bias: Whether the head's last layer has one.
        input_size: S, pixels, for networks that are made for one size; None is the network's own.

    Attributes:
        channels: How many values the head gets for an image.
        head_gets: ``features``.

    Raises:
        TrainingError: timm has no such network, or it has fewer stages, or they are not known.

    Example:
        >>> network = SiameseNetwork("tf_efficientnet_b0", dimension=8, frozen_stages=5).eval()
        >>> network(torch.zeros(2, 64, 64, 3, dtype=torch.uint8)).shape
        torch.Size([2, 8])
    """

    backbone: Any  # timm's networks have no common type
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        backbone: str,
        dimension: int,
        frozen_stages: Stages,
        *,
        dropout: float = 0.0,
        head: Literal["linear", "mlp"] = "linear",
        features: Literal["last", "expanded"] = "last",
        bias: bool = False,
        input_size: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = create_backbone(backbone, input_size)
        self.frozen_stages, self.input_size = frozen_stages, input_size
        self.head_gets: Literal["last", "expanded"] = features
        # In plain lists, which do not register them a second time.
        if features == "expanded":
            first, rest, width = cut_expanded(self.backbone, backbone, frozen_stages)
        else:
            first, rest = cut(self.backbone, backbone, frozen_stages, input_size)
            width = getattr(self.backbone, "head_hidden_size", None) or self.backbone.num_features
        self._cut = first, rest
        self.channels: int = width
        self.dropout = nn.Dropout(dropout)
        last = nn.Linear(width, dimension, bias=bias)
        self.head = last if head == "linear" else nn.Sequential(nn.Linear(width, width), nn.ReLU(), last)
        # Buffers, so that normalising travels inside the exported graph.
        pretrained = self.backbone.pretrained_cfg
        self.register_buffer("pixel_mean", 255.0 * torch.tensor(pretrained["mean"]))
        self.register_buffer("pixel_std", 255.0 * torch.tensor(pretrained["std"]))
        for module in self._cut[0]:
            module.requires_grad_(requires_grad=False)

    @classmethod
    def of(cls, recipe: Recipe) -> SiameseNetwork:
        """The network that a recipe describes, with random weights."""
        network = recipe.network
        return cls(
            network.backbone,
            network.dimension,
            recipe.freezing.stages,
            dropout=network.dropout,
            head=network.head,
            features=network.features,
            bias=network.head_start == "whitened",
            input_size=network.input_size,
        )

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (N, S, S, 3), RGB, in; float32 (N, D), unit rows, out."""
        if any(isinstance(module, Behind) for module in self._cut[1]):  # it would run the backbone twice
            return self._embed(self._pooled(self.backbone.forward_features(self._normalised(images))))
        return self.embed_features(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """The output of the frozen stages: uint8 (N, S, S, 3) in; float32 (N, C, H, W) out, or tokens (N, T, C)."""
        return _apply(self._cut[0], self._normalised(images))

    def embed_features(self, features: Tensor) -> Tensor:
        """The trained part: the features of N images in; float32 (N, D), unit rows, out."""
        return self._embed(self.head_inputs(features))

    def _embed(self, inputs: Tensor) -> Tensor:
        x = self.head(self.dropout(inputs))
        unit: Tensor = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        return unit

    def embed_batch(self, inputs: Tensor) -> Tensor:
        """A batch of training to float32 (N, D), unit rows: cached features where stages are frozen, else images."""
        if self.frozen_stages:
            maps = inputs.ndim == 4
            return self.embed_features(inputs.contiguous(memory_format=torch.channels_last) if maps else inputs)
        embeddings: Tensor = self(inputs)
        return embeddings

    def head_inputs(self, features: Tensor) -> Tensor:
        """What the head gets for the features of N images: float32 (N, C)."""
        return self._pooled(_apply(self._cut[1], features))

    def _normalised(self, images: Tensor) -> Tensor:
        return ((images.float() - self.pixel_mean) / self.pixel_std).permute(0, 3, 1, 2)

    def _pooled(self, x: Tensor) -> Tensor:
        pooled: Tensor = (
            x.flatten(1) if self.head_gets == "expanded" else self.backbone.forward_head(x, pre_logits=True)
        )
        return pooled

    def train(self, mode: bool = True) -> SiameseNetwork:
        """Frozen stages stay in evaluation mode, so that their batch statistics do not move."""
        super().train(mode)
        for module in self._cut[0]:
            module.eval()
        return self


def _apply(modules: list[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x
