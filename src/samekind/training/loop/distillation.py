"""Keeping images as alike as they were to the network that training starts from."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from samekind.training.network.siamese import SiameseNetwork


class Distillation(nn.Module):
    """The mean squared change of the cosines between images since the start.

    A network that is trained on few classes forgets what tells others apart; the start's similarities, also between
    images of one class, know of it. Tung and Mori, "Similarity-preserving knowledge distillation", ICCV 2019, on
    cosines.

    Args:
        network: As training finds it; a copy of it is kept.

    Example:
        >>> network = SiameseNetwork("tf_efficientnet_b0", dimension=8, frozen_stages=7, features="expanded")
        >>> distillation = Distillation(network)
        >>> features = torch.rand(3, network.channels, 1, 1)
        >>> with torch.no_grad():
        ...     network.head.weight += 0.1 * torch.randn_like(network.head.weight)
        ...     change = distillation(network.embed_features(features), distillation.start(features))
        >>> bool(change > 0)
        True
    """

    def __init__(self, network: SiameseNetwork) -> None:
        super().__init__()
        self._network = copy.deepcopy(network).requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Distillation:
        """The copy stays in evaluation mode."""
        super().train(mode)
        self._network.eval()
        return self

    def start(self, inputs: Tensor) -> Tensor:
        """What the network made of a batch at the start: its features or images in; float32 (N, D), unit rows, out."""
        with torch.no_grad():
            return self._network.embed_batch(inputs)

    def forward(self, embeddings: Tensor, started: Tensor) -> Tensor:
        """The loss of unit embeddings, float32 (N, D), and what they were at the start: a scalar, over all pairs."""
        first, second = torch.triu_indices(len(embeddings), len(embeddings), offset=1, device=embeddings.device)
        changes = (embeddings @ embeddings.T - started @ started.T)[first, second]
        return changes.square().mean()
