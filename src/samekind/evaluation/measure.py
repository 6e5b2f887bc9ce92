"""Measuring a model on labelled images or on listed items: pairs, trios, retrieval."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError, ImageError
from samekind.evaluation.groups import (
    Sample,
    all_pairs_task,
    listed_pairs_task,
    retrieval_metrics,
    sampled_trios,
    trios_task,
)
from samekind.evaluation.listed_items import ListedItems
from samekind.evaluation.protocol import protocol_accuracy
from samekind.evaluation.resampling.bootstrap import draw
from samekind.evaluation.results import Evaluation, GroupResult, ModelResult
from samekind.evaluation.selection import check_classes, in_two_classes, select
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import pair_calibration_of
from samekind.progress import Progress, stage_counter
from samekind.recognizer import Recognizer

# All pairs of so many are fifty million.
MOST_IMAGES = 10_000
# Of fewer classes there is no telling how others would do.
FEWEST_CLASSES = 6
TRIO_COUNT = 20_000
RESAMPLES = 500


def measure(
    model: Recognizer,
    images: LabelledImages | None,
    *,
    pairs: ListedItems | None = None,
    trios: ListedItems | None = None,
    compare: Recognizer | None = None,
    classes_seen: Collection[str] | None = None,
    trio_count: int = TRIO_COUNT,
    most_images: int = MOST_IMAGES,
    resamples: int = RESAMPLES,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Measure a model's verdicts on labelled images, or listed items, that it was not trained on.

    Its calibrations and operating points are used as they are; nothing is fitted here. Numbers are given for all
    classes and, if the model was trained on some of them, for those and for the others apart.

    Args:
        model: The model.
        images: Class folders. Unreadable files are named in the result and left out; of byte copies within a class one
            is kept. None if there are lists only.
        pairs: Judge these pairs rather than all pairs of the images.
        trios: Judge these trios rather than a sample.
        compare: Another model, to be measured on the same items. Its card says what it was trained on.
        classes_seen: The names of the classes that the model was trained on; None believes its card.
        trio_count: How many balanced trios to aim for.
        most_images: The most images; of more, so many are drawn, of each class its share and at least two; of more than
            half as many classes, half as many. All listed images count, even if they are more.
        resamples: How many resamples are behind the intervals.
        seed: Decides the samples.
        on_progress: Called with (stage, done, total).

    Raises:
        DatasetError: There is one class only; a class has fewer than two different readable images; there are images
            that had a part in a model's training or calibration; a listed image is not among ``images``; or a list's
            readable items all have one answer.
        NotCalibratedError: Nobody has calibrated a model.
    """
    models = [model] if compare is None else [model, compare]
    for used in models:
        pair_calibration_of(used.card)  # refuse before the work
    chosen = select(models, images, pairs, trios, most=most_images, seed=seed)
    embedded, readable, not_decoded = _embed(models, chosen.images, on_progress)
    kept = chosen.images.subset(readable)
    if images is not None:
        check_classes(kept)
    names = model.card.training.classes if classes_seen is None else classes_seen
    known = images is not None
    seen = np.array([name in names for name in kept.classes])
    new = ~seen if known and (~seen).sum() >= FEWEST_CLASSES else np.zeros(len(seen), np.bool_)
    drawn = draw(kept.labels, resamples, seed, whole=new)
    lists = tuple(_renumbered(listed, kept, chosen.twins) if listed else None for listed in (pairs, trios))
    judged = []
    for number, (used, embeddings) in enumerate(zip(models, embedded, strict=True)):
        sample = Sample(used.card, embeddings, kept.labels, kept.classes, drawn, seed)
        stage = used.card.name if len(models) == 1 else f"{number + 1}: {used.card.name}"
        groups = {
            name: _group(
                name,
                sample,
                members,
                lists,
                trio_count=trio_count,
                known=known,
                whole=new,
                counter=stage_counter(on_progress, f"{stage}: pairs, {name}", len(members)),
            )
            for name, members in _parts(kept, seen, known).items()
        }
        known_to_it = names if number == 0 else used.card.training.classes
        its_classes = tuple(name for name in kept.classes if name in known_to_it and known)
        protocol = protocol_accuracy(embeddings, kept.labels, _balanced(used), seed) if known else None
        judged.append(ModelResult(used.card, embeddings, its_classes, groups, protocol))
    return Evaluation(
        data=str(images.root if images is not None else ", ".join(str(x.source) for x in (pairs, trios) if x)),
        paths=kept.paths,
        labels=kept.labels,
        classes=kept.classes,
        unreadable=(*chosen.unreadable, *not_decoded),
        copies=len(chosen.twins),
        in_two_classes=in_two_classes(kept, chosen.hashes) if known else (),
        left_out=chosen.left_out,
        classes_left_out=chosen.classes_left_out,
        classes_seen=judged[0].classes_seen,
        listed=tuple(str(listed.source) for listed in (pairs, trios) if listed),
        resamples=resamples,
        seed=seed,
        judged=judged[0],
        other=judged[1] if compare else None,
    )


def _embed(
    models: list[Recognizer], images: LabelledImages, on_progress: Progress | None
) -> tuple[list[Embeddings], NDArray[np.int64], tuple[str, ...]]:
    """Embeddings by each model of the readable images; which these are; and messages about the others."""
    rows = []
    for number, model in enumerate(models):
        stage = "images" if len(models) == 1 else f"images, model {number + 1}"
        rows.append(list(model.encoder.stream(images.paths, on_progress=on_progress, stage=stage)))
    good = np.array([not any(isinstance(row, ImageError) for row in column) for column in zip(*rows, strict=True)])
    readable = np.flatnonzero(good)
    messages = dict.fromkeys(str(row) for column in rows for row in column if isinstance(row, ImageError))
    width = [model.card.dimension for model in models]
    embedded = [
        np.array([column[i] for i in readable], np.float32).reshape(-1, d)
        for column, d in zip(rows, width, strict=True)
    ]
    return embedded, readable, tuple(messages)


def _renumbered(listed: ListedItems, images: LabelledImages, twins: Mapping[Path, Path]) -> ListedItems:
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
    lists: tuple[ListedItems | None, ...],
    *,
    trio_count: int,
    known: bool,
    whole: NDArray[np.bool_],
    counter: Callable[[int], None],
) -> GroupResult:
    part = sample.subset(chosen)
    pairs, trios = (_within(listed, chosen) if listed else None for listed in lists)
    pair_task = trio_task = None
    if lists[0]:
        pair_task = listed_pairs_task(part, pairs) if pairs else None
    elif known:
        pair_task = all_pairs_task(part, counter)
    if sample.card.trio is not None:
        if lists[1]:
            trio_task = trios_task(part, trios.items, trios.kind) if trios else None
        elif known and len(part.classes) >= 3:
            trio_task = trios_task(part, *sampled_trios(part.labels, trio_count, sample.seed))
    return GroupResult(
        name,
        chosen,
        part.classes if known else (),
        bool(whole[sample.labels[chosen]].any()),
        pair_task,
        trio_task,
        retrieval_metrics(part) if known else {},
    )


def _within(listed: ListedItems, chosen: NDArray[np.int64]) -> ListedItems | None:
    """The items all of whose images are chosen, by their places among these; None where that leaves one answer only."""
    inside = np.asarray(np.isin(listed.items, chosen).all(axis=1))
    try:
        found = listed.subset(inside)
    except DatasetError:
        return None
    return replace(found, items=np.searchsorted(chosen, found.items))


def _balanced(model: Recognizer) -> float:
    return pair_calibration_of(model.card).balanced.threshold
