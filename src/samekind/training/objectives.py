"""What a network is trained towards: two objectives on a batch of P classes × K images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import TripletMarginMiner
from torch import Tensor, nn


class PairObjective(nn.Module):
    """Binary cross-entropy on all pairs of a batch, genuine and impostor pairs weighing the same.

    The logit of a pair is scale × cosine + bias, with both learned. Using all N (N - 1) / 2 pairs of a batch rather
    than N / 2 sampled ones costs nothing, for the embeddings are there already.
    """

    def forward(self, embeddings: Tensor, labels: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """The loss of unit embeddings, float32 (N, D), with their classes, int64 (N,): a scalar."""
        first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
        logits = (scale * (embeddings @ embeddings.T) + bias)[first, second]
        same = labels[first] == labels[second]
        genuine = F.softplus(-logits[same]).mean()
        impostor = F.softplus(logits[~same]).mean()
        return 0.5 * (genuine + impostor)


class TripletObjective(nn.Module):
    """Triplet margin loss on cosines, averaged over the triplets that still violate the margin.

    Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015, with all violating triplets of the batch (the miner of
    pytorch-metric-learning), so that anchors, positives and negatives come from the whole batch.

    Args:
        margin: How much more alike anchor and positive must be than anchor and negative, on the cosine.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.miner = TripletMarginMiner(margin=margin, distance=CosineSimilarity(), type_of_triplets="all")
        self.loss = TripletMarginLoss(margin=margin, distance=CosineSimilarity())

    def forward(self, embeddings: Tensor, labels: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """As ``PairObjective.forward``; the scale and bias of the logit are not needed and get no gradient."""
        del scale, bias
        loss: Tensor = self.loss(embeddings, labels, self.miner(embeddings, labels))
        return loss


def make_objective(name: str, margin: float) -> PairObjective | TripletObjective:
    """The objective of a recipe, by name: ``pairs`` or ``triplets``."""
    return PairObjective() if name == "pairs" else TripletObjective(margin)
