"""Which images come together in which batch: P classes × K images, or the items of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import Sampler

from samekind.datasets.folders import LabelledImages
from samekind.errors import TrainingError
from samekind.training.recipe.sections import SamplerSection

# (epoch, index of the image): the view of an image depends on both.
View = tuple[int, int]


class Batches(Sampler[list[View]]):
    """The batches of an epoch, in an order that depends on the seed and the epoch alone.

    So a run that goes on at step s sees what it would have seen without a break. In a run of several processes each
    gets its share of every batch, whole items of it, so that together they see what one process would.

    Args:
        labels: int64 (N,), the class of each training image.
        sampler: P, K and the length of a batch of a list.
        listed: int64 (M, 2 or 3), the pairs or triplets of a list, or None to take P classes × K images.
        sources: int64 (C,), the data set of each class: a batch takes P × K of each.
        seed: Decides the order.
        rank: The number of this process.
        processes: How many there are.

    Raises:
        TrainingError: The images do not fill a batch, or a batch cannot be divided among the processes.

    Example:
        >>> [len(batch) for batch in Batches(np.arange(12) % 3, SamplerSection(classes=2, images=2))]
        [4, 4, 4]
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        sampler: SamplerSection,
        listed: NDArray[np.int64] | None = None,
        sources: NDArray[np.int64] | None = None,
        *,
        seed: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._labels = labels
        self._seed = seed
        self._rank, self._processes = rank, processes
        self._list = listed
        of_image = np.zeros_like(labels) if sources is None else sources[labels]
        self._groups = [np.flatnonzero(of_image == source) for source in np.unique(of_image)]
        if self._list is None:
            present = [len(np.unique(labels[group])) for group in self._groups]
            # Of fewer classes more images each.
            items = min(sampler.classes, max(present)) * sampler.images
            self._shapes = [(min(sampler.classes, own), items // min(sampler.classes, own)) for own in present]
            self._items = sum(classes * images for classes, images in self._shapes)
            self._steps = len(labels) // self._items
            what = f"{len(labels)} training images do not fill one batch of {self._items}"
            advice = f"--set sampler.images={max(2, len(labels) // (int(labels.max()) + 1) // 2)}"
            if len(present) > 1:
                what += f", as much of each of {len(present)} folders of class folders"
                advice = "--set sampler.apart=false"
        else:
            self._items = max(1, min(sampler.items, len(self._list)))
            self._steps = len(self._list) // self._items
            what = "the list is empty"
            advice = "--set sampler.per_class=128"
        if self._steps == 0:
            raise TrainingError(f"{what}; try {advice}")
        shares = {classes * images for classes, images in self._shapes} if self._list is None else {self._items}
        for items in sorted(shares):
            if items % processes:
                raise TrainingError(f"a batch of {items} cannot be divided among {processes} processes")
        self._epoch, self._first = 0, 0

    def __len__(self) -> int:
        """Steps of a whole epoch, also where the first of them are passed over."""
        return self._steps

    @property
    def size(self) -> int:
        """Images of a batch in this process."""
        return -(-self._items // self._processes) * (1 if self._list is None else self._list.shape[1])

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
        seed = np.random.SeedSequence([self._seed, self._epoch])
        if self._list is not None:
            order = np.random.default_rng(seed).permutation(self._list)
            return [order[step * self._items : (step + 1) * self._items] for step in range(self._steps)]
        # MPerClassSampler draws from numpy's global generator.
        np.random.seed(seed.generate_state(1)[0])  # noqa: NPY002
        # One data set after the other within a batch; each has as many in every batch, however many images it has.
        parts = [self._parts(group, *shape) for group, shape in zip(self._groups, self._shapes, strict=True)]
        return [*map(np.concatenate, zip(*parts, strict=True))]

    def _parts(self, group: NDArray[np.int64], classes: int, images: int) -> list[NDArray[np.int64]]:
        """What each batch of an epoch takes from some of the images."""
        items = classes * images
        sampler = MPerClassSampler(
            self._labels[group], m=images, batch_size=items, length_before_new_iter=max(len(group), self._steps * items)
        )
        order = group[np.array(list(sampler), np.int64)][:, None]
        return [order[step * items : (step + 1) * items] for step in range(self._steps)]


def sources_of(images: LabelledImages) -> NDArray[np.int64]:
    """Which data set each class of a manifest is of: by the folder in which its class folder lies.

    That is the folder of a class's first image, and data sets are numbered in the order of their classes, so that it
    does not matter how paths are written. Folders that are left with one class, which would have nothing to tell it
    from, are one data set together.

    Args:
        images: The N images of C classes, each with at least one.

    Returns:
        int64 (C,), from 0.

    Example:
        >>> from pathlib import Path
        >>> paths = tuple(map(Path, ["a/cat/1.jpg", "a/dog/1.jpg", "b/fox/1.jpg", "b/owl/1.jpg"]))
        >>> images = LabelledImages(Path("all.csv"), paths, np.arange(4), ("cat", "dog", "fox", "owl"))
        >>> sources_of(images).tolist()
        [0, 0, 1, 1]
    """
    homes: dict[int, Path] = {}
    for path, label in zip(images.paths, images.labels.tolist(), strict=True):
        homes.setdefault(label, path.parent.parent)
    folders = [homes[label] for label in sorted(homes)]
    sizes = Counter(folders)
    numbers: dict[Path, int] = {}
    for folder in folders:
        if sizes[folder] > 1:
            numbers.setdefault(folder, len(numbers))
    # The odd ones come last; a single one goes with the first.
    odd = len(numbers) if list(sizes.values()).count(1) > 1 else 0
    return np.array([numbers.get(folder, odd) for folder in folders], np.int64)
