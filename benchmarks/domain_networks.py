"""Networks of the recipe `general` that know nothing of one domain, from the frozen trunk's features.

A domain is left out whole, with everything that is cut from it; so what such a network makes of the domain's pictures
is what `general` makes of pictures of a kind that it does not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from accuracy_features import Pool
from accuracy_heads import Embed, Part, train_head
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.datasets.manifest import HELD_OUT, TRAIN, write_manifest
from samekind.inference.similarity import Embeddings
from samekind.system.hashing import content_hashes
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.cache import cached_features, frozen_stages
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.recipe import Recipe
from samekind.training.recipe.reading import read_recipe

# What `general` is trained on: the name of each domain, its folder, and what cards call it.
TRAINED_ON = {
    "imagenette": ("imagenette2-224/train", "ten everyday kinds (Imagenette)"),
    "tiny": ("tiny-imagenet-90", "small pictures of many kinds (Tiny-ImageNet)"),
    "caltech": ("caltech101-a", "everyday objects (Caltech-101)"),
    "birds": ("birds-524", "birds"),
    "grocery": ("grocery-81", "groceries"),
}
# Where its pictures are measured, if those are others.
MEASURED_ON = {"imagenette": "imagenette2-224/val"}
# Classes with fewer images than this have none to spare.
_FEWEST_TO_HOLD_OUT = 8
_FOLDS = 5

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Networks:
    """The features of all images, and networks trained from them when they are asked for, once.

    Attributes:
        train: What is trained on, by domain.
        measured: What is measured, by domain.
        work: Where features and embeddings are kept.
    """

    train: Mapping[str, Pool]
    measured: Mapping[str, Pool]
    work: Path
    _trained: dict[str, Embed] = field(default_factory=dict)

    def without(self, domain: str, of: str | None = None) -> Embeddings:
        """What a network that was trained without a domain makes of its pictures, or of another's: float32 (N, D)."""
        others: list[Part] = [(pool, _all(pool)) for name, pool in self.train.items() if name != domain]
        pool = self.measured[of or domain]
        path = self.work / "embeddings" / f"{of or domain}-without-{domain}-{_key(others, pool)}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if domain not in self._trained:
                print(f"training without {domain}", flush=True)
                self._trained[domain] = train_head(recipe(), others)
            np.save(path, self._trained[domain](pool))
        embeddings: Embeddings = np.load(path)
        return embeddings

    def everyday_classes(self) -> list[tuple[Embeddings, Labels]]:
        """Five times ten of Caltech's classes, as the network without Caltech-101 sees them, and their labels."""
        caltech, embeddings = self.measured["caltech"], self.without("caltech")
        folds = [caltech.of(fold) for fold in self.everyday_folds()]
        return [
            (embeddings[fold], np.unique(caltech.images.labels[fold], return_inverse=True)[1].astype(np.int64))
            for fold in folds
        ]

    def everyday_folds(self) -> list[frozenset[str]]:
        """Caltech's classes in five groups of ten, drawn by lot once for all."""
        names = np.array(self.measured["caltech"].images.classes)
        order = np.random.default_rng(7).permutation(len(names))
        return [frozenset(names[order[start::_FOLDS]].tolist()) for start in range(_FOLDS)]


def recipe() -> Recipe:
    """The recipe ``general``."""
    return read_recipe("general")


def read_networks(
    data: Path, init: str, work: Path, measured_on: Mapping[str, str] = MappingProxyType(MEASURED_ON)
) -> Networks:
    """Compute, or read, the features of all images.

    Args:
        data: The folder that holds those of ``TRAINED_ON``.
        init: The pretrained trunk, as ``samekind train --init`` takes it.
        work: Where to keep them.
        measured_on: The folders of the domains that are measured on other pictures than are trained on.
    """
    network = SiameseNetwork.of(recipe()).eval()
    initialise(network, init)
    stages, augment = frozen_stages(network, recipe().network.input_size), Augmentation.of(recipe())

    def pool(folder: str) -> Pool:
        images = read_class_folders(data / folder)
        by_path, unreadable = content_hashes(images.paths)
        if unreadable:
            raise SystemExit("\n".join(unreadable))
        hashes = tuple(by_path[path] for path in images.paths)

        def on_progress(done: int) -> None:
            if done % 1024 == 0 or done == len(images):
                print(f"{folder}: {done:,} of {len(images):,}", flush=True)

        kept = work / "head-features" / folder.replace("/", "-")
        features = cached_features(stages, images, hashes, kept, augment=augment, views=1, on_progress=on_progress)
        return Pool(images, hashes, features)

    train = {name: pool(folder) for name, (folder, _) in TRAINED_ON.items()}
    measured = train | {name: pool(folder) for name, folder in measured_on.items()}
    return Networks(train, measured, work)


def write_list(train: Mapping[str, Pool], path: Path) -> None:
    """A manifest of all images of `general`; two of each class of many are held out, as every run needs some."""
    parts: dict[str, list[LabelledImages]] = {TRAIN: [], HELD_OUT: []}
    classes = tuple(sorted({name for pool in train.values() for name in pool.images.classes}))
    for pool in train.values():
        labels = np.array([classes.index(name) for name in pool.images.classes])[pool.images.labels]
        images = LabelledImages(path, pool.images.paths, labels, classes)
        hashes = np.array(pool.hashes)
        spared: set[str] = set()
        for label in np.unique(pool.images.labels):
            own = np.unique(hashes[pool.images.labels == label])
            spared |= set(own[:2].tolist()) if len(own) >= _FEWEST_TO_HOLD_OUT else set()
        held_out = np.isin(hashes, sorted(spared))
        parts[HELD_OUT].append(images.subset(np.flatnonzero(held_out)))
        parts[TRAIN].append(images.subset(np.flatnonzero(~held_out)))
    joined = {
        split: LabelledImages(
            path, tuple(p for one in some for p in one.paths), np.concatenate([one.labels for one in some]), classes
        )
        for split, some in parts.items()
    }
    write_manifest(path, joined)


def _key(parts: list[Part], pool: Pool) -> str:
    """Of all that embeddings come from, so that those kept are never another network's, or of other pictures."""
    digest = hashlib.sha256(recipe().model_dump_json().encode())
    for one, chosen in [*parts, (pool, _all(pool))]:
        digest.update(one.features[chosen].tobytes() + one.images.labels[chosen].tobytes())
    return digest.hexdigest()[:16]


def _all(pool: Pool) -> Labels:
    return np.arange(len(pool.images))
