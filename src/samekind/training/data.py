"""Batches for training: P classes × K images each, from cached features or from the images themselves."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.samplers import MPerClassSampler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from samekind.datasets.folders import LabelledImages
from samekind.images import load_image
from samekind.training.augment import Augmentation
from samekind.training.features import ignore_interrupts
from samekind.training.recipe import Recipe

Batch = tuple[Tensor, Tensor]


class CachedViews(Dataset[Batch]):
    """Item i: one view of image i as cached features, float32 (C, H, W), and its class.

    Each epoch shows each image in another view.
    """

    def __init__(self, features: NDArray[np.float16], labels: NDArray[np.int64]) -> None:
        self._features = features
        self._labels = labels
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Batch:
        # A different offset for each image, so that a batch mixes views.
        view = (self.epoch + index) % self._features.shape[1]
        features = torch.from_numpy(self._features[index, view].astype(np.float32))
        return features, torch.tensor(self._labels[index])


class AugmentedImages(Dataset[Batch]):
    """Item i: a random view of image i, uint8 (S, S, 3), and its class."""

    def __init__(self, images: LabelledImages, size: int, seed: int, *, augment: bool) -> None:
        self._images = images
        self._size = size
        self._augment = Augmentation(size, seed)
        self._random = augment
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Batch:
        pixels = load_image(self._images.paths[index], self._size)
        if self._random:
            pixels = self._augment(pixels, index, 2 + self.epoch)
        return torch.from_numpy(pixels.copy()), torch.tensor(self._images.labels[index])


class PKData(lightning.LightningDataModule):
    """The training batches (P × K) and the held-out batches (in order) of a run.

    Args:
        train: Training items.
        train_labels: int64 (N,), their classes.
        held_out: Held-out items.
        recipe: Gives P, K and the seed.
        workers: Processes that load; 0 where items come from a memory-mapped file.
    """

    def __init__(
        self,
        train: CachedViews | AugmentedImages,
        train_labels: NDArray[np.int64],
        held_out: CachedViews | AugmentedImages,
        recipe: Recipe,
        *,
        workers: int,
    ) -> None:
        super().__init__()
        self._train = train
        self._train_labels = train_labels
        self._held_out = held_out
        self._recipe = recipe
        self._workers = workers

    def train_dataloader(self) -> DataLoader[Batch]:
        """Called at each epoch (see ``Trainer(reload_dataloaders_every_n_epochs=1)``): new views, a new order.

        The order depends on the seed and the epoch alone, so a resumed run sees what an uninterrupted one sees.
        """
        epoch = self.trainer.current_epoch if self.trainer else 0
        self._train.epoch = epoch
        classes = int(self._train_labels.max()) + 1
        per_class = self._recipe.images_per_class
        sampler = MPerClassSampler(
            self._train_labels,
            m=per_class,
            batch_size=min(self._recipe.classes_per_batch, classes) * per_class,
            length_before_new_iter=len(self._train_labels),
        )
        # MPerClassSampler draws from numpy's global generator.
        np.random.seed(np.random.SeedSequence([self._recipe.seed, epoch]).generate_state(1)[0])  # noqa: NPY002
        return self._loader(self._train, sampler=list(sampler), drop_last=True, batch_size=sampler.batch_size)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The held-out images, each once, without augmentation."""
        return self._loader(self._held_out, batch_size=64)

    def _loader(self, dataset: Dataset[Batch], **arguments: Any) -> DataLoader[Batch]:
        return DataLoader(
            dataset,
            num_workers=self._workers,
            worker_init_fn=ignore_interrupts,
            persistent_workers=False,
            pin_memory=torch.cuda.is_available(),
            **arguments,
        )
