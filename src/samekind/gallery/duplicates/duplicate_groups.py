"""Groups of duplicates in a gallery: the same bytes or pixels, the same picture, the same kind of thing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from itertools import chain
from typing import Literal, get_args

from samekind.copies.keep import better, worth
from samekind.errors import ArgumentError, GalleryError
from samekind.gallery.duplicates.duplicate_group import Duplicate, DuplicateGroup
from samekind.gallery.duplicates.exact import exact_groups
from samekind.gallery.duplicates.linkage import dense_groups
from samekind.gallery.duplicates.near import exact_group, near_groups
from samekind.gallery.duplicates.pictures.picture_files import (
    PictureFile,
    read_picture_files,
    same_bytes_beside,
    single_files,
)
from samekind.gallery.duplicates.ray_workers import ray_workers
from samekind.gallery.embeddings.embedding_space import read_collection, refuse_no_similarity
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.rows import read_rows
from samekind.gallery.store.store import Store
from samekind.inference.similarity import Embeddings
from samekind.progress import Progress
from samekind.system.each import EngineName

DuplicateKind = Literal["exact", "near", "same-class"]
# The operating point at which images count as of one class.
SAME_CLASS_POINT = "strict"


def find_duplicates(
    store: Store,
    kind: DuplicateKind,
    threshold: float | None,
    *,
    related: bool = False,
    where: Condition = EVERYTHING,
    engine: EngineName = "local",
    address: str = "local",
    workers: int | None = None,
    on_progress: Progress | None = None,
    on_changed: Callable[[int], None] | None = None,
) -> list[DuplicateGroup]:
    """The groups of duplicates; ``Gallery.duplicates`` says the rest.

    Args:
        store: The gallery's file.
        kind: What counts as a duplicate.
        threshold: How alike all images of a group of one class must be; None is the model's own.
        related: Give variants and other moments of one scene, too.
        where: The condition that the images must meet.
        engine: What looks for near copies.
        address: Of a Ray cluster.
        workers: Of Ray, at most.
        on_progress: Called with ``compared``, how much is done and how much there is to do.
        on_changed: Called with the number of files left out, for they are no longer what the gallery has of them.

    Raises:
        GalleryError: No such kind, or a threshold for exact duplicates.
        ArgumentError: No such engine, or one for another kind than near copies.
        MissingExtraError: Ray is not installed.
        ClusterError: There is no cluster, or it was lost.
    """
    _refuse_engine(engine, kind)
    counted = None if on_progress is None else partial(on_progress, "compared")
    if kind == "exact":
        if threshold is not None:
            raise GalleryError("exact duplicates have no threshold: their bytes or pixels are the same")
        return _exact(store, where, on_changed)
    if kind == "near":
        warn_of_threshold(threshold)
        with nullcontext() if engine == "local" else ray_workers(address, workers) as spread:
            files = read_picture_files(store, on_changed, where=where)
            return near_groups(files, related=related, workers=spread, on_progress=counted)
    if kind == "same-class":
        return _same_class(store, threshold, where, counted, on_changed)
    raise GalleryError(f"no kind {kind!r}; there are exact, near and same-class")


def _refuse_engine(engine: str, kind: str) -> None:
    if engine not in get_args(EngineName):
        raise ArgumentError(f"engine is 'local' or 'ray', not {engine!r}")
    if engine != "local" and kind != "near":
        raise ArgumentError(f"engine {engine!r} is for near copies; {kind} duplicates are found in this process")


def warn_of_threshold(threshold: float | None) -> None:
    """Tell a program that was written for near copies with a threshold that there is none any more."""
    if threshold is not None:
        text = "near copies have no threshold: their details decide. It is not looked at; each copy has its evidence"
        warnings.warn(text, DeprecationWarning, stacklevel=4)


def _exact(store: Store, where: Condition, on_changed: Callable[[int], None] | None) -> list[DuplicateGroup]:
    ids, places = exact_groups(store, where)
    files = _files(store, [ids[place] for group in places for place in group], on_changed, where)
    groups = [[files[ids[place]] for place in group if ids[place] in files] for group in places]
    return _sorted(exact_group(group) for group in groups if len(group) > 1)


def _same_class(
    store: Store,
    threshold: float | None,
    where: Condition,
    on_progress: Callable[[int, int], None] | None,
    on_changed: Callable[[int], None] | None,
) -> list[DuplicateGroup]:
    refuse_no_similarity(threshold)
    images = read_collection(store, where=where)
    limit = images.space.threshold(SAME_CLASS_POINT) if threshold is None else threshold
    places = dense_groups(images.embeddings, limit, on_progress=on_progress)
    files = _files(store, [images.ids[place] for group in places for place in group], on_changed, where)
    groups = []
    for group in places:
        members = [files[images.ids[place]] for place in group if images.ids[place] in files]
        if len(members) > 1:
            groups.append(_of_one_class(members, _least_similarity(images.embeddings[group])))
    return _sorted(groups)


def _of_one_class(files: list[PictureFile], similarity: float) -> DuplicateGroup:
    keep, *others = sorted(files, key=lambda file: worth(file.facts))
    judged = [
        Duplicate(file.row, False, "of the same kind, no copy", None, better(keep.facts, file.facts)[1])
        for file in others
    ]
    judged.sort(key=lambda duplicate: duplicate.row.name)
    rows = sorted((file.row for file in files), key=lambda row: row.name)
    why = better(keep.facts, others[0].facts)[1]
    return DuplicateGroup(tuple(rows), keep.row, why, similarity, tuple(judged))


def _files(
    store: Store, ids: list[int], on_changed: Callable[[int], None] | None, where: Condition
) -> dict[int, PictureFile]:
    """The files of rows, that are as they were indexed, by id. Of a group whose best is gone no other is spare."""
    with store.reading() as db:
        beside = same_bytes_beside(db, where)
    rows = chain(read_rows(store, ids), read_rows(store, beside))
    single = single_files(rows, store.folder, on_changed, wanted=set(ids))
    return {row.id: PictureFile(row, (b"", b""), facts, link) for row, facts, link in single}


def _sorted(groups: Iterable[DuplicateGroup]) -> list[DuplicateGroup]:
    return sorted(groups, key=lambda group: (-len(group.rows), group.rows[0].name))


def _least_similarity(vectors: Embeddings) -> float:
    least = 1.0
    for start in range(0, len(vectors), 1024):  # a class may be large
        least = min(least, float((vectors[start : start + 1024] @ vectors.T).min()))
    return max(-1.0, least)
