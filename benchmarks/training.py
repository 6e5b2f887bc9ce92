"""Training on cached stages against fine-tuning the whole network end to end: images a second, and accuracy.

Both train on the same images for as many epochs, one after the other in one process; each is then measured on the
same validation images. The images a second are those of the training steps of all epochs but the first, without
validation; the second line adds the time to fill the cache, shared out over the epochs. Batches are a third of the
default recipe's for both: the whole network takes 15 GB of memory to train on 120 images at once, and 5 GB on 40.

python benchmarks/training.py IMAGENETTE INIT [--per-class 80] [--epochs 4]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.manifest import write_manifest
from samekind.training.images import list_images
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.train import train

ACCURACY = ("pairs", "accuracy@balanced")


@dataclass
class Clock:
    """Notes when each step ended, and how long the cache took."""

    steps: list[float] = field(default_factory=list)
    total: int = 0
    features: list[float] = field(default_factory=list)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """What ``train`` reports to."""
        del done
        if stage == "training steps":
            self.steps.append(time.perf_counter())
            self.total = total
        elif "features" in stage:
            self.features.append(time.perf_counter())

    def images_per_second(self, batch: int, epochs: int) -> float:
        """Over whole steps; the first of each epoch waits for validation and loaders and is left out."""
        per_epoch = self.total // epochs
        later = [np.diff(self.steps[e * per_epoch : (e + 1) * per_epoch]) for e in range(1, epochs)]
        return batch / float(np.concatenate(later).mean())

    @property
    def caching_seconds(self) -> float:
        """From the first cached image to the last."""
        return self.features[-1] - self.features[0] if self.features else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imagenette", type=Path, help="the folder with train and val")
    parser.add_argument("init", help="as samekind train --init")
    parser.add_argument("--per-class", type=int, default=80, help="training images of each class")
    parser.add_argument("--test-per-class", type=int, default=150, help="validation images of each class")
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.imagenette)
    assert dataset.test is not None
    folder = Path(tempfile.mkdtemp(prefix="samekind-benchmark-"))
    try:
        manifest = folder / "images.csv"
        parts = {
            "train": _some(dataset.train, arguments.per_class),
            "test": _some(dataset.test, arguments.test_per_class),
        }
        write_manifest(manifest, parts)
        results = {}
        for name, stages in (("cached", 5), ("end to end", 0)):
            recipe = Recipe().with_settings(epochs=arguments.epochs, freezing={"stages": stages}, sampler={"images": 4})
            results[name] = _measure(name, manifest, arguments.init, recipe, folder)
        speed = results["cached"][0] / results["end to end"][0]
        difference = results["cached"][1] - results["end to end"][1]
        print(f"cached : end to end = {speed:.1f} × images a second; accuracy {100 * difference:+.2f} points")
    finally:
        shutil.rmtree(folder)


def _some(images: LabelledImages, per_class: int) -> LabelledImages:
    rng = np.random.default_rng(0)
    kept = [rng.permutation(np.flatnonzero(images.labels == label))[:per_class] for label in range(len(images.classes))]
    return images.subset(np.sort(np.concatenate(kept)))


def _measure(name: str, manifest: Path, init: str, recipe: Recipe, folder: Path) -> tuple[float, float]:
    clock = Clock()
    run = RunFolder(folder / name.replace(" ", "-"))
    settings = RunSettings(folder=manifest, output=run.path / "trained.onnx", recipe=recipe, init=init)
    card = train(settings, run, list_images(settings), report=clock)
    batch = recipe.sampler.classes * recipe.sampler.images
    speed = clock.images_per_second(batch, recipe.epochs)
    (measured,) = (found for found in card.metrics if (found.task, found.metric) == ACCURACY)
    images = card.training.images
    with_cache = recipe.epochs * images / (recipe.epochs * images / speed + clock.caching_seconds)
    print(
        f"{name:<11} {speed:7.1f} images/s ({with_cache:.1f} with the {clock.caching_seconds:.0f} s of filling the "
        f"cache), accuracy {measured.value:.4f} [{measured.low:.4f}, {measured.high:.4f}]",
        flush=True,
    )
    return speed, measured.value


if __name__ == "__main__":
    main()
