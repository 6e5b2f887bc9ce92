"""A listed protocol, to the letter: 1,280 listed training items, 320 test items, over several seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.dataset import read_dataset, read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import sample_pairs, sample_trios
from samekind.errors import DatasetError, TrainingError
from samekind.evaluation.selection import refuse_seen
from samekind.inference.similarity import Embeddings
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.progress import Progress
from samekind.recognizer import Recognizer, load
from samekind.training.images import list_images
from samekind.training.loop.curves import draw_curves
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.processes import Machines
from samekind.training.run.settings import RunSettings
from samekind.training.train import train

TEST_ITEMS_PER_CLASS = 32

# What the project that this one grew from reached, and how it was measured.
ORIGIN: Mapping[str, str] = {
    "pairs": "0.84 on 320 test pairs",
    "trios": "0.73 on 320 trios that all had the answer 1",
}


def protocol_recipe(task: str) -> Recipe:
    """The recipe of a task: ``pairs`` or ``trios``.

    EfficientNet-B0, 128 listed items of each class, and no other image. Of the listed items, 12 % give the probability
    and the threshold rather than the weights. Only a head of nine dimensions learns, which tell ten classes apart. It
    starts whitened by the differences within the items' genuine pairs; with pairs, which tell of fewer images than
    triplets that they are alike, once more by those within the ten groups that the images then fall into. Nothing is
    known but the items, their answers, and that there are ten kinds.

    Example:
        >>> protocol_recipe("trios").sampler.kind
        'triplets'
    """
    kind, loss, whitening = {"pairs": ("pairs", "pairs", "grouped"), "trios": ("triplets", "triplet", "full")}[task]
    return Recipe().with_settings(
        network={
            "features": "expanded", "head_start": "whitened", "whitening": whitening, "dimension": 9, "dropout": 0.1,
        },
        freezing={"stages": 7},
        augmentation={"views": 3},
        # The larger rate is that of the loss's own scale and bias.
        optimizer={"lr": 3e-2, "pretrained_lr": 2e-3, "weight_decay": 0.0},
        holdout={"test": 0.0},
        sampler={"kind": kind, "items": 40, "per_class": 128},
        objectives=[{"loss": loss}],
    )  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """What one seed gave.

    Attributes:
        seed: Decided the items, training and test, and all else.
        images: How many images the training items are made of.
        items: Number of test items.
        accuracy: On them at ``balanced``; of trios the mean over both answers.
        unseen_items: Number of items of images of other classes, as many a class, or None.
        unseen: The same on these, or None.
    """

    seed: int
    images: int
    items: int
    accuracy: float
    unseen_items: int | None = None
    unseen: float | None = None


def reproduce(
    task: str,
    data: Path,
    init: str,
    folder: Path,
    *,
    seeds: Sequence[int] = range(5),
    unseen: Path | None = None,
    recipe: Recipe | None = None,
    report: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> list[Seed]:
    """Train and test once for each seed. Seeds that are done are not trained again.

    Args:
        task: ``pairs`` or ``trios``.
        data: A folder with train and val: Imagenette.
        init: Where the weights start, as ``initialise`` takes it.
        folder: For the runs, one a seed, and the picture of all curves.
        seeds: Each decides another sample of training and test items.
        unseen: Images of classes that are not trained on, to be tested on as well.
        recipe: Another than ``protocol_recipe(task)``.
        report: Called with (stage, done, total).
        note: Called with what a person should know, such as a file that was left out.

    Raises:
        DatasetError: The data have no test part, or too few images; or some of the unseen classes are among them.
        TrainingError: As ``train``.
    """
    dataset = read_dataset(data)
    test = dataset.test
    if test is None:
        raise DatasetError(
            f"{data}: the protocol needs a folder with train and val, as `samekind data imagenette` makes"
        )
    others = None if unseen is None else read_test_images(unseen)
    if others and (known := sorted(set(others.classes) & set(dataset.train.classes))):
        raise DatasetError(f"{unseen}: class {known[0]!r} is trained on; name a folder of other classes")
    results = []
    for seed in seeds:
        run = RunFolder(folder / f"seed-{seed}")
        on_stage = partial(_of_seed, report, seed) if report else None
        of_seed = (recipe or protocol_recipe(task)).with_settings(seed=seed)
        settings = RunSettings(folder=data, output=run.path / f"{folder.name}.onnx", recipe=of_seed, init=init)
        model = _trained(settings, run, on_stage, note)
        images = model.card.training.images
        measured = _accuracy(task, model, test, seed)
        results.append(Seed(seed, images, *measured, *(_accuracy(task, model, others, seed) if others else ())))
    draw_curves([RunFolder(folder / f"seed-{seed}").metrics for seed in seeds], RunFolder(folder).curves)
    return results


def _of_seed(report: Progress, seed: int, stage: str, done: int, total: int) -> None:
    report(f"seed {seed}: {stage}", done, total)


def _trained(
    settings: RunSettings, run: RunFolder, report: Progress | None, note: Callable[[str], None] | None
) -> Recognizer:
    if run.has_begun and run.read_settings() != settings:
        raise TrainingError(f"{run}: holds a run of other data or another recipe; name another folder: --run")
    if not settings.output.exists():
        # In one process: seeds follow each other, and the others of a launcher would each begin at the first.
        one, images = Machines(devices=1), list_images(settings, resume=run.has_begun)
        train(settings, run, images, machines=one, report=report, note=note, measure=False)
    return load(settings.output)


def _accuracy(task: str, model: Recognizer, images: LabelledImages, seed: int) -> tuple[int, float]:
    """The number of items, 32 a class, and the accuracy on them, over both answers alike: of pairs the plain one."""
    answers: Sequence[Verdict] | Sequence[TrioVerdict]
    if task == "pairs":
        pairs = sample_pairs(images.labels, TEST_ITEMS_PER_CLASS, seed)
        answers, same = model.judge_pairs(*_embedded(model, images, pairs.images)), pairs.same
    else:
        trios = sample_trios(images.labels, TEST_ITEMS_PER_CLASS, seed)
        answers, same = model.judge_trios(*_embedded(model, images, trios.images)), trios.same
    right = np.array([answer.same for answer in answers]) == same
    return len(same), float((right[same].mean() + right[~same].mean()) / 2)


def _embedded(model: Recognizer, images: LabelledImages, items: NDArray[np.int64]) -> list[Embeddings]:
    used, places = np.unique(items, return_inverse=True)
    refuse_seen(model, images.subset(used))
    embeddings = model.encoder.encode([images.paths[i] for i in used])
    return [embeddings[column] for column in places.reshape(items.shape).T]
