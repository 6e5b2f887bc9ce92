"""Training and held-out batches as tensors, from cached features or from the images themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from samekind.datasets.folders import LabelledImages
from samekind.errors import ImageError
from samekind.images import load_image
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.sampler import Batches, View
from samekind.training.batches.workers import AHEAD, TIMEOUT, ignore_interrupts, refuse_small_shared_memory

Batch = tuple[Tensor, Tensor]
_HELD_OUT_BATCH = 64


class CachedViews(Dataset[Batch]):
    """Item (e, i): one view of image i as cached features, float32 (C, H, W), and its class.

    Each epoch shows each image in another view.
    """

    def __init__(self, features: NDArray[np.float16], labels: NDArray[np.int64]) -> None:
        self.features = features
        self.labels = labels

    @property
    def item_bytes(self) -> int:
        """Bytes of one item."""
        return 4 * int(np.prod(self.features.shape[2:]))

    def __getitem__(self, view: View) -> Batch:
        epoch, index = view
        # A different offset for each image, so that a batch mixes views.
        number = (epoch + index) % self.features.shape[1]
        features = torch.from_numpy(self.features[index, number].astype(np.float32))
        return features, torch.tensor(self.labels[index])


class AugmentedImages(Dataset[Batch | ImageError]):
    """Item (e, i): image i as it is or, with ``augment``, a new random view of it; uint8 (S, S, 3), and its class.

    An image that cannot be read is given as its error, for a worker process could not raise it as it is.
    """

    def __init__(self, images: LabelledImages, size: int, augment: Augmentation | None) -> None:
        self._images = images
        self._size = size
        self._augment = augment
        self.labels = images.labels

    @property
    def item_bytes(self) -> int:
        """Bytes of one item."""
        return 3 * self._size**2

    def __getitem__(self, view: View) -> Batch | ImageError:
        epoch, index = view
        try:
            pixels = load_image(self._images.paths[index], self._size)
        except ImageError as error:
            return error
        if self._augment:
            pixels = self._augment(pixels, index, 2 + epoch)
        return torch.from_numpy(pixels.copy()), torch.tensor(self.labels[index])


class SiameseData(lightning.LightningDataModule):
    """The training batches and the held-out batches of a run, this process's share of each.

    Args:
        train: Training items.
        held_out: Held-out items.
        batches: Makes the batches of a process, of its ``rank`` and how many ``processes`` there are.
        cached: Items come from a memory-mapped file, so that one process loads them fast enough.
    """

    def __init__(
        self,
        train: CachedViews | AugmentedImages,
        held_out: CachedViews | AugmentedImages,
        batches: Callable[..., Batches],
        *,
        cached: bool,
    ) -> None:
        super().__init__()
        self._train = train
        self._held_out = held_out
        self._batches = batches
        self._workers = 1 if cached and not torch.cuda.is_available() else min(16, os.cpu_count() or 1)

    @property
    def train_features(self) -> NDArray[np.float16]:
        """The cached features of the training images, float16 (N, V, C, H, W)."""
        assert isinstance(self._train, CachedViews)  # what needs them has frozen stages
        return self._train.features

    def train_dataloader(self) -> DataLoader[Batch]:
        """Goes on at the trainer's step, which is not 0 in a run that is resumed."""
        trainer = self.trainer
        rank, processes, step = (trainer.global_rank, trainer.world_size, trainer.global_step) if trainer else (0, 1, 0)
        batches = self._batches(rank=rank, processes=processes)
        batches.go_to(step)
        return self._loader(self._train, batches.size, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The held-out images, each once, without augmentation."""
        rank, processes = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        share = [(0, index) for index in range(rank, len(self._held_out.labels), processes)]
        return self._loader(self._held_out, _HELD_OUT_BATCH, sampler=share, batch_size=_HELD_OUT_BATCH)

    def _loader(self, dataset: CachedViews | AugmentedImages, size: int, **arguments: Any) -> DataLoader[Batch]:
        # One more is in use when all others wait.
        refuse_small_shared_memory((AHEAD * self._workers + 1) * size * dataset.item_bytes)
        items: Dataset[Any] = dataset
        return DataLoader(
            items,
            num_workers=self._workers,
            prefetch_factor=AHEAD,
            timeout=TIMEOUT,
            worker_init_fn=ignore_interrupts,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
            **arguments,
        )


def _collate(items: Iterable[Batch | ImageError]) -> Batch | ImageError:
    items = list(items)
    for item in items:
        if isinstance(item, ImageError):
            return item
    batch: Batch = tuple(default_collate(items))
    return batch
