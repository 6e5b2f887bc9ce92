"""Splitting labelled images so that nothing is on both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError
from samekind.system.hashing import content_hash


def refuse_shared_images(train: LabelledImages, test: LabelledImages, hashes: Mapping[Path, str] | None = None) -> None:
    """Make sure that no file is, byte for byte, in both.

    Args:
        train: One side: to train on, or to fit thresholds on.
        test: The other.
        hashes: SHA-256 of files, where they are known already; others are read.

    Raises:
        DatasetError: One is; the message names it on both sides.
    """
    trained_on = {_hash(path, hashes): path for path in train.paths}
    for path in test.paths:
        if twin := trained_on.get(_hash(path, hashes)):
            raise DatasetError(
                f"{path} is the same image as {twin}: what is trained or calibrated on cannot be tested on; remove one"
            )


def stratified_holdout(
    images: LabelledImages,
    fraction: float,
    seed: int,
    hashes: Mapping[Path, str] | None = None,
    *,
    keep: int = 2,
) -> tuple[LabelledImages, LabelledImages]:
    """Hold out a fraction of each class. Files with the same hash always land on the same side.

    Images that are in more than one class are kept: they could only blur a measurement.

    Args:
        images: What to split.
        fraction: The share of each class to hold out, in (0, 1); at least two images of each class are.
        seed: The same seed and files give the same split on every machine.
        hashes: SHA-256 of files, where they are known already; others are read. Copies may be given one name instead.
        keep: How many different images of each class must be kept: more, where they are to be split again.

    Returns:
        The images kept, and the images held out.

    Raises:
        DatasetError: A class has too few different images of its own to give two and keep as many as it must.
    """
    rng = np.random.default_rng(seed)
    digests = [_hash(path, hashes) for path in images.paths]
    classes_of: dict[str, set[int]] = defaultdict(set)
    for digest, label in zip(digests, images.labels, strict=True):
        classes_of[digest].add(int(label))
    held: set[str] = set()
    for label, name in enumerate(images.classes):
        groups = Counter(digests[i] for i in np.flatnonzero(images.labels == label) if len(classes_of[digests[i]]) == 1)
        if len(groups) < keep + 2:
            raise DatasetError(
                f"class {name!r} has {len(groups)} different images of its own; at least {keep + 2} are needed, "
                f"two to hold out and {keep} to keep"
            )
        wanted = max(2, round(fraction * sum(groups.values())))
        taken = 0
        # Sorted by hash before shuffling: file names and their order do not change the split.
        for different, digest in enumerate(rng.permutation(sorted(groups))):
            if different >= 2 and (taken >= wanted or len(groups) - different <= keep):
                break
            held.add(str(digest))
            taken += groups[str(digest)]
    is_held: NDArray[np.bool_] = np.array([digest in held for digest in digests])
    return images.subset(np.flatnonzero(~is_held)), images.subset(np.flatnonzero(is_held))


def _hash(path: Path, known: Mapping[Path, str] | None) -> str:
    return content_hash(path) if known is None or path not in known else known[path]
