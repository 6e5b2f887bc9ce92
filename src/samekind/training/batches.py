"""Which images come together in which batch: P classes × K images, or the items of a list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import Sampler

from samekind.errors import TrainingError
from samekind.training.recipe import Recipe

# (epoch, index of the image): the view of an image depends on both.
View = tuple[int, int]


class Batches(Sampler[list[View]]):
    """The batches of an epoch, in an order that depends on the seed and the epoch alone.

    So a run that goes on at step s sees what it would have seen without a break. In a run of several processes each
    gets its share of every batch, whole items of it, so that together they see what one process would.

    Args:
        labels: int64 (N,), the class of each training image.
        recipe: Gives the sampler and the seed.
        listed: int64 (M, 2 or 3), the pairs or triplets of a list, or None to take P classes × K images.
        rank: Of this process.
        processes: How many there are.

    Raises:
        TrainingError: The images do not fill a batch, or a batch cannot be divided among the processes.

    Example:
        >>> recipe = Recipe().with_settings(sampler={"classes": 2, "images": 2})
        >>> [len(batch) for batch in Batches(np.arange(12) % 3, recipe)]
        [4, 4, 4]
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        recipe: Recipe,
        listed: NDArray[np.int64] | None = None,
        *,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._labels = labels
        self._recipe = recipe
        self._rank, self._processes = rank, processes
        sampler = recipe.sampler
        self._list = listed
        if self._list is None:
            self._items = min(sampler.classes, int(labels.max()) + 1) * sampler.images
            self._steps = len(labels) // self._items
            what = f"{len(labels)} training images do not fill one batch of {self._items}"
            advice = f"--set sampler.images={max(2, len(labels) // (int(labels.max()) + 1) // 2)}"
        else:
            self._items = max(1, min(sampler.items, len(self._list)))
            self._steps = len(self._list) // self._items
            what = "the list is empty"
            advice = "--set sampler.per_class=128"
        if self._steps == 0:
            raise TrainingError(f"{what}; try {advice}")
        if self._items % processes:
            raise TrainingError(f"a batch of {self._items} cannot be divided among {processes} processes")
        self._epoch, self._first = 0, 0

    def __len__(self) -> int:
        """Steps of a whole epoch, also where the first of them are passed over."""
        return self._steps

    @property
    def sampler(self) -> Batches:
        """Itself: Lightning tells the epoch to the sampler inside a batch sampler, and to no other."""
        return self

    def go_to(self, step: int) -> None:
        """Begin at a step of the whole run rather than at its beginning."""
        self._epoch, self._first = divmod(step, self._steps)

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch (Lightning calls this); the epoch that ``go_to`` chose goes on where it said."""
        if epoch != self._epoch:
            self._epoch, self._first = epoch, 0

    def __iter__(self) -> Iterator[list[View]]:
        items = self._ordered_items()
        for step in range(self._first, self._steps):
            batch = items[step * self._items : (step + 1) * self._items]
            yield [(self._epoch, int(index)) for item in batch[self._rank :: self._processes] for index in item]

    def _ordered_items(self) -> NDArray[np.int64]:
        seed = np.random.SeedSequence([self._recipe.seed, self._epoch])
        if self._list is not None:
            return np.random.default_rng(seed).permutation(self._list)
        # MPerClassSampler draws from numpy's global generator.
        np.random.seed(seed.generate_state(1)[0])  # noqa: NPY002
        sampler = MPerClassSampler(
            self._labels,
            m=self._recipe.sampler.images,
            batch_size=self._items,
            length_before_new_iter=len(self._labels),
        )
        return np.array(list(sampler), np.int64)[:, None]
