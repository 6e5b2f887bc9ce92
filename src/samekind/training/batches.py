"""Which images come together in which batch: P classes × K images, or the items of a list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import Sampler

from samekind.datasets.folders import LabelledImages
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
        sources: int64 (N,), the data set of each image, as ``sources_of`` gives it, for ``sampler.apart``.
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
        sources: NDArray[np.int64] | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._labels = labels
        self._recipe = recipe
        self._rank, self._processes = rank, processes
        sampler = recipe.sampler
        self._list = listed
        # The images of each data set that has its own batches; otherwise all together.
        self._groups = [np.arange(len(labels))]
        if sampler.apart and sources is not None:
            self._groups = [np.flatnonzero(sources == source) for source in np.unique(sources)]
        if self._list is None:
            most = max(len(np.unique(labels[group])) for group in self._groups)
            self._items = min(sampler.classes, most) * sampler.images
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
        for items in {self._items} if listed is not None else {np.prod(self._shape(group)) for group in self._groups}:
            if items % processes:
                raise TrainingError(f"a batch of {items} cannot be divided among {processes} processes")
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
        for batch in self._batches()[self._first :]:
            yield [(self._epoch, int(index)) for item in batch[self._rank :: self._processes] for index in item]

    def _batches(self) -> list[NDArray[np.int64]]:
        """The batches of an epoch, each its items: int64 (items, 1, 2 or 3)."""
        seed = np.random.SeedSequence([self._recipe.seed, self._epoch])
        if self._list is not None:
            order = np.random.default_rng(seed).permutation(self._list)
            return [order[step * self._items : (step + 1) * self._items] for step in range(self._steps)]
        # MPerClassSampler draws from numpy's global generator.
        np.random.seed(seed.generate_state(1)[0])  # noqa: NPY002
        # The data sets take turns, so that each has as many batches, however many images it has; an epoch goes on with
        # the turn at which the one before ended.
        turns = (np.arange(self._steps) + self._epoch * self._steps) % len(self._groups)
        batches = [self._batches_of(group) for group in self._groups]
        return [batches[turn].pop() for turn in turns]

    def _batches_of(self, group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        classes, images = self._shape(group)
        items = classes * images
        needed = -(-self._steps // len(self._groups)) * items
        sampler = MPerClassSampler(
            self._labels[group], m=images, batch_size=items, length_before_new_iter=max(len(group), needed)
        )
        order = group[np.array(list(sampler), np.int64)][:, None]
        # Last first, for they are taken from the end.
        return [order[start : start + items] for start in range(0, len(order) - items + 1, items)][::-1]

    def _shape(self, group: NDArray[np.int64]) -> tuple[int, int]:
        """P and K of the batches from some of the images: of fewer classes more images each."""
        classes = min(self._recipe.sampler.classes, len(np.unique(self._labels[group])))
        return classes, self._items // classes


def sources_of(images: LabelledImages) -> NDArray[np.int64]:
    """Which data set each image is of: of a manifest, by the folder in which its class folder lies.

    A folder of class folders is one data set. So are, together, those of a manifest that hold fewer than two classes,
    and would have nothing to tell apart.

    Example:
        >>> from pathlib import Path
        >>> paths = tuple(map(Path, ["a/cat/1.jpg", "a/dog/1.jpg", "b/cat/1.jpg", "b/dog/1.jpg", "c/cat/1.jpg"]))
        >>> sources_of(LabelledImages(Path("all.csv"), paths, np.array([0, 1, 0, 1, 0]), ("cat", "dog"))).tolist()
        [0, 0, 1, 1, 0]
    """
    if images.root.is_dir():
        return np.zeros(len(images), np.int64)
    folders = np.array([str(path.parent.parent) for path in images.paths])
    for folder in np.unique(folders):
        if len(np.unique(images.labels[folders == folder])) < 2:
            folders[folders == folder] = ""
    names, sources = np.unique(folders, return_inverse=True)
    # The odd ones come last, and with too few classes even together they go with the first.
    odd = sources == 0 if names[0] == "" else np.zeros(len(sources), np.bool_)
    sources = np.where(odd, len(names), sources)
    if len(np.unique(images.labels[odd])) < 2 and not odd.all():
        sources = np.where(odd, sources[~odd].min(), sources)
    return np.unique(sources, return_inverse=True)[1].astype(np.int64)
