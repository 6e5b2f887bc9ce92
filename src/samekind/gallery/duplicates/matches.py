"""Which images of one gallery are in another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from samekind.errors import GalleryError
from samekind.gallery.duplicates.copies import COPY_THRESHOLD, find_copies
from samekind.gallery.duplicates.duplicate_groups import SAME_CLASS_POINT, DuplicateKind
from samekind.gallery.duplicates.features import CopyFeatures, read_copy_features
from samekind.gallery.duplicates.pairs import similar_pairs
from samekind.gallery.embedding_space import read_collection
from samekind.gallery.file.rows import Row, read_rows
from samekind.gallery.file.store import Store


@dataclass(frozen=True)
class Match:
    """An image of one gallery and its best counterpart in the other.

    Attributes:
        row: The image.
        other: Its counterpart.
        similarity: The similarity of the two, as of a ``DuplicateGroup``.
    """

    row: Row
    other: Row
    similarity: float


def find_matches(store: Store, other: Store, kind: DuplicateKind, threshold: float | None) -> list[Match]:
    """The matches, by name; ``Gallery.matches`` says the rest.

    Raises:
        GalleryError: No such kind, or a threshold for exact matches.
    """
    if kind == "exact":
        if threshold is not None:
            raise GalleryError("exact matches have no threshold: their bytes are the same")
        return _named(store, other, _same_bytes(store, other))
    if kind == "near":
        limit = COPY_THRESHOLD if threshold is None else threshold
        return _named(store, other, _copies(read_copy_features(store), read_copy_features(other), limit))
    if kind == "same-class":
        return _named(store, other, _same_class(store, other, threshold))
    raise GalleryError(f"no kind {kind!r}; there are exact, near and same-class")


# The id of an image, that of one in the other gallery, and how alike they are.
_Found = Iterable[tuple[int, int, float]]


def _same_bytes(store: Store, other: Store) -> _Found:
    contents = []
    for one in (store, other):
        with one.reading() as db:
            contents.append(db.execute("SELECT sha256, id FROM images WHERE embedding IS NOT NULL").fetchall())
    theirs = dict(contents[1])
    return [(image, theirs[sha256], 1.0) for sha256, image in contents[0] if sha256 in theirs]


def _copies(mine: CopyFeatures, theirs: CopyFeatures, threshold: float) -> _Found:
    both = CopyFeatures(
        mine.ids + theirs.ids,
        *(
            np.concatenate([getattr(mine, name), getattr(theirs, name)])
            for name in ("content", "descriptors", "hashes", "thumbnails")
        ),
    )
    for first, second, similarity in zip(*(column.tolist() for column in find_copies(both, threshold)), strict=True):
        if first < len(mine.ids) <= second:
            yield both.ids[first], both.ids[second], similarity


def _same_class(store: Store, other: Store, threshold: float | None) -> _Found:
    mine = read_collection(store)
    theirs = read_collection(other, mine.space)
    limit = mine.space.threshold(SAME_CLASS_POINT) if threshold is None else threshold
    for pairs in similar_pairs(mine.embeddings, limit, theirs.embeddings):
        for first, second, similarity in zip(*(column.tolist() for column in pairs), strict=True):
            yield mine.ids[first], theirs.ids[second], similarity


def _named(store: Store, other: Store, found: _Found) -> list[Match]:
    best: dict[int, tuple[float, int]] = {}
    for image, counterpart, similarity in found:
        best[image] = max(best.get(image, (-2.0, 0)), (similarity, counterpart))
    rows = {row.id: row for row in read_rows(store, list(best))}
    others = {row.id: row for row in read_rows(other, [counterpart for _, counterpart in best.values()])}
    matches = [
        Match(rows[image], others[counterpart], similarity)
        for image, (similarity, counterpart) in best.items()
        if image in rows and counterpart in others  # one may have been removed just now
    ]
    return sorted(matches, key=lambda match: match.row.name)
