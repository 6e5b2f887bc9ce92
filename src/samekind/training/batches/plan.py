"""What a run's batches are made of, known before anything is computed; and making them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import stratified_holdout
from samekind.progress import Progress, stage_counter
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.cache import cache_size, cached_features, frozen_stages
from samekind.training.batches.loading import AugmentedImages, CachedViews, SiameseData
from samekind.training.batches.sampler import Batches, sources_of
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.split import Parts


@dataclass(frozen=True)
class BatchPlan:
    """Which images the training loop sees, and how.

    Attributes:
        parts: The images of the run.
        recipe: The settings.
        watched: Held-out images to look at after each epoch.
        calibration: Held-out images for probabilities and thresholds.
        sources: int64 (C,), the data set of each class; all 0 but with ``sampler.apart``.
        steps: Steps of an epoch.
    """

    parts: Parts
    recipe: Recipe
    watched: LabelledImages
    calibration: LabelledImages
    sources: NDArray[np.int64]
    steps: int

    @classmethod
    def of(cls, recipe: Recipe, parts: Parts, *, in_folders: bool = True) -> BatchPlan:
        """The plan of a run.

        Args:
            recipe: The settings.
            parts: The images of the run.
            in_folders: They lie in one folder of class folders, and so are one data set; a list may hold several.

        Raises:
            TrainingError: The training images do not fill a batch.
            DatasetError: The held-out images are too few to be divided.
        """
        watched, calibration = for_stopping(parts, recipe)
        several = recipe.sampler.apart and parts.items is None and not in_folders
        sources = sources_of(parts.train) if several else np.zeros(len(parts.train.classes), np.int64)
        steps = len(Batches(parts.train.labels, recipe.sampler, parts.items, sources))
        return cls(parts, recipe, watched, calibration, sources, steps)

    def load(self, network: SiameseNetwork, run: RunFolder, report: Progress | None = None) -> SiameseData:
        """The batches: of cached features, which are computed first, where stages are frozen; else of the images.

        Args:
            network: Its frozen stages give the features.
            run: Where the features are cached.
            report: Called with (stage, done, total) while features are computed.

        Raises:
            TrainingError: There is too little room on the disk or in the shared memory.
            ImageError: An image can no longer be read.
        """
        recipe, train, size = self.recipe, self.parts.train, self.recipe.network.input_size
        augment, views = Augmentation.of(recipe), recipe.augmentation.views
        if recipe.freezing.stages == 0:
            return self._batches(AugmentedImages(train, size, augment), AugmentedImages(self.watched, size, None))
        stages = frozen_stages(network, size)
        gigabytes = cache_size(network, size, len(train) * views + len(self.watched)) / 1e9

        def cached(part: LabelledImages, name: str, views: int) -> CachedViews:
            stage = f"{name} features ({gigabytes:.1f} GB in all)"
            features = cached_features(
                stages,
                part,
                [self.parts.hashes[path] for path in part.paths],
                run.features / name,
                augment=augment,
                views=views,
                on_progress=stage_counter(report, stage, len(part)),
            )
            return CachedViews(features, part.labels)

        return self._batches(cached(train, "train", views), cached(self.watched, "held-out", 1))

    def _batches(self, train: CachedViews | AugmentedImages, held_out: CachedViews | AugmentedImages) -> SiameseData:
        cached = isinstance(train, CachedViews)
        sampler, seed = self.recipe.sampler, self.recipe.seed
        batches = partial(Batches, train.labels, sampler, self.parts.items, self.sources, seed=seed)
        return SiameseData(train, held_out, batches, cached=cached)


def for_stopping(parts: Parts, recipe: Recipe) -> tuple[LabelledImages, LabelledImages]:
    """The held-out images to look at while training, and those for probabilities and thresholds.

    They are the same, unless the run stops early: what chooses the weights must not choose their thresholds.

    Raises:
        DatasetError: There are too few held-out images to be divided.
    """
    if not recipe.early_stopping.patience:
        return parts.held_out, parts.held_out
    return stratified_holdout(parts.held_out, 0.5, recipe.seed, parts.hashes)
