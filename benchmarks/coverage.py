"""Do 95 % intervals hold the truth 95 times in 100? Simulated worlds, each measured many times over.

A world has classes whose images scatter around a mean, some images more than others (so that a bad image spoils all its
pairs). What a metric truly is comes from many more images than an evaluation has. "width" is that of the mean interval
beside that of one that would be right for the spread actually seen: 1 is perfect.

python benchmarks/coverage.py [--simulations 400] [--worlds images-10x20 ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.sampling import GENUINE, IMPOSTOR, sample_pairs, sample_trios
from samekind.evaluation.metrics.metric import Metric
from samekind.evaluation.metrics.retrieval import Ranking
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import cosine_as_probability, verification_metrics
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import draw
from samekind.evaluation.resampling.cells import Cells
from samekind.evaluation.resampling.intervals import Drawn
from samekind.inference.similarity import Embeddings, paired_similarity, trio_similarities
from samekind.model_file.calibration import logistic

_DIMENSION, _SCATTER = 16, 1.6
_TRUE_WORLDS = 40
_THRESHOLDS = {"balanced": 0.3, "strict": 0.5}
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """What is simulated: the classes and images of an evaluation, and what it is measured on."""

    classes: int
    images: int
    what: str = "all pairs"
    new_classes: bool = False
    items: int = 0


WORLDS = {
    "images-10x20": World(10, 20),
    "images-5x8": World(5, 8),
    "images-10x60": World(10, 60),
    "classes-30x8": World(30, 8, new_classes=True),
    "classes-12x20": World(12, 20, new_classes=True),
    "list-10x20": World(10, 20, "pairs", items=16),
    "trios-10x20": World(10, 20, "trios", items=200),
    "retrieval-10x20": World(10, 20, "retrieval"),
    "retrieval-classes-30x8": World(30, 8, "retrieval", new_classes=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    arguments = parser.parse_args()
    for name in arguments.worlds:
        start = time.perf_counter()
        simulate(name, WORLDS[name], arguments.simulations, arguments.resamples)
        print(f"  ({time.perf_counter() - start:.0f} s)", flush=True)


def simulate(name: str, world: World, simulations: int, resamples: int) -> None:
    means = _means(np.random.default_rng(1), world.classes)
    truth = _truth(world, means)
    covered = dict.fromkeys(truth, 0)
    widths: dict[Metric, list[float]] = {metric: [] for metric in truth}
    values: dict[Metric, list[float]] = {metric: [] for metric in truth}
    for seed in range(simulations):
        embeddings, labels = _draw_world(world, means, np.random.default_rng([2, seed]), world.images)
        for metric, drawn in _measure(world, embeddings, labels, seed, resamples).items():
            found = drawn.estimate()
            covered[metric] += found.low <= truth[metric] <= found.high
            widths[metric].append(found.high - found.low)
            values[metric].append(found.value)
    print(f"{name}: {world.what}, {world.classes} classes of {world.images} images, {simulations} simulations")
    for metric, true in truth.items():
        right = 3.92 * np.std(values[metric])
        print(
            f"  {metric.label:<28} truth {true:.4f}  mean {np.mean(values[metric]):.4f}  "
            f"covered {covered[metric] / simulations:.1%}  width {np.mean(widths[metric]) / right:.2f}"
        )


def _measure(world: World, embeddings: Embeddings, labels: Labels, seed: int, resamples: int) -> dict[Metric, Drawn]:
    whole = np.full(world.classes, world.new_classes)
    drawn = draw(labels, resamples, seed, whole=whole)
    pairs = AllPairs(embeddings, labels)
    if world.what == "retrieval":
        return Ranking.of(pairs).drawn(drawn)
    thresholds = list(_THRESHOLDS.values())
    if world.what == "all pairs":
        return Cells.of_all_pairs(pairs, drawn, thresholds).measure(_metrics())
    scores, same, items = _items(world, embeddings, labels, seed)
    kind = np.where(same, GENUINE, IMPOSTOR)
    return Cells.of_items(scores, kind, items, drawn, thresholds).measure(_metrics())


def _metrics() -> Callable[[Scores], dict[Metric, float]]:
    probability = partial(_probability, 8.0, -2.4)
    return verification_metrics(_THRESHOLDS, probability, (0.1, 0.01), cosine_as_probability)


def _probability(scale: float, bias: float, similarity: NDArray[np.floating]) -> NDArray[np.float64]:
    return logistic(scale * np.asarray(similarity, np.float64) + bias)


def _items(
    world: World, embeddings: Embeddings, labels: Labels, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Scores, answers and images of listed items; of a trio the score is the similarity of the two most alike."""
    if world.what == "pairs":
        pairs = sample_pairs(labels, world.items, seed)
        return paired_similarity(*(embeddings[pairs.images[:, i]] for i in range(2))), pairs.same, pairs.images
    trios = sample_trios(labels, world.items, seed)
    similarity = trio_similarities(*(embeddings[trios.images[:, i]] for i in range(3))).max(axis=1)
    return similarity, trios.same, trios.images


def _truth(world: World, means: NDArray[np.float64]) -> dict[Metric, float]:
    """The metrics over so many images that their own noise is small beside that of one evaluation."""
    found: list[dict[Metric, float]] = []
    for seed in range(_TRUE_WORLDS):
        rng = np.random.default_rng([1, seed])
        if world.what == "retrieval":  # depends on how many images there are to choose from
            for _ in range(10):
                embeddings, labels = _draw_world(world, means, rng, world.images)
                measured = Ranking.of(AllPairs(embeddings, labels), seed).measure()
                found.append({name: float(np.mean(values)) for name, values in measured.items()})
            continue
        many = 100 if world.new_classes else max(10, 1_000 // world.classes)
        large = World(200, world.images, new_classes=True) if world.new_classes else world
        embeddings, labels = _draw_world(large, means, rng, world.images if world.new_classes else many)
        if world.what == "trios":
            scores, same, _ = _items(World(0, 0, "trios", items=800), embeddings, labels, seed)
            found.append(_metrics()(Scores.of(scores, same)))
        else:
            found.append(_metrics()(AllPairs(embeddings, labels).scores()))
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _draw_world(
    world: World, means: NDArray[np.float64], rng: np.random.Generator, images: int
) -> tuple[Embeddings, Labels]:
    if world.new_classes:
        means = _means(rng, world.classes)
    labels = np.repeat(np.arange(world.classes), images).astype(np.int64)
    scatter = _SCATTER * np.exp(rng.normal(0, 0.4, (len(labels), 1))) / np.sqrt(_DIMENSION)
    points = means[labels] + scatter * rng.normal(size=(len(labels), _DIMENSION))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def _means(rng: np.random.Generator, classes: int) -> NDArray[np.float64]:
    means = rng.normal(size=(classes, _DIMENSION))
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float64)


if __name__ == "__main__":
    main()
