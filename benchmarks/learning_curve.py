"""What more images, and more classes, would bring: heads trained on a part of what there is, about as long as on all.

Two curves, each printed as a table with 95 % intervals:

- known classes: a linear head on the frozen trunk, as in the rows "objective" of BENCHMARKS.md, on a share of each of
  Imagenette's classes; all pairs of its validation images, intervals over images;
- new classes: the recipe `general` on a share of Tiny-ImageNet's classes, with Imagenette and forty of Caltech-101's
  fifty classes beside them; all pairs of the other ten, the mean of five times ten, intervals over classes. What all of
  Tiny-ImageNet's classes give is the row `general` of BENCHMARKS.md.

python benchmarks/learning_curve.py DATA INIT [--curve known] [--work runs/accuracy]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from accuracy_features import Pool, Pools, read_pools
from accuracy_heads import train_head
from accuracy_measure import Measured, calibrations_of, mean, new_classes, seen_classes
from accuracy_rows import divide, linear_head
from accuracy_table import table
from numpy.typing import NDArray

from samekind.evaluation.metrics.metric import AUC, EER, accuracy_at
from samekind.training.recipe import Recipe, read_recipe

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


def known_classes(pools: Pools, loss: str) -> dict[str, Measured]:
    """Imagenette's validation images after training on a share of the others; thresholds from the same eighth."""
    fitted, held_out = divide(pools.train)
    found = {}
    for share in SHARES:
        some = _share_of_each_class(pools.train, fitted, share)
        recipe = _as_long(linear_head(loss), len(some), len(fitted))
        embed = train_head(recipe, [(pools.train, some)])
        calibrations = calibrations_of(embed(pools.train), pools.train, held_out)
        found[f"{loss}, {len(some):,} images"] = seen_classes(embed(pools.val), pools.val, calibrations)
    return found


def classes_not_trained_on(pools: Pools) -> dict[str, Measured]:
    """Caltech's classes that are not trained on, with more and more of Tiny-ImageNet's."""
    names = np.random.default_rng(0).permutation(pools.tiny.images.classes)
    caltech = frozenset(pools.caltech.images.classes)
    found = {}
    for share in SHARES[1:-1]:
        chosen = frozenset(names[: round(share * len(names))].tolist())
        folds = []
        for fold in pools.folds:
            every_tiny = pools.tiny_unlike(fold)
            tiny = np.intersect1d(every_tiny, pools.tiny.of(chosen))
            imagenette = np.arange(len(pools.train.images))
            others = [(pools.train, imagenette), (pools.caltech, pools.caltech.of(caltech - fold))]
            beside = sum(len(images) for _, images in others)
            recipe = _as_long(read_recipe("general"), len(tiny) + beside, len(every_tiny) + beside)
            embed = train_head(recipe, [(pools.tiny, tiny), *others])
            folds.append(new_classes(embed(pools.caltech), pools.caltech, fold))
        found[f"{len(chosen)} classes of Tiny-ImageNet"] = mean(folds)
    return found


def _share_of_each_class(pool: Pool, images: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """The same images are in every larger share, too."""
    images = np.random.default_rng(0).permutation(images)
    labels = pool.images.labels[images]
    parts = [images[labels == label] for label in np.unique(labels)]
    return np.sort(np.concatenate([part[: max(2, round(share * len(part)))] for part in parts]))


def _as_long(recipe: Recipe, images: int, of: int) -> Recipe:
    """More epochs of fewer images, so that the steps are about as many (whole batches and whole epochs)."""
    return recipe.with_settings(epochs=round(recipe.epochs * of / images))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init")
    parser.add_argument("--curve", choices=("known", "new"), help="one of them; both unless told")
    parser.add_argument("--work", type=Path, default=Path("runs/accuracy"))
    arguments = parser.parse_args()
    pools = read_pools(arguments.data, arguments.init, arguments.work)
    eer = ("EER", ("pairs", EER), 100)
    if arguments.curve != "new":
        known = known_classes(pools, "pairs") | known_classes(pools, "multi-similarity")
        print(table(known, (("accuracy", ("pairs", accuracy_at("balanced")), 1), eer)), flush=True)
    if arguments.curve != "known":
        print(table(classes_not_trained_on(pools), (("AUC", ("pairs", AUC), 1), eer)))


if __name__ == "__main__":
    main()
