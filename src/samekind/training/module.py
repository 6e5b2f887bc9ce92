"""The training step, the held-out measure and the optimizer, as a Lightning module."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from samekind.evaluation.links import MOST_IMAGES
from samekind.evaluation.verification import equal_error_rate
from samekind.training.data import Batch
from samekind.training.network import SiameseNetwork
from samekind.training.objectives import make_objective
from samekind.training.recipe import Recipe


class SiameseTraining(lightning.LightningModule):
    """Trains a Siamese network towards a recipe's objective.

    Args:
        network: Initialised.
        recipe: The settings.
        fresh: The names of the network's parameters that start from noise; they learn faster.
        total_steps: Optimizer steps of the whole run, for the learning-rate schedule.
        from_features: Batches hold cached features rather than images.
    """

    def __init__(
        self,
        network: SiameseNetwork,
        recipe: Recipe,
        fresh: set[str],
        total_steps: int,
        *,
        from_features: bool,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # twice as fast, on CPUs as on GPUs
        self.objective = make_objective(recipe.objective, recipe.margin)
        self._recipe = recipe
        self._fresh = fresh
        self._total_steps = total_steps
        self._from_features = from_features
        self._held_out: list[tuple[Tensor, Tensor]] = []

    def _embed(self, inputs: Tensor) -> Tensor:
        if self._from_features:
            return self.network.embed_features(inputs.contiguous(memory_format=torch.channels_last))
        embeddings: Tensor = self.network(inputs)
        return embeddings

    def on_train_epoch_start(self) -> None:
        """Make an epoch's dropout depend on the seed and the epoch alone, so that a resumed run repeats it."""
        entropy = np.random.SeedSequence([self._recipe.seed, self.current_epoch]).generate_state(1, np.uint64)
        torch.manual_seed(int(entropy[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One batch of P × K images to its loss."""
        del batch_idx
        inputs, labels = batch
        # The loss in full precision, whatever the network computes in.
        embeddings = self._embed(inputs).float()
        loss: Tensor = self.objective(embeddings, labels, self.network.scale, self.network.bias)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect the held-out embeddings."""
        del batch_idx
        inputs, labels = batch
        self._held_out.append((self._embed(inputs).float().cpu(), labels.cpu()))

    def on_validation_epoch_end(self) -> None:
        """The equal error rate over all pairs of held-out images."""
        embeddings = torch.cat([embeddings for embeddings, _ in self._held_out])
        labels = torch.cat([labels for _, labels in self._held_out])
        # The same images each time, evenly spread, few enough for all their pairs to fit into memory.
        kept = torch.linspace(0, len(labels) - 1, min(len(labels), MOST_IMAGES)).long()
        embeddings, labels = embeddings[kept], labels[kept]
        self._held_out.clear()
        first, second = torch.triu_indices(len(labels), len(labels), offset=1)
        similarity = (embeddings @ embeddings.T)[first, second].numpy()
        same = (labels[first] == labels[second]).numpy()
        self.log("held-out EER", equal_error_rate(similarity, same).rate, prog_bar=True)

    def configure_optimizers(self) -> Any:
        """AdamW (Loshchilov and Hutter, 2019) with one-cycle rates; norms, biases and the logit's scale stay."""
        recipe = self._recipe
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for name, parameter in self.network.named_parameters():
            if not parameter.requires_grad:
                continue
            rate = recipe.learning_rate if name in self._fresh else recipe.pretrained_learning_rate
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
        optimizer = torch.optim.AdamW(
            [{"params": p, "lr": rate, "weight_decay": decay} for (rate, decay), p in groups.items()]
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=[rate for rate, _ in groups], total_steps=self._total_steps, pct_start=0.15
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
