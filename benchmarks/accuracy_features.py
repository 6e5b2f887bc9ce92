"""The images of the accuracy table and their features from the frozen trunk, computed once and kept.

A head on frozen stages then trains in seconds, so each of its variants can be trained anew for each division of the
classes into seen and unseen ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.system.hashing import content_hashes
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.cache import cached_features, frozen_stages
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.recipe import read_recipe

FOLDS = 5
_HEAD = 2304
# Classes of Tiny-ImageNet that show the same kind of thing as a class of Caltech-101, or nearly.
ALIKE = {
    "binocular": ("n02841315",),
    "car_side": ("n02814533", "n03100240", "n03670208", "n04285008"),
    "cellphone": ("n03584254", "n03902125"),
    "cougar_face": ("n02125311",),
    "crayfish": ("n01983481", "n01984695"),
    "crocodile_head": ("n01698640",),
    "ewer": ("n04560804",),
    "laptop": ("n03085013",),
    "lobster": ("n01983481", "n01984695"),
    "scorpion": ("n01770393",),
    "umbrella": ("n04507155",),
    "wild_cat": ("n02123045", "n02123394", "n02124075", "n02125311"),
}


@dataclass(frozen=True)
class Pool:
    """One data set.

    Attributes:
        images: Its images.
        hashes: SHA-256 of each.
        pooled: float16 (N, 1, 3456, 1, 1), as ``PooledTrunk`` gives them.
    """

    images: LabelledImages
    hashes: tuple[str, ...]
    pooled: NDArray[np.float16]

    @property
    def features(self) -> NDArray[np.float16]:
        """What the head of `general` gets: float16 (N, 1, 2304, 1, 1)."""
        return self.pooled[:, :, :_HEAD]

    @property
    def mean(self) -> NDArray[np.float32]:
        """The baseline, the mean of each of the last block's channels: float32 (N, 1152), unit rows."""
        return np.asarray(self.pooled[:, 0, _HEAD:, 0, 0], np.float32)

    def of(self, classes: frozenset[str]) -> NDArray[np.int64]:
        """The numbers of the images of some classes."""
        chosen = np.array([name in classes for name in self.images.classes])
        return np.flatnonzero(chosen[self.images.labels])


class PooledTrunk(SiameseNetwork):
    """The frozen trunk with both: the features that a head gets, and the plain mean of the last block's channels."""

    def features(self, images: Tensor) -> Tensor:
        """uint8 (N, S, S, 3) in; float32 (N, 3456, 1, 1) out."""
        maps = super().features(images)
        block = self.backbone.blocks[-1][-1]
        inside = block.se(block.bn2(block.conv_dw(block.bn1(block.conv_pw(maps)))))
        mean = torch.nn.functional.normalize(inside.mean((2, 3)), dim=1)
        return torch.cat([self.head_inputs(maps), mean], dim=1)[..., None, None]


@dataclass(frozen=True)
class Pools:
    """The data sets: Imagenette's two parts, Tiny-ImageNet and Caltech-101."""

    train: Pool
    val: Pool
    tiny: Pool
    caltech: Pool

    @property
    def of_general(self) -> tuple[Pool, Pool, Pool]:
        """What the model `general` is trained on."""
        return self.tiny, self.train, self.caltech

    def tiny_unlike(self, caltech: frozenset[str]) -> NDArray[np.int64]:
        """The images of Tiny-ImageNet that show nothing of some of Caltech's classes."""
        alike = {name for one in caltech for name in ALIKE.get(one, ())}
        return self.tiny.of(frozenset(self.tiny.images.classes) - alike)

    @property
    def halves(self) -> tuple[frozenset[str], frozenset[str]]:
        """Imagenette's classes at even and at odd places of the alphabet."""
        names = self.train.images.classes
        return frozenset(names[::2]), frozenset(names[1::2])

    @property
    def folds(self) -> tuple[frozenset[str], ...]:
        """Caltech's 50 classes in five groups of ten, drawn by lot once for all."""
        names = np.array(self.caltech.images.classes)
        order = np.random.default_rng(7).permutation(len(names))
        return tuple(frozenset(names[order[start::FOLDS]].tolist()) for start in range(FOLDS))


def read_pools(data: Path, init: str, work: Path) -> Pools:
    """Compute, or read, the features of all images.

    Args:
        data: The folder with ``imagenette2-224``, ``tiny-imagenet-90`` and ``caltech101-a``.
        init: As ``samekind train --init``.
        work: Where to keep them.
    """
    recipe = read_recipe("general")
    network = PooledTrunk.of(recipe.with_settings(freezing={"stages": 6})).eval()
    initialise(network, init)
    stages, augment = frozen_stages(network, recipe.network.input_size), Augmentation.of(recipe)

    def pool(folder: Path) -> Pool:
        images = read_class_folders(folder)
        by_path, unreadable = content_hashes(images.paths)
        if unreadable:
            raise SystemExit("\n".join(unreadable))
        hashes = tuple(by_path[path] for path in images.paths)
        kept = work / "features" / f"{folder.parent.name}-{folder.name}"

        def on_progress(done: int) -> None:
            if done % 2048 == 0 or done == len(images):
                print(f"{folder}: {done:,} of {len(images):,}", flush=True)

        features = cached_features(stages, images, hashes, kept, augment=augment, views=1, on_progress=on_progress)
        return Pool(images, hashes, features)

    imagenette = data / "imagenette2-224"
    return Pools(
        pool(imagenette / "train"),
        pool(imagenette / "val"),
        pool(data / "tiny-imagenet-90"),
        pool(data / "caltech101-a"),
    )
