"""What a network is trained towards: losses on the embeddings of a batch, and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_metric_learning import losses, miners
from pytorch_metric_learning.distances import CosineSimilarity
from torch import Tensor, nn

from samekind.training.recipe import Objective


class PairLoss(nn.Module):
    """Binary cross-entropy on all pairs of a batch, genuine and impostor pairs weighing the same.

    The logit of a pair is scale × cosine + bias, with both learned. Using all N (N - 1) / 2 pairs of a batch rather
    than N / 2 sampled ones costs nothing, for the embeddings are there already.

    Args:
        listed: Only the pairs (0, 1), (2, 3), ... of a batch, which come from a list.
    """

    def __init__(self, *, listed: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(-5.0))
        self._listed = listed

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of unit embeddings, float32 (N, D), with their classes, int64 (N,): a scalar."""
        if self._listed:
            first, second = torch.arange(len(labels), device=labels.device).view(-1, 2).T
            cosines = (embeddings[first] * embeddings[second]).sum(dim=1)
        else:
            first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
            cosines = (embeddings @ embeddings.T)[first, second]
        logits = self.scale * cosines + self.bias
        same = labels[first] == labels[second]
        sides = [F.softplus(-logits[same]), F.softplus(logits[~same])]
        # A small batch of a list may by chance hold pairs of one answer only.
        return torch.stack([side.mean() for side in sides if len(side)]).mean()


class TripletLoss(nn.Module):
    """Triplet margin loss on cosines, averaged over the triplets that still violate the margin.

    Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015; anchors, positives and negatives come from the whole batch.

    Args:
        margin: How much more alike anchor and positive must be than anchor and negative, on the cosine.
        miner: Which violating triplets count: ``all``, ``semihard``, ``hard``, or of each anchor the hardest
            (``batch-hard``; Hermans, Beyer and Leibe, "In defense of the triplet loss", 2017).
        listed: Only the triplets (0, 1, 2), (3, 4, 5), ... of a batch, which come from a list.
    """

    def __init__(self, margin: float, miner: str, *, listed: bool = False) -> None:
        super().__init__()
        distance = CosineSimilarity()
        self._listed = listed
        self.loss = losses.TripletMarginLoss(margin=margin, distance=distance)
        self.miner = (
            miners.BatchHardMiner(distance=distance)
            if miner == "batch-hard"
            else miners.TripletMarginMiner(margin=margin, distance=distance, type_of_triplets=miner)
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """As ``PairLoss.forward``."""
        if self._listed:
            triplets = tuple(torch.arange(len(labels), device=labels.device).view(-1, 3).T)
        else:
            triplets = self.miner(embeddings, labels)
        loss: Tensor = self.loss(embeddings, labels, triplets)
        return loss


class WeightedSum(nn.Module):
    """The weighted sum of objectives."""

    def __init__(self, terms: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self._weights = tuple(weights)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """As ``PairLoss.forward``."""
        losses_ = [weight * term(embeddings, labels) for weight, term in zip(self._weights, self.terms, strict=True)]
        return torch.stack(losses_).sum()


def centred(embeddings: Tensor) -> Tensor:
    """Unit embeddings, float32 (N, D), less their mean, of unit length again."""
    rows = embeddings - embeddings.mean(dim=0)
    unit: Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(1e-12)
    return unit


def of_each_source(
    loss: Callable[[Tensor, Tensor], Tensor], embeddings: Tensor, targets: Tensor, sources: Tensor
) -> Tensor:
    """The mean of a loss over data sets, the images of each looked at among themselves: a scalar.

    Args:
        loss: A function of embeddings and targets.
        embeddings: Unit embeddings, float32 (N, D).
        targets: What the loss compares them with, such as their classes, int64 (N,).
        sources: int64 (N,), the data set of each.

    Example:
        >>> rows, labels = torch.eye(4), torch.tensor([0, 0, 1, 1])
        >>> float(of_each_source(lambda e, l: l.float().mean(), rows, labels, torch.tensor([0, 0, 0, 1])))
        0.6666666865348816
    """
    masks = [sources == source for source in torch.unique(sources)]
    return torch.stack([loss(embeddings[mask], targets[mask]) for mask in masks]).mean()


def make_objective(objectives: Sequence[Objective], *, classes: int, dimension: int, listed: bool) -> WeightedSum:
    """The loss of a recipe.

    Args:
        objectives: Its terms.
        classes: C, number of training classes; losses with proxies have one for each.
        dimension: D.
        listed: Pairs or triplets come from a list, in the order of the batch.
    """
    terms = [_make(objective, classes, dimension, listed) for objective in objectives]
    return WeightedSum(terms, [objective.weight for objective in objectives])


def _make(objective: Objective, classes: int, dimension: int, listed: bool) -> nn.Module:
    own = objective.own
    proxies: dict[str, Any] = {"num_classes": classes, "embedding_size": dimension}
    make: dict[str, Callable[[], nn.Module]] = {
        "pairs": lambda: PairLoss(listed=listed),
        "triplet": lambda: TripletLoss(own["margin"], own["miner"], listed=listed),
        # Genuine pairs are drawn together all the way; impostor pairs pushed until their cosine is the margin.
        "contrastive": lambda: losses.ContrastiveLoss(
            pos_margin=1.0, neg_margin=own["margin"], distance=CosineSimilarity()
        ),
        "multi-similarity": lambda: losses.MultiSimilarityLoss(beta=own["scale"]),
        "supcon": lambda: losses.SupConLoss(temperature=own["temperature"]),
        "proxy-anchor": lambda: losses.ProxyAnchorLoss(margin=own["margin"], alpha=own["scale"], **proxies),
        "proxy-nca": lambda: losses.ProxyNCALoss(softmax_scale=own["scale"], **proxies),
        "arcface": lambda: losses.ArcFaceLoss(margin=own["margin"], scale=own["scale"], **proxies),
        "cosface": lambda: losses.CosFaceLoss(margin=own["margin"], scale=own["scale"], **proxies),
    }
    return make[objective.loss]()
