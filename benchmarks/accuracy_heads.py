"""Heads on the frozen trunk, trained from its features as ``samekind train`` trains them from images."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import lightning
import numpy as np
import torch
from accuracy_features import Pool
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings
from samekind.training.batches.loading import CachedViews, SiameseData
from samekind.training.batches.sampler import Batches
from samekind.training.loop.module import SiameseTraining
from samekind.training.loop.objectives import make_objective
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.whitening import whiten_head
from samekind.training.recipe import Recipe

Embed = Callable[[Pool], Embeddings]
# A pool and the numbers of those of its images that are trained on.
Part = tuple[Pool, NDArray[np.int64]]


def train_head(recipe: Recipe, parts: Sequence[Part]) -> Embed:
    """Train the head of a recipe with all stages frozen; each part is a data set with classes of its own.

    Args:
        recipe: With ``network.features = "expanded"`` and ``freezing.stages = 7``.
        parts: What to train on.

    Returns:
        The function from a pool to its embeddings.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    lightning.seed_everything(recipe.seed, verbose=False)
    features = np.concatenate([pool.features[chosen] for pool, chosen in parts])
    names = [
        (number, int(label)) for number, (pool, chosen) in enumerate(parts) for label in pool.images.labels[chosen]
    ]
    labels = np.unique(np.array(names), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    network = SiameseNetwork.of(recipe)
    sources = np.zeros(int(labels.max()) + 1, np.int64)
    sources[labels] = [number for number, _ in names]
    fresh = {"head.weight"}
    if recipe.network.head_start == "whitened":
        whiten_head(network.eval(), features, labels, sources)
        fresh = set()
    batches = partial(Batches, labels, recipe.sampler, sources=sources, seed=recipe.seed)
    data = SiameseData(CachedViews(features, labels), CachedViews(features[:64], labels[:64]), batches, cached=True)
    steps = len(data.train_dataloader())
    objective = make_objective(
        recipe.objectives, classes=int(labels.max()) + 1, dimension=recipe.network.dimension, listed=False
    )
    module = SiameseTraining(network, objective, recipe, fresh, steps_per_epoch=steps, sources=sources)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        trainer = lightning.Trainer(
            max_epochs=recipe.epochs, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0, use_distributed_sampler=False,
            default_root_dir=folder,
        )  # fmt: skip
        trainer.fit(module, data)
    network.eval()

    def embed(pool: Pool) -> Embeddings:
        with torch.inference_mode():
            rows = [
                network.embed_features(
                    torch.from_numpy(pool.features[start : start + 1024, 0].astype(np.float32))
                ).numpy()
                for start in range(0, len(pool.images), 1024)
            ]
        return np.concatenate(rows)

    return embed
