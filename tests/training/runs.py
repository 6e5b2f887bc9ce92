"""Small training runs, and what tests ask of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from samekind.datasets.folders import LabelledImages
from samekind.model_file.card import Card
from samekind.progress import Progress
from samekind.training import train as spine
from samekind.training.batches.plan import BatchPlan
from samekind.training.images import list_images, list_source
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import starting_network
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import Parts, keep_split, read_split, split_images

TINY = Recipe().with_settings(
    epochs=2,
    network={"input_size": 32},
    augmentation={"views": 2},
    sampler={"classes": 4, "images": 4},
    holdout={"calibration": 0.3, "test": 0.0},
)
# timm's own test network: 0.4 million parameters, batch norms and all.
SMALL = TINY.with_settings(
    epochs=3, network={"backbone": "test_resnet", "dimension": 16, "dropout": 0.2}, freezing={"stages": 2}
)


@dataclass(frozen=True)
class Trained:
    settings: RunSettings
    run: Path
    card: Card
    stages: list[tuple[str, int, int]]

    @property
    def steps_per_epoch(self) -> int:
        total = next(total for stage, _, total in self.stages if stage == "training steps")
        return total // self.settings.recipe.epochs


def run_training(settings: RunSettings, run: Path, **arguments: Any) -> Trained:
    stages: list[tuple[str, int, int]] = []
    card = train(settings, run, report=lambda *stage: stages.append(stage), **arguments)
    return Trained(settings, run, card, stages)


def train(settings: RunSettings, run: Path, *, resume: bool = False, **arguments: Any) -> Card:
    """As ``samekind.train``, with all that a run can be told."""
    return spine.train(settings, RunFolder(run), list_images(settings, resume=resume), **arguments)


def split_folder(source: Path, recipe: Recipe, *, exclude: Sequence[str] = (), report: Progress | None = None) -> Parts:
    """The parts of a folder, or of a list."""
    return split_images(list_source(source, recipe, exclude), recipe, on_progress=report)


def assert_same_weights(one: Path, other: Path) -> None:
    """The weights that two runs ended with are the same to the bit."""
    weights, others = load_file(one / "network.safetensors"), load_file(other / "network.safetensors")
    assert weights.keys() == others.keys()
    different = [name for name, value in weights.items() if not np.array_equal(value.numpy(), others[name].numpy())]
    assert not different


@dataclass(frozen=True)
class Fitted:
    """What is there before the export: the trained network, and the images to calibrate it on."""

    network: SiameseNetwork
    calibration: LabelledImages


def fit_only(settings: RunSettings, path: Path, report: Progress | None = None) -> Fitted:
    """As ``train`` does, but without exporting, calibrating and writing; goes on with a run that is there."""
    run = RunFolder(path)
    start = starting_network(settings.recipe, settings.init)
    if run.has_begun:
        parts = read_split(run)
    else:
        parts = split_folder(settings.folder, settings.recipe)
        run.begin(settings, "{}")
        keep_split(parts, run)
    plan = BatchPlan.of(settings.recipe, parts, in_folders=settings.folder.is_dir())
    spine.cache_and_fit(start, plan, run, settings.loggers, report=report)
    return Fitted(start.network, plan.calibration)


def manifest_of_two_folders(classes: Path, to: Path) -> Path:
    """Copy class folders, the first half of them into one folder and the others into another, and list the images."""
    lines = ["path,label"]
    folders = sorted(classes.iterdir())
    for number, folder in enumerate(folders):
        home = to / "ab"[number // (len(folders) // 2)] / folder.name
        shutil.copytree(folder, home)
        lines += [f"{image},{folder.name}" for image in sorted(home.rglob("*.png"))]
    manifest = to / "all.csv"
    manifest.write_text("\n".join(lines))
    return manifest
