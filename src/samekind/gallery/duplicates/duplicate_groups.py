"""Groups of duplicates in a gallery: the same bytes or pixels, the same picture, the same kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from samekind.errors import GalleryError
from samekind.gallery.duplicates.copies import COPY_THRESHOLD, GROUP_SLACK, find_copies
from samekind.gallery.duplicates.exact import exact_groups
from samekind.gallery.duplicates.features import read_copy_features
from samekind.gallery.duplicates.keep import worth_keeping
from samekind.gallery.duplicates.linkage import dense_groups, linked_groups
from samekind.gallery.duplicates.pairs import Pairs
from samekind.gallery.embedding_space import read_collection
from samekind.gallery.file.rows import Row, read_rows
from samekind.gallery.file.store import Store
from samekind.progress import Progress
from samekind.similarity import Embeddings

DuplicateKind = Literal["exact", "near", "same-class"]
# The operating point at which images count as of one class.
SAME_CLASS_POINT = "strict"


@dataclass(frozen=True)
class DuplicateGroup:
    """Images of which each is a duplicate of every other.

    Attributes:
        rows: The images, at least two, by name.
        keep: The one worth keeping.
        why: The reason to keep it, in words: what it has over the others.
        similarity: The similarity of the two that are least alike, in [-1, 1]: 1 for exact duplicates, the
            correlation of the pictures laid on each other for near ones, the cosine for images of one class.
    """

    rows: tuple[Row, ...]
    keep: Row
    why: str
    similarity: float

    @property
    def spare(self) -> tuple[Row, ...]:
        """The images that are not kept."""
        return tuple(row for row in self.rows if row != self.keep)


def find_duplicates(
    store: Store,
    kind: DuplicateKind,
    threshold: float | None,
    *,
    on_progress: Progress | None = None,
    on_changed: Callable[[int], None] | None = None,
) -> list[DuplicateGroup]:
    """The groups of duplicates; ``Gallery.duplicates`` says the rest.

    Args:
        store: The gallery's file.
        kind: What counts as a duplicate.
        threshold: How alike all images of a group must be; None is the kind's own.
        on_progress: Called with ``compared``, how much is done and how much there is to do.
        on_changed: Called with the number of files left out, for they are no longer what the gallery has of them.

    Raises:
        GalleryError: No such kind, or a threshold for exact duplicates.
    """
    counted = None if on_progress is None else partial(on_progress, "compared")
    if kind == "exact":
        if threshold is not None:
            raise GalleryError("exact duplicates have no threshold: their bytes or pixels are the same")
        ids, groups = exact_groups(store)
        return _described(store, ids, groups, [1.0] * len(groups), on_changed)
    if kind == "near":
        features = read_copy_features(store)
        limit = COPY_THRESHOLD if threshold is None else threshold
        pairs = find_copies(features, limit, also_above=limit - GROUP_SLACK, on_progress=counted)
        groups = linked_groups(pairs, at_least_one=limit)
        return _described(store, features.ids, groups, _least_of_pairs(pairs, groups), on_changed)
    if kind == "same-class":
        images = read_collection(store)
        limit = images.space.threshold(SAME_CLASS_POINT) if threshold is None else threshold
        groups = dense_groups(images.embeddings, limit, on_progress=counted)
        least = [_least_similarity(images.embeddings[group]) for group in groups]
        return _described(store, images.ids, groups, least, on_changed)
    raise GalleryError(f"no kind {kind!r}; there are exact, near and same-class")


def _least_of_pairs(pairs: Pairs, groups: list[list[int]]) -> list[float]:
    """The lowest similarity within each group; every pair of a group is among the pairs."""
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    least = [1.0] * len(groups)
    for first, second, similarity in zip(*(column.tolist() for column in pairs), strict=True):
        number = group_of.get(first)
        if number is not None and number == group_of.get(second):
            least[number] = min(least[number], similarity)
    return least


def _least_similarity(vectors: Embeddings) -> float:
    least = 1.0
    for start in range(0, len(vectors), 1024):  # a class may be large
        least = min(least, float((vectors[start : start + 1024] @ vectors.T).min()))
    return max(-1.0, least)


def _described(
    store: Store,
    ids: Sequence[int],
    groups: Iterable[Sequence[int]],
    similarities: Sequence[float],
    on_changed: Callable[[int], None] | None,
) -> list[DuplicateGroup]:
    """Groups of places in ``ids`` as groups of rows, the largest first, of files that are as they were indexed.

    Of a group whose best copy is gone the others must not be called spare.
    """
    groups = list(groups)
    listed = list(read_rows(store, [ids[i] for group in groups for i in group]))
    rows = {row.id: row for row in listed if _is_as_indexed(row)}
    if on_changed and len(rows) < len(listed):
        on_changed(len(listed) - len(rows))
    described = []
    for group, similarity in zip(groups, similarities, strict=True):
        # One may have been removed just now.
        members = sorted((rows[ids[i]] for i in group if ids[i] in rows), key=lambda row: row.name)
        if len(members) > 1:
            keep, why = worth_keeping(members)
            described.append(DuplicateGroup(tuple(members), keep, why, similarity))
    return sorted(described, key=lambda group: (-len(group.rows), group.rows[0].name))


def _is_as_indexed(row: Row) -> bool:
    try:
        status = row.path.stat()
    except OSError:
        return False
    return status.st_size == row.size and row.mtime_ns in (status.st_mtime_ns, -1)
