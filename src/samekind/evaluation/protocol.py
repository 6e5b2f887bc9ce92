"""Evaluating a model on labelled images or on listed items: pairs, trios, retrieval, and the mission's own protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.card import Card
from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import sample_pairs
from samekind.datasets.splits import content_hash, content_hashes
from samekind.errors import DatasetError, ImageError
from samekind.evaluation.answers import Answered
from samekind.evaluation.bootstrap import Drawn, Estimate, draw
from samekind.evaluation.groups import (
    Group,
    Sample,
    all_pairs_task,
    listed_pairs_task,
    retrieval_metrics,
    sampled_trios,
    trios_task,
)
from samekind.evaluation.selection import at_most, check_classes, gather, in_two_classes, without_copies
from samekind.evaluation.verification import accuracy
from samekind.recognizer import Recognizer
from samekind.similarity import Embeddings, paired_similarity

# The mission's protocol: 32 test pairs a class, half of them genuine.
PROTOCOL_PAIRS_PER_CLASS = 32
PROTOCOL_DRAWS = 10
# All pairs of so many are fifty million.
MOST_IMAGES = 10_000
# Of fewer classes there is no telling how others would do.
FEWEST_CLASSES = 6

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Draws:
    """Accuracies on ten independent draws of the protocol's test pairs, 32 a class: their mean and extremes."""

    mean: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class Judged:
    """What one model was found to do.

    Attributes:
        card: The model.
        embeddings: float32 (M, D), of all images.
        classes_seen: The names of the classes that it was trained on, of those of the images.
        groups: By name; the first is all that there is, others are parts of it.
        protocol: Accuracy at ``balanced`` on the mission's protocol; None if the images are too few for it.
    """

    card: Card
    embeddings: Embeddings
    classes_seen: tuple[str, ...]
    groups: dict[str, Group]
    protocol: Draws | None


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` measured.

    Attributes:
        data: The folder, manifest or list.
        paths: The M readable images.
        labels: int64 (M,), their classes; all 0 where a list does not say.
        classes: The names of the classes.
        unreadable: Messages about the others.
        copies: How many files were left out because their class has another with the same bytes.
        in_two_classes: Files with the same bytes that lie in different classes.
        left_out: How many images were left out because there are more than the most that all pairs are taken of.
        classes_left_out: How many classes are among them as a whole, because even two images of each are too many.
        classes_seen: The names of those that the model was trained on; groups are told apart by them.
        listed: The lists that items came from.
        resamples: Of the bootstrap.
        seed: Of the bootstrap and of samples.
        judged: What the model was found to do.
        other: What another model was found to do on the same items and resamples, or None.
    """

    data: str
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    unreadable: tuple[str, ...]
    copies: int
    in_two_classes: tuple[tuple[Path, ...], ...]
    left_out: int
    classes_left_out: int
    classes_seen: tuple[str, ...]
    listed: tuple[str, ...]
    resamples: int
    seed: int
    judged: Judged
    other: Judged | None

    @property
    def whole(self) -> Group:
        """The group of all images."""
        return next(iter(self.judged.groups.values()))

    @property
    def pair_metrics(self) -> dict[str, Estimate]:
        """Of all pairs, by name."""
        return estimates(self.whole.pairs.metrics) if self.whole.pairs else {}

    @property
    def trio_metrics(self) -> dict[str, Estimate]:
        """Of all trios, by name; none with fewer than three classes."""
        return estimates(self.whole.trios.metrics) if self.whole.trios else {}


def estimates(drawn: dict[str, Drawn]) -> dict[str, Estimate]:
    """The values of metrics with their intervals."""
    return {name: metric.estimate() for name, metric in drawn.items()}


def evaluate(
    model: Recognizer,
    images: LabelledImages | None,
    *,
    pairs: Answered | None = None,
    trios: Answered | None = None,
    compare: Recognizer | None = None,
    classes_seen: Collection[str] | None = None,
    trio_count: int = 20_000,
    most_images: int = MOST_IMAGES,
    resamples: int = 500,
    seed: int = 0,
    report: Report | None = None,
) -> Evaluation:
    """Measure a model's verdicts on labelled images, or listed items, that it was not trained on.

    Its links and operating points are used as they are; nothing is fitted here. Numbers are given for all classes and,
    if the model was trained on some of them, for those and for the others apart.

    Args:
        model: The model.
        images: Class folders. Unreadable files are named in the result and left out; of byte copies within a class one
            is kept. None if there are lists only.
        pairs: Judge these pairs rather than all pairs of the images.
        trios: Judge these trios rather than a sample.
        compare: Another model, to be measured on the same items. Its card says what it was trained on.
        classes_seen: The names of the classes that the model was trained on; None believes its card.
        trio_count: How many balanced trios to aim for.
        most_images: Of more images, at most so many are drawn, of each class its share and at least two; of more than
            half as many classes, half as many. All listed images count, even if they are more.
        resamples: Of the bootstrap behind the intervals.
        seed: Decides the samples.
        report: Called with (stage, done, total).

    Raises:
        DatasetError: There is one class only; a class has fewer than two different readable images; there are images
            that had a part in a model's training or calibration; a listed image is not among ``images``; or a list's
            readable items all have one answer.
    """
    models = [model] if compare is None else [model, compare]
    gathered = gather(images, pairs, trios)
    hashes, unreadable = content_hashes(gathered.paths)
    gathered = gathered.subset(np.flatnonzero([path in hashes for path in gathered.paths]))
    for used in models:
        refuse_seen(used, gathered, hashes)
    # What a list names is judged as it says, and without classes nothing tells a copy from a wrong label.
    different, twins = (gathered, {}) if images is None else without_copies(gathered, hashes)
    listed_paths = frozenset(twins.get(path, path) for path in _listed_paths(gathered, pairs, trios))
    kept = different if images is None else at_most(different, most_images, seed, listed_paths)
    embedded, readable, not_decoded = _embed(models, kept, report)
    left_out, kept = len(different) - len(kept), kept.subset(readable)
    if images is not None:
        check_classes(kept)
    names = model.card.training.classes if classes_seen is None else classes_seen
    known = images is not None
    seen = np.array([name in names for name in kept.classes])
    new = ~seen if known and (~seen).sum() >= FEWEST_CLASSES else np.zeros(len(seen), np.bool_)
    drawn = draw(kept.labels, resamples, seed, whole=new)
    lists = tuple(_renumbered(listed, kept, twins) if listed else None for listed in (pairs, trios))
    judged = []
    for number, (used, embeddings) in enumerate(zip(models, embedded, strict=True)):
        sample = Sample(used.card, embeddings, kept.labels, kept.classes, drawn, seed)
        stage = _Stage(report, used.card.name if len(models) == 1 else f"{number + 1}: {used.card.name}")
        groups = {
            name: _group(name, sample, chosen, lists, trio_count=trio_count, known=known, whole=new, stage=stage)
            for name, chosen in _parts(kept, seen, known).items()
        }
        known_to_it = names if number == 0 else used.card.training.classes
        its_classes = tuple(name for name in kept.classes if name in known_to_it and known)
        judged.append(Judged(used.card, embeddings, its_classes, groups, _protocol(sample) if known else None))
    return Evaluation(
        data=str(images.root if images is not None else ", ".join(str(x.source) for x in (pairs, trios) if x)),
        paths=kept.paths,
        labels=kept.labels,
        classes=kept.classes,
        unreadable=(*unreadable, *not_decoded),
        copies=len(twins),
        in_two_classes=in_two_classes(kept, hashes) if known else (),
        left_out=left_out,
        classes_left_out=len(gathered.classes) - len(kept.classes),
        classes_seen=judged[0].classes_seen,
        listed=tuple(str(listed.source) for listed in (pairs, trios) if listed),
        resamples=resamples,
        seed=seed,
        judged=judged[0],
        other=judged[1] if compare else None,
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
            f"{images.root}: {len(seen)} of {len(images)} images had a part in the training or calibration of "
            f"{model.card.name}, such as {seen[0]}; measured on them it would look better than it is"
        )


@dataclass(frozen=True)
class _Stage:
    report: Report | None
    model: str

    def of(self, name: str, total: int) -> Callable[[int], None] | None:
        report = self.report
        return None if report is None else lambda done: report(f"{self.model}: pairs, {name}", done, total)


def _embed(
    models: list[Recognizer], images: LabelledImages, report: Report | None
) -> tuple[list[Embeddings], NDArray[np.int64], tuple[str, ...]]:
    """Embeddings by each model of the readable images; which these are; and messages about the others."""
    rows = []
    for number, model in enumerate(models):
        stage = "images" if len(models) == 1 else f"images, model {number + 1}"
        rows.append(list(model.encoder.stream(images.paths, on_progress=report, stage=stage)))
    good = np.array([not any(isinstance(row, ImageError) for row in column) for column in zip(*rows, strict=True)])
    readable = np.flatnonzero(good)
    messages = dict.fromkeys(str(row) for column in rows for row in column if isinstance(row, ImageError))
    width = [model.card.dimension for model in models]
    embedded = [
        np.array([column[i] for i in readable], np.float32).reshape(-1, d)
        for column, d in zip(rows, width, strict=True)
    ]
    return embedded, readable, tuple(messages)


def of_stage(report: Report | None, stage: str, total: int) -> Callable[[int], None] | None:
    """A report of one stage, to be called with how much of it is done; None if nobody wants one."""
    return None if report is None else lambda done: report(stage, done, total)


def _listed_paths(images: LabelledImages, *lists: Answered | None) -> list[Path]:
    """The images that are listed, as ``images`` spells them."""
    listed = {path.resolve() for given in lists if given for path in given.paths}
    return [path for path in images.paths if path.resolve() in listed] if listed else []


def _renumbered(listed: Answered, images: LabelledImages, twins: Mapping[Path, Path]) -> Answered:
    """The items all of whose images are readable and different, by the numbers of these; of a copy, of its twin."""
    number = {path.resolve(): i for i, path in enumerate(images.paths)}
    number |= {path.resolve(): number.get(twin.resolve(), -1) for path, twin in twins.items()}
    places = np.array([number.get(path.resolve(), -1) for path in listed.paths])
    items = places[listed.items]
    order = np.sort(items, axis=1)
    usable = np.hstack([order[:, :1] >= 0, np.diff(order, axis=1) > 0]).all(axis=1)
    return replace(listed, paths=images.paths, items=items).subset(np.asarray(usable))


def _parts(images: LabelledImages, seen: NDArray[np.bool_], known: bool) -> dict[str, NDArray[np.int64]]:
    """The images of each group."""
    everything = np.arange(len(images))
    if not known:
        return {"listed": everything}
    if seen.all() or not seen.any():
        return {"seen" if seen.all() else "unseen": everything}
    parts = {"all": everything}
    for name, which in (("seen", seen), ("unseen", ~seen)):
        if which.sum() >= 2:  # of one class there are no impostor pairs
            parts[name] = np.flatnonzero(which[images.labels])
    return parts


def _group(
    name: str,
    sample: Sample,
    chosen: NDArray[np.int64],
    lists: tuple[Answered | None, ...],
    *,
    trio_count: int,
    known: bool,
    whole: NDArray[np.bool_],
    stage: _Stage,
) -> Group:
    part = sample.subset(chosen)
    pairs, trios = (_within(listed, chosen) if listed else None for listed in lists)
    pair_task = trio_task = None
    if lists[0]:
        pair_task = listed_pairs_task(part, pairs) if pairs else None
    elif known:
        pair_task = all_pairs_task(part, stage.of(name, len(chosen)))
    if sample.card.trio is not None:
        if lists[1]:
            trio_task = trios_task(part, trios.items, trios.kind) if trios else None
        elif known and len(part.classes) >= 3:
            trio_task = trios_task(part, *sampled_trios(part.labels, trio_count, sample.seed))
    return Group(
        name,
        chosen,
        part.classes if known else (),
        bool(whole[sample.labels[chosen]].any()),
        pair_task,
        trio_task,
        retrieval_metrics(part) if known else {},
    )


def _within(listed: Answered, chosen: NDArray[np.int64]) -> Answered | None:
    """The items all of whose images are chosen, by their places among these; None where that leaves one answer only."""
    inside = np.asarray(np.isin(listed.items, chosen).all(axis=1))
    try:
        found = listed.subset(inside)
    except DatasetError:
        return None
    return replace(found, items=np.searchsorted(chosen, found.items))


def _protocol(sample: Sample) -> Draws | None:
    threshold = sample.card.pair.operating_points["balanced"].threshold
    draws = []
    for number in range(PROTOCOL_DRAWS):
        try:
            pairs = sample_pairs(sample.labels, PROTOCOL_PAIRS_PER_CLASS, sample.seed + number)
        except DatasetError:  # too few images for the protocol
            return None
        similarity = paired_similarity(*(sample.embeddings[pairs.images[:, i]] for i in range(2)))
        draws.append(accuracy(similarity >= threshold, pairs.same))
    return Draws(float(np.mean(draws)), min(draws), max(draws))
