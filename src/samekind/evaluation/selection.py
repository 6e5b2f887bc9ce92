"""Which images are measured on: those that there are, each once, and not more than all pairs can be taken of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import ListedItems
from samekind.recognizer import Recognizer
from samekind.system.hashing import content_hash, content_hashes


@dataclass(frozen=True)
class Selection:
    """What to measure on.

    Attributes:
        images: The images.
        hashes: SHA-256 of the file of each image that there was.
        twins: Of each copy that was left out the image that is kept for it.
        unreadable: Messages about files that cannot be read.
        left_out: How many images were not drawn.
        classes_left_out: How many classes were not.
    """

    images: LabelledImages
    hashes: Mapping[Path, str]
    twins: Mapping[Path, Path]
    unreadable: tuple[str, ...]
    left_out: int
    classes_left_out: int


def select(
    models: Iterable[Recognizer],
    images: LabelledImages | None,
    pairs: ListedItems | None,
    trios: ListedItems | None,
    *,
    most: int,
    seed: int,
) -> Selection:
    """Choose what to measure models on, by the files' bytes alone.

    Args:
        models: None of them may have seen any of the images.
        images: Images with their classes, or None if there are lists only.
        pairs: Pairs to judge.
        trios: Trios to judge.
        most: The most images, but that all which are listed are taken.
        seed: Decides which are drawn.

    Raises:
        DatasetError: There are none; a model has seen one; or a listed image is not among ``images``.
    """
    everything = _gather(images, pairs, trios)
    hashes, unreadable = content_hashes(everything.paths)
    everything = everything.subset(np.flatnonzero([path in hashes for path in everything.paths]))
    for model in models:
        refuse_seen(model, everything, hashes)
    # What a list names is judged as it says: without classes nothing tells a copy from a wrong label.
    if images is None:
        return Selection(everything, hashes, {}, tuple(unreadable), 0, 0)
    different, twins = _without_copies(everything, hashes)
    listed = frozenset(twins.get(path, path) for path in _listed_paths(everything, pairs, trios))
    kept = at_most(different, most, seed, listed)
    classes_left_out = len(images.classes) - len(kept.classes)
    return Selection(kept, hashes, twins, tuple(unreadable), len(different) - len(kept), classes_left_out)


def _gather(images: LabelledImages | None, pairs: ListedItems | None, trios: ListedItems | None) -> LabelledImages:
    """All images there are: those of the folder, in which those of the lists must be, or else those of the lists.

    Raises:
        DatasetError: There are none, or a listed image is not among those of the folder.
    """
    paths = list(dict.fromkeys(path for listed in (pairs, trios) if listed for path in listed.paths))
    if images is None:
        if not paths:
            raise DatasetError("there is nothing to measure on: give images or a list of items")
        source = next(listed.source for listed in (pairs, trios) if listed)
        return LabelledImages(source, tuple(paths), np.zeros(len(paths), np.int64), ("not known",))
    inside = {path.resolve() for path in images.paths}
    if odd := [path for path in paths if path.resolve() not in inside]:
        raise DatasetError(
            f"{odd[0]}: listed, but not among the images of {images.root}, which give the classes; "
            "name the folder that it is in, or no folder"
        )
    return images


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


def _without_copies(images: LabelledImages, hashes: Mapping[Path, str]) -> tuple[LabelledImages, dict[Path, Path]]:
    """One file of each content in a class: a picture that finds its own copy says nothing of a model.

    Returns:
        The images that are kept; and each of the others with the one that is kept for it.
    """
    first: dict[tuple[int, str], Path] = {}
    twins = {}
    for path, label in zip(images.paths, images.labels.tolist(), strict=True):
        kept = first.setdefault((label, hashes[path]), path)
        if kept is not path:
            twins[path] = kept
    return images.subset(np.flatnonzero([path not in twins for path in images.paths])), twins


def without_contradictions(
    images: LabelledImages, hashes: Mapping[Path, str]
) -> tuple[LabelledImages, tuple[str, ...]]:
    """Leave out all files of a content that lies in more than one class: which label is right, nobody can say here.

    Returns:
        The images that are kept; and a message for each picture that is not, which names its files.
    """
    labels: dict[str, set[int]] = {}
    files: dict[str, list[str]] = {}
    for path, label in zip(images.paths, images.labels.tolist(), strict=True):
        labels.setdefault(hashes[path], set()).add(label)
        files.setdefault(hashes[path], []).append(str(path))
    told = (" = ".join(files[digest]) for digest, own in labels.items() if len(own) > 1)
    kept = images.subset(np.flatnonzero([len(labels[hashes[path]]) == 1 for path in images.paths]))
    return kept, tuple(f"{same}: in more than one class, so left out; keep the right one" for same in told)


def in_two_classes(images: LabelledImages, hashes: Mapping[Path, str]) -> tuple[tuple[Path, ...], ...]:
    """The files of one content that lie in different classes; of ``images`` without copies within a class."""
    same: dict[str, list[Path]] = {}
    for path in images.paths:
        same.setdefault(hashes[path], []).append(path)
    return tuple(tuple(paths) for paths in same.values() if len(paths) > 1)


def _listed_paths(images: LabelledImages, *lists: ListedItems | None) -> list[Path]:
    """The images that are listed, as ``images`` spells them."""
    listed = {path.resolve() for given in lists if given for path in given.paths}
    return [path for path in images.paths if path.resolve() in listed] if listed else []


def at_most(images: LabelledImages, most: int, seed: int, listed: frozenset[Path]) -> LabelledImages:
    """At most so many of the images, of each class its share and at least two; of too many classes, some.

    All that are listed are among them, even if these are more.
    """
    if len(images) <= most:
        return images
    images = _of_drawn_classes(images, most // 2, seed, listed)
    sizes = np.bincount(images.labels, minlength=len(images.classes))
    order = np.random.default_rng(seed).permutation(len(images))
    rank = np.empty(len(images), np.int64)  # within the class, in random order
    for label in range(len(images.classes)):
        members = order[images.labels[order] == label]
        rank[members] = np.arange(len(members))
    # Where an image stands in its class, from 0 to 1. All that stand in one place come in together or not at all.
    place = np.where(rank < 2, 0, (rank + 1) / sizes[images.labels])
    limit = np.sort(place)[most] if len(images) > most else np.inf
    named = np.array([path in listed for path in images.paths])
    return images.subset(np.flatnonzero((place < limit) | (place == 0) | named))


def _of_drawn_classes(images: LabelledImages, most: int, seed: int, listed: frozenset[Path]) -> LabelledImages:
    """The images of so many classes, drawn at random but for those that have listed images."""
    if len(images.classes) <= most:
        return images
    needed = np.zeros(len(images.classes), np.bool_)
    needed[images.labels[[path in listed for path in images.paths]]] = True
    order = np.random.default_rng(seed).permutation(len(images.classes))
    order = order[np.argsort(~needed[order], kind="stable")]
    return images.only_classes(frozenset(images.classes[i] for i in order[: max(most, needed.sum())]))


def check_classes(images: LabelledImages) -> None:
    """Make sure that each class has pairs.

    Raises:
        DatasetError: There is one class only, or one has fewer than two images.
    """
    counts = np.bincount(images.labels, minlength=len(images.classes))
    if len(counts) < 2:
        raise DatasetError(f"{images.root}: one class only; at least two are needed")
    if counts.min() < 2:
        name = images.classes[int(counts.argmin())]
        raise DatasetError(
            f"{images.root}: class {name!r} has {counts.min()} readable images; two are needed (copies count once)"
        )
