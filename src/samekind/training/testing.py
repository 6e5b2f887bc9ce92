"""Measuring a model on test images: what its card says of them, and what a person is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError
from samekind.evaluation.measure import measure
from samekind.evaluation.metrics.metric import accuracy_at
from samekind.evaluation.results import Evaluation, ModelResult
from samekind.evaluation.selection import refuse_seen
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card, pair_calibration_of
from samekind.model_file.file import read_model
from samekind.progress import Progress
from samekind.recognizer import Recognizer

# The model that a new one is held against, and the images up to which that takes a minute or so.
_OTHER = "general"
_MOST_COMPARED = 2_000
_WORST = 2


@dataclass(frozen=True)
class ClassRate:
    """How one class does at a threshold.

    Attributes:
        name: The name of the class.
        tar: The share of its genuine pairs that are judged the same.
        far: The share of its pairs with other classes that are judged the same.
    """

    name: str
    tar: float
    far: float


def measure_on(name: str, model: Recognizer, images: LabelledImages, on_progress: Progress | None = None) -> Evaluation:
    """Measure a model on test images, beside the model ``general`` where that has not seen them and they are few.

    Args:
        name: What the images are called.
        model: The model.
        images: The test images.
        on_progress: Called with (stage, done, total).

    Raises:
        DatasetError: As ``measure``.
    """
    within = (lambda part, done, total: on_progress(f"test on {name}: {part}", done, total)) if on_progress else None
    return measure(model, images, compare=_other(images), on_progress=within)


def _other(images: LabelledImages) -> Recognizer | None:
    if len(images) > _MOST_COMPARED:
        return None
    other = Recognizer(read_model(_OTHER))
    try:
        refuse_seen(other, images)
    except DatasetError:
        return None
    return other


def worst_classes(
    embeddings: Embeddings, labels: NDArray[np.int64], classes: tuple[str, ...], threshold: float, most: int = _WORST
) -> list[ClassRate]:
    """The classes that a model judges worst, by the mean of TAR and 1 - FAR over the pairs that they are in.

    Args:
        embeddings: float32 (N, D), unit rows.
        labels: int64 (N,), the class of each.
        classes: The names of the C classes; each has at least two images, and there are at least two.
        threshold: The verdict is "same" at or above it.
        most: How many.

    Returns:
        The worst first.

    Example:
        >>> rows = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32)
        >>> worst_classes(rows, np.array([0, 0, 1, 1]), ("cup", "jug"), 0.5, most=1)
        [ClassRate(name='jug', tar=0.0, far=0.5)]
    """
    rates = []
    for label, name in enumerate(classes):
        own = labels == label
        same = embeddings[own] @ embeddings.T >= threshold
        size = int(own.sum())
        tar = (int(same[:, own].sum()) - size) / (size * (size - 1))  # each image is the same as itself
        rates.append(ClassRate(name, tar, float(same[:, ~own].mean())))
    return sorted(rates, key=lambda rate: rate.tar - rate.far)[:most]


def summary(card: Card, output: str, results: Mapping[str, Evaluation]) -> str:
    """What came out of a training, in words: how good the model is, on whose images, and what to do next.

    Args:
        card: The model.
        output: The model file, as a person writes it.
        results: By the name of the test images.
    """
    calibration = pair_calibration_of(card)
    balanced, measured_on = calibration.balanced, calibration.measured_on
    optimism = "" if measured_on.cross_fitted else " (on the very images that gave the threshold, too few to be halved)"
    lines = [
        f"{output}: written. Its thresholds and error rates: samekind info {output}",
        f"held-out images: FAR {balanced.far:.2%}, TAR {balanced.tar:.2%} at balanced{optimism}",
    ]
    for name, result in results.items():
        seen = f"{len(result.classes_seen)} of {len(result.classes)} classes seen in training"
        lines.append(f"{name} ({len(result.paths):,} images, {seen}): {_accuracy(result.judged)}")
        if result.other:
            lines.append(f"  the model {result.other.card.name} on the same images: {_accuracy(result.other)}")
        worst = worst_classes(result.judged.embeddings, result.labels, result.classes, balanced.threshold)
        lines += [f"  worst: {rate.name}, TAR {rate.tar:.1%}, FAR {rate.far:.1%}" for rate in worst]
    return "\n".join(
        [
            *lines,
            "next:",
            f"  samekind verify A.jpg B.jpg --model {output}      are these two the same kind?",
            f"  samekind evaluate {output} FOLDER --report page   how good is it on other pictures?",
            f"  samekind index PHOTOS --model {output}            search a folder with it",
        ]
    )


def _accuracy(judged: ModelResult) -> str:
    pairs = next(iter(judged.groups.values())).pairs
    if pairs is None:
        return "no pairs to measure on"
    found = pairs.metrics[accuracy_at("balanced")].estimate()
    return f"accuracy {found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
