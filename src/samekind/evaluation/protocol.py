"""Evaluating a model on a folder of labelled images: pairs, trios and the mission's own protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.calibration import pair_probability, trio_probability
from samekind.card import Card
from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import (
    TRIO_COMPOSITIONS,
    Pairs,
    Trios,
    sample_at_most,
    sample_pairs,
    sample_trios,
)
from samekind.datasets.splits import content_hash
from samekind.encoder import Progress
from samekind.errors import DatasetError, ImageError
from samekind.evaluation.bootstrap import Estimate, bootstrap_over_images
from samekind.evaluation.verification import (
    accuracy,
    area_under_curve,
    curve_eer,
    curve_threshold_at_far,
    error_curve,
    expected_calibration_error,
    rates_at,
)
from samekind.recognizer import Recognizer
from samekind.similarity import Embeddings, paired_similarity, trio_similarities

# The mission's protocol: 32 test pairs a class, half of them genuine.
PROTOCOL_PAIRS_PER_CLASS = 32
PROTOCOL_DRAWS = 10
# A rate of FAR is measured only with this many false accepts expected behind it.
_MIN_FALSE_ACCEPTS = 5


@dataclass(frozen=True)
class _Embedded:
    """Embedded images with their classes, and the bootstrap to put around what is measured on them."""

    embeddings: Embeddings
    labels: NDArray[np.int64]
    resamples: int
    seed: int

    def estimate(
        self, measure: Callable[[NDArray[np.float64] | None], dict[str, float]], items: NDArray[np.int64]
    ) -> dict[str, Estimate]:
        return bootstrap_over_images(
            measure, items, self.labels, resamples=self.resamples, seed=self.seed, biased=frozenset({"ECE"})
        )


@dataclass(frozen=True)
class Draws:
    """Accuracies on ten independent draws of the protocol's test pairs, 32 a class: their mean and extremes."""

    mean: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` measured.

    Attributes:
        model: The name of the model.
        fingerprint: Of the model.
        data: The folder.
        images: Readable images.
        unreadable: Messages about the others.
        classes: Number of classes.
        classes_seen: The names of those that the model was trained on.
        pretraining: In words, what the model's starting weights had seen.
        pairs: Number of pairs, half of them genuine.
        trios: Number of trios, half of them ABC; 0 with fewer than three classes.
        pair_metrics: By name.
        trio_metrics: By name.
        protocol: Accuracy at ``balanced`` on the mission's protocol; None if the folder is too small for it.
    """

    model: str
    fingerprint: str
    data: str
    images: int
    unreadable: tuple[str, ...]
    classes: int
    classes_seen: tuple[str, ...]
    pretraining: str
    pairs: int
    trios: int
    pair_metrics: dict[str, Estimate]
    trio_metrics: dict[str, Estimate]
    protocol: Draws | None


def evaluate(
    model: Recognizer,
    images: LabelledImages,
    *,
    pairs: int = 20_000,
    trios: int = 2_000,
    resamples: int = 500,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Measure a model's verdicts on labelled images that it was not trained on.

    Args:
        model: Its links and operating points are used as they are; nothing is fitted here.
        images: Class folders. Unreadable files are named in the result and left out.
        pairs: How many balanced pairs to aim for.
        trios: How many balanced trios to aim for.
        resamples: Of the bootstrap behind the intervals.
        seed: Decides the samples.
        on_progress: Called with the number of images embedded so far.

    Raises:
        DatasetError: There is one class only, a class has fewer than two readable images, or there are
            images that had a part in the model's training or calibration.
    """
    card = model.card
    refuse_seen(model, images)
    rows = list(model.encoder.stream(images.paths, on_progress=on_progress))
    readable = np.flatnonzero([not isinstance(row, ImageError) for row in rows])
    kept = images.subset(readable)
    _check_classes(kept)
    embedded = _Embedded(
        np.stack([row for row in rows if not isinstance(row, ImageError)]), kept.labels, resamples, seed
    )
    pair_sample = sample_at_most(sample_pairs, kept.labels, pairs, seed)
    trio_sample = None
    if len(kept.classes) >= 3 and card.trio is not None:
        trio_sample = sample_at_most(sample_trios, kept.labels, trios, seed)
    return Evaluation(
        model=card.name,
        fingerprint=card.fingerprint,
        data=str(images.root),
        images=len(kept),
        unreadable=tuple(str(row) for row in rows if isinstance(row, ImageError)),
        classes=len(kept.classes),
        classes_seen=tuple(name for name in kept.classes if name in card.training.classes),
        pretraining=card.training.pretraining,
        pairs=len(pair_sample.images),
        trios=len(trio_sample.images) if trio_sample else 0,
        pair_metrics=_pair_metrics(card, embedded, pair_sample),
        trio_metrics=_trio_metrics(card, embedded, trio_sample) if trio_sample else {},
        protocol=_protocol(card, embedded),
    )


def refuse_seen(model: Recognizer, images: LabelledImages, hashes: Mapping[Path, str] | None = None) -> None:
    """Make sure that no image had a part in a model's training or calibration, by the bytes of its file.

    Args:
        model: Knows its images.
        images: Those to be measured on.
        hashes: SHA-256 of each file, where they are known already.

    Raises:
        DatasetError: One had; the message names it. Or a file cannot be read.
    """
    known = hashes or {}
    seen = [path for path in images.paths if (known.get(path) or content_hash(path)) in model.seen_images]
    if seen:
        raise DatasetError(
            f"{images.root}: {len(seen)} of {len(images)} images had a part in the model's training or calibration, "
            f"such as {seen[0]}; measured on them it would look better than it is"
        )


def _check_classes(images: LabelledImages) -> None:
    counts = np.bincount(images.labels, minlength=len(images.classes))
    if len(counts) < 2:
        raise DatasetError(f"{images.root}: one class only; at least two are needed")
    if counts.min() < 2:
        name = images.classes[int(counts.argmin())]
        raise DatasetError(f"{images.root}: class {name!r} has {counts.min()} readable images; two are needed")


def _pair_metrics(card: Card, embedded: _Embedded, sample: Pairs) -> dict[str, Estimate]:
    pairs, same = sample.images, sample.same
    similarity = paired_similarity(*(embedded.embeddings[pairs[:, i]] for i in range(2)))
    # Sorted once here, so that each resample finds them in order.
    order = np.argsort(-similarity, kind="stable")
    similarity, same, pairs = similarity[order], same[order], pairs[order]
    probability = pair_probability(card.pair, similarity)
    impostors = int((~same).sum())

    def measure(weights: NDArray[np.float64] | None) -> dict[str, float]:
        curve = error_curve(similarity, same, weights)
        predicted = similarity >= card.pair.operating_points["balanced"].threshold
        metrics = {
            "accuracy at balanced": accuracy(predicted, same, weights),
            "AUC": area_under_curve(curve),
            "EER": curve_eer(curve).rate,
            "ECE": expected_calibration_error(probability, same, weights),
        }
        for far in (0.1, 0.01, 0.001):
            if impostors * far >= _MIN_FALSE_ACCEPTS:
                metrics[f"TAR at FAR {far:.1%}"] = curve_threshold_at_far(curve, far)[2]
        for name, point in card.pair.operating_points.items():
            far, tar = rates_at(similarity, same, point.threshold, weights)
            metrics |= {f"FAR at {name}": far, f"TAR at {name}": tar}
        return metrics

    return embedded.estimate(measure, pairs)


def _trio_metrics(card: Card, embedded: _Embedded, sample: Trios) -> dict[str, Estimate]:
    assert card.trio is not None
    similarities = trio_similarities(*(embedded.embeddings[sample.images[:, i]] for i in range(3)))
    composition, same = sample.composition, sample.same
    probability = trio_probability(card.trio, similarities)
    predicted = np.greater_equal(probability, card.trio.operating_points["balanced"].threshold)
    naive = np.asarray(similarities.max(axis=1) >= card.pair.operating_points["balanced"].threshold, np.bool_)

    def measure(weights: NDArray[np.float64] | None) -> dict[str, float]:
        def within(chosen: NDArray[np.bool_]) -> NDArray[np.float64] | None:
            return None if weights is None else weights[chosen]

        curve = error_curve(probability, same, weights)
        far, tar = rates_at(predicted, same, 0.5, weights)
        naive_far, naive_tar = rates_at(naive, same, 0.5, weights)
        metrics = {
            "accuracy at balanced": accuracy(predicted, same, weights),
            "balanced accuracy": (tar + 1 - far) / 2,
            "AUC": area_under_curve(curve),
            "ECE": expected_calibration_error(probability, same, weights),
            "false alarms on ABC": far,
        }
        for name in TRIO_COMPOSITIONS:
            chosen = composition == name
            if chosen.any():
                metrics[f"accuracy on {name}"] = accuracy(predicted[chosen], same[chosen], within(chosen))
        # What a rule without a link of its own would do: any pair above the pair threshold.
        metrics["naive rule: balanced accuracy"] = (naive_tar + 1 - naive_far) / 2
        metrics["naive rule: false alarms on ABC"] = naive_far
        return metrics

    return embedded.estimate(measure, sample.images)


def _protocol(card: Card, embedded: _Embedded) -> Draws | None:
    threshold = card.pair.operating_points["balanced"].threshold
    draws = []
    for draw in range(PROTOCOL_DRAWS):
        try:
            sample = sample_pairs(embedded.labels, PROTOCOL_PAIRS_PER_CLASS, embedded.seed + draw)
        except DatasetError:  # too few images for the protocol
            return None
        similarity = paired_similarity(*(embedded.embeddings[sample.images[:, i]] for i in range(2)))
        draws.append(accuracy(similarity >= threshold, sample.same))
    return Draws(float(np.mean(draws)), min(draws), max(draws))
