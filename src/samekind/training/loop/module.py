"""The training step, the held-out measure and the optimizer, as a Lightning module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from samekind.errors import ImageError
from samekind.evaluation.metrics.scores import equal_error_rate
from samekind.fitting.calibrations import MOST_IMAGES
from samekind.training.batches.loading import Batch
from samekind.training.loop.collapse import refuse_collapse
from samekind.training.loop.distillation import Distillation
from samekind.training.loop.objectives import WeightedSum, centred, of_each_source
from samekind.training.loop.optimizer import make_optimizer
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe

HELD_OUT_EER = "held-out EER"
# A network that starts from noise tells nothing apart until the running statistics of its batch norms have settled, of
# which some move by a hundredth a step.
_SETTLED_STEPS = 300
# By this equal error rate a network has told classes apart, and not to do so any more is a collapse at any step.
_TELLS_APART = 0.35
# Steps between two looks at whether the loss is that of a collapsed network.
_COLLAPSE_EVERY = 10


class SiameseTraining(lightning.LightningModule):
    """Trains a Siamese network towards a recipe's objectives.

    Args:
        network: Initialised.
        objective: The loss.
        recipe: The settings.
        fresh: The names of the network's parameters that start from noise; they learn faster.
        steps_per_epoch: Optimizer steps of an epoch, for the learning-rate schedule.
        sources: int64 (C,), the data set of each class; the objective looks at each by itself.
        watched_pairs: int64 (M, 2), the held-out pairs of which the answer is known; None where all are.
    """

    _sources: Tensor
    _distilled: Tensor

    def __init__(
        self,
        network: SiameseNetwork,
        objective: WeightedSum,
        recipe: Recipe,
        fresh: set[str],
        *,
        steps_per_epoch: int,
        sources: NDArray[np.int64],
        watched_pairs: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # twice as fast, on CPUs as on GPUs
        self.objective = objective
        self.distillation = Distillation(self.network) if recipe.distillation.weight else None
        # Neither part of a checkpoint nor averaged with the weights.
        self.register_buffer("_sources", torch.from_numpy(sources), persistent=False)
        enough = np.bincount(sources) >= recipe.distillation.least_classes
        self.register_buffer("_distilled", torch.from_numpy(enough), persistent=False)
        self._recipe = recipe
        self._fresh = fresh
        self._steps_per_epoch = steps_per_epoch
        self._embed: Callable[[Tensor], Tensor] = (
            torch.compile(network.embed_batch) if recipe.compute.compile else network.embed_batch
        )
        self._watched_pairs = watched_pairs
        self._held_out: list[tuple[Tensor, Tensor]] = []
        # Of some of the last epoch's steps the loss, and what it would be if all embeddings were alike.
        self._losses: list[tuple[float, float]] = []
        self._best_rate = 1.0
        self._pretrained_norms = [
            module
            for name, module in network.named_modules()
            if recipe.freezing.head_only_epochs
            and isinstance(module, nn.BatchNorm2d)
            and f"{name}.weight" not in fresh
            and module.weight.requires_grad
        ]

    def on_before_batch_transfer(self, batch: Batch | ImageError, dataloader_idx: int) -> Batch:
        """An image that could not be read comes as its error.

        Raises:
            ImageError: It has; the message names the image.
        """
        del dataloader_idx
        if isinstance(batch, ImageError):
            raise batch
        return batch

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout depend on the seed, the step and the process alone, so that a resumed run repeats it.

        While only the head learns, the statistics of pretrained norms stand still as well.
        """
        del batch, batch_idx
        for norm in self._pretrained_norms:
            norm.train(not self._head_only)
        entropy = np.random.SeedSequence([self._recipe.seed, self.global_step, self.global_rank])
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One batch to its loss; of several processes each sees the embeddings of all."""
        inputs, labels = batch
        embeddings = self._embed(inputs).float()
        if self.trainer.world_size > 1:
            # With gradients: the mean that DDP takes over processes is then the gradient of the whole batch.
            embeddings = self._gather(embeddings, sync_grads=True)
            labels = self._gather(labels)
        sources = self._sources[labels]
        # In full precision, whatever the network computes in.
        with torch.autocast(embeddings.device.type, enabled=False):
            loss = of_each_source(self._loss, embeddings, labels, sources)
            if batch_idx % _COLLAPSE_EVERY == 0:
                with torch.no_grad():
                    alike = torch.nn.functional.normalize(torch.ones_like(embeddings), dim=1)
                    collapsed = of_each_source(self._loss, alike, labels, sources)
                    self._losses.append((float(loss.detach()), float(collapsed)))
        if self.distillation and self._distilled[sources].any():
            started = self.distillation.start(inputs).float()
            if self.trainer.world_size > 1:
                started = self._gather(started)
            with torch.autocast(embeddings.device.type, enabled=False):
                change = self._change(self.distillation, embeddings, started, sources)
            loss = loss + self._recipe.distillation.weight * change
        self.log("loss", loss)
        return loss

    def _loss(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The objective on the images of one data set."""
        loss: Tensor = self.objective(centred(embeddings) if self._recipe.sampler.centre else embeddings, labels)
        return loss

    def _change(self, distillation: Distillation, embeddings: Tensor, started: Tensor, sources: Tensor) -> Tensor:
        """What distillation makes of a batch, the mean over data sets; of those that are left out it is nothing."""
        kept = self._distilled[sources]
        share = len(torch.unique(sources[kept])) / len(torch.unique(sources))
        return share * of_each_source(distillation, embeddings[kept], started[kept], sources[kept])

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """In the first epochs of a freezing schedule, pretrained layers stand still."""
        del optimizer
        if self._head_only:
            for name, parameter in self.network.named_parameters():
                if name not in self._fresh:
                    parameter.grad = None

    @property
    def _head_only(self) -> bool:
        return self.global_step < self._recipe.freezing.head_only_epochs * self._steps_per_epoch

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect the held-out embeddings."""
        del batch_idx
        inputs, labels = batch
        self._held_out.append((self._embed(inputs).float().cpu(), labels.cpu()))

    def on_validation_epoch_end(self) -> None:
        """The equal error rate over all pairs of held-out images, or those of which the answer is known.

        Raises:
            TrainingError: The embeddings have collapsed.
        """
        embeddings, labels = self._all_held_out()
        if self._watched_pairs is None:
            # The same images each time, evenly spread, few enough for all their pairs to fit into memory.
            kept = torch.linspace(0, len(labels) - 1, min(len(labels), MOST_IMAGES)).long()
            embeddings, labels = embeddings[kept], labels[kept]
            first, second = torch.triu_indices(len(labels), len(labels), offset=1)
            similarity = (embeddings @ embeddings.T)[first, second].numpy()
        else:
            first, second = torch.from_numpy(self._watched_pairs.T)
            similarity = (embeddings[first] * embeddings[second]).sum(dim=1).numpy()
        same = (labels[first] == labels[second]).numpy()
        rate = equal_error_rate(similarity, same).rate
        self._best_rate = min(self._best_rate, rate)
        if self.global_step >= _SETTLED_STEPS or self._best_rate < _TELLS_APART:
            refuse_collapse(similarity, rate, self._losses)
        self._losses.clear()
        self.log(HELD_OUT_EER, rate, sync_dist=False, rank_zero_only=False)

    def _gather(self, tensor: Tensor, *, sync_grads: bool = False) -> Tensor:
        gathered = self.all_gather(tensor, sync_grads=sync_grads)
        assert isinstance(gathered, Tensor)  # a tensor in, a tensor out
        return gathered.flatten(0, 1)

    def _all_held_out(self) -> tuple[Tensor, Tensor]:
        """The held-out embeddings of all processes, in one order."""
        own = tuple(torch.cat(parts) for parts in zip(*self._held_out, strict=True))
        self._held_out.clear()
        shares: list[Any] = [own]
        if self.trainer.world_size > 1:
            shares = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(shares, own)
        embeddings, labels = (torch.cat(parts) for parts in zip(*shares, strict=True))
        # Image i lies at place i // processes of the share of process i % processes.
        order = torch.argsort(
            torch.cat([torch.arange(len(share[1])) * len(shares) + rank for rank, share in enumerate(shares)])
        )
        return embeddings[order], labels[order]

    def configure_optimizers(self) -> Any:
        """The recipe's optimizer and schedule."""
        named = [
            *((name, parameter, name in self._fresh) for name, parameter in self.network.named_parameters()),
            *((name, parameter, True) for name, parameter in self.objective.named_parameters()),
        ]
        return make_optimizer(self._recipe, named, self._recipe.epochs * self._steps_per_epoch)
