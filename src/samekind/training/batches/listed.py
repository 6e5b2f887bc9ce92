"""Training on a list of pairs or triplets, and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans

from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import sample_pairs, sample_triplets
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import FEWEST_ANSWERS, ListedItems
from samekind.training.recipe import Recipe


@dataclass(frozen=True)
class Listed:
    """What a list leaves of a data set.

    Attributes:
        train: The images of the items that are trained on.
        items: int64 (M, 2 or 3), these items, as indices into ``train``.
        held_out: Images of the other items that are in none of the items trained on.
        held_out_items: int64 (H, 2 or 3), the other items all of whose images are, as indices into ``held_out``.
    """

    train: LabelledImages
    items: NDArray[np.int64]
    held_out: LabelledImages
    held_out_items: NDArray[np.int64]


def draw_list(images: LabelledImages, recipe: Recipe, hashes: Mapping[Path, str]) -> Listed:
    """Draw the list of a recipe and keep some of its items for probabilities and thresholds.

    Args:
        images: To draw from.
        recipe: Its sampler says what is listed and how much of it; ``holdout.calibration`` is the share of the items
            of each class that is kept.
        hashes: SHA-256 of each image's file; an image that lies in two files is one.

    Raises:
        DatasetError: The images do not suffice.
    """
    sample = recipe.sampler
    if sample.kind == "pairs":
        items = sample_pairs(images.labels, sample.per_class, recipe.seed).images
    else:
        items = sample_triplets(images.labels, sample.per_class, recipe.seed)
    # Genuine and impostor pairs in turn, so that neither side is short of one of them.
    kind = images.labels[items[:, 0]] * 2 + (images.labels[items[:, 0]] == images.labels[items[:, 1]])
    listed = divide_list(images, items, kind, share=recipe.holdout.calibration, seed=recipe.seed, hashes=hashes)
    counts = np.bincount(listed.held_out.labels, minlength=len(images.classes))
    if counts.min() < 2:
        raise DatasetError(
            f"{images.root}: the list leaves {counts.min()} images of class {images.classes[int(counts.argmin())]!r} "
            "for calibration; two are needed: a longer list (--set sampler.per_class=...) or more of it "
            "(--set holdout.calibration=...)"
        )
    return listed


def divide_list(
    images: LabelledImages,
    items: NDArray[np.int64],
    kind: NDArray[np.int64],
    *,
    share: float,
    seed: int,
    hashes: Mapping[Path, str],
) -> Listed:
    """Keep some items of a list for probabilities and thresholds; no image is on both sides.

    Args:
        images: What the items are made of.
        items: int64 (M, 2 or 3), indices into them.
        kind: int64 (M,), of each item.
        share: Of each kind, how much is kept.
        seed: Decides which.
        hashes: As ``draw_list``.
    """
    rng = np.random.default_rng(seed)
    kept = np.zeros(len(items), np.bool_)
    for value in np.unique(kind):
        of_kind = rng.permutation(np.flatnonzero(kind == value))
        kept[of_kind[: round(share * len(of_kind))]] = True
    trained = np.unique(items[~kept])
    seen = {hashes[images.paths[i]] for i in trained}
    held_out = np.array([i for i in np.unique(items[kept]) if hashes[images.paths[i]] not in seen], np.int64)
    whole = items[kept][np.isin(items[kept], held_out).all(axis=1)]
    return Listed(
        images.subset(trained),
        np.searchsorted(trained, items[~kept]),
        images.subset(held_out),
        np.searchsorted(held_out, whole),
    )


def divide_answered(
    listed: ListedItems, share: float, seed: int, hashes: Mapping[Path, str], identities: Mapping[Path, str]
) -> tuple[Listed, list[str]]:
    """What to train on and what to hold out. Classes are the groups that are known to be alike.

    Args:
        listed: The answered pairs.
        share: How much of either answer is held out.
        seed: Decides which.
        hashes: Of the images that can be read; pairs with others are left out.
        identities: A name for each image that its copies share.

    Returns:
        The two sides; and what a person should know.

    Raises:
        DatasetError: Too few answers are left to calibrate by.
    """
    notes = []
    readable = np.array([path in hashes for path in listed.paths])[listed.items].all(axis=1)
    items, same = listed.items[readable], listed.same[readable]
    groups = connected(items[same], len(listed.paths))
    # Different, but both the same as a third: one of the answers is wrong, and nobody knows which.
    odd = ~same & (groups[items[:, 0]] == groups[items[:, 1]])
    if odd.any():
        first, second = (listed.paths[i] for i in items[odd][0])
        notes.append(
            f"left out: {odd.sum():,} pairs that are answered different while other answers make them the same, such "
            f"as {first} and {second}"
        )
    names = tuple(f"group {number:06}" for number in range(int(groups.max()) + 1))
    images = LabelledImages(listed.source, listed.paths, groups, names)
    divided = divide_list(images, items[~odd], same[~odd].astype(np.int64), share=share, seed=seed, hashes=identities)
    labels = divided.held_out.labels[divided.held_out_items]
    yes = int((labels[:, 0] == labels[:, 1]).sum())
    if min(yes, len(labels) - yes) < FEWEST_ANSWERS:
        raise DatasetError(
            f"{listed.source}: {yes} yes and {len(labels) - yes} no are left to hold out, for the images of the others "
            f"are trained on as well; {FEWEST_ANSWERS} of each are needed. Answer pairs of other images"
        )
    return divided, notes


def groups_known_alike(items: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which images of a list are known to show the same kind of thing, from its items and their answers alone.

    Args:
        items: int64 (M, 2 or 3), pairs or triplets: of a triplet the first two are alike.
        labels: int64 (N,), from which the answers of pairs come.

    Returns:
        int64 (N,): images that are alike, or both alike to a third, have the same number.

    Example:
        >>> groups_known_alike(np.array([[0, 1], [1, 2], [2, 3]]), np.array([5, 5, 5, 7])).tolist()
        [0, 0, 0, 1]
    """
    alike = labels[items[:, 0]] == labels[items[:, 1]]
    return connected(items[alike, :2], len(labels))


def connected(alike: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Groups of images that are alike, or both alike to a third.

    Args:
        alike: int64 (M, 2), which images are alike.
        count: N, the number of images.

    Returns:
        int64 (N,), the number of the group of each.
    """
    edges = coo_array((np.ones(len(alike)), (alike[:, 0], alike[:, 1])), shape=(count, count))
    groups: NDArray[np.int64] = connected_components(edges, directed=False)[1].astype(np.int64)
    return groups


def groups_found(embeddings: NDArray[np.float32], known: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Groups of images by how they look to a network, such that images known to be alike are in one.

    K-means; then all of a known group go where most of them are. No answers but those of the list are used.

    Args:
        embeddings: float32 (N, D), unit rows.
        known: int64 (N,), as ``groups_known_alike`` gives it.
        groups: How many; of fewer images than that, each is one.

    Returns:
        int64 (N,), the number of the group of each image.

    Example:
        >>> rows = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], np.float32)
        >>> found = groups_found(rows, np.array([0, 1, 2, 2, 3]), 2)
        >>> [bool(found[i] == found[0]) for i in range(5)]
        [True, True, False, False, False]
    """
    count = min(groups, len(np.unique(embeddings, axis=0)))
    found = KMeans(count, n_init=5, random_state=0).fit_predict(embeddings)
    votes = np.zeros((int(known.max()) + 1, count), np.int64)
    np.add.at(votes, (known, found), 1)
    chosen: NDArray[np.int64] = votes.argmax(axis=1)[known]
    return np.unique(chosen, return_inverse=True)[1].reshape(-1).astype(np.int64)
