"""Groups of duplicates in a gallery: the same bytes or pixels, the same picture, the same kind of thing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from samekind.card import PairCalibration
from samekind.errors import GalleryError
from samekind.gallery.copies import COPY_THRESHOLD, GROUP_SLACK, find_copies, hash_pairs, read_copy_features
from samekind.gallery.embeddings import read_embeddings
from samekind.gallery.keep import worth_keeping
from samekind.gallery.linkage import dense_groups, linked_groups
from samekind.gallery.pairs import Pairs
from samekind.gallery.rows import Row, read_rows
from samekind.gallery.store import Store
from samekind.similarity import Embeddings

DuplicateKind = Literal["exact", "near", "same-class"]

# Formats of which Pillow keeps every bit, or says by ";16" that it does not; others (JPEG 2000, PPM) it may round.
_KEPT_WHOLE = frozenset({"BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"})
_EIGHT_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})


@dataclass(frozen=True)
class DuplicateGroup:
    """Images of which each is a duplicate of every other.

    Attributes:
        rows: The images, at least two, by name.
        keep: The one worth keeping.
        why: What it has over the others, in words.
        similarity: Of the two that are least alike, in [-1, 1]: 1 for exact duplicates, the
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
    link: PairCalibration,
    kind: DuplicateKind,
    threshold: float | None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_changed: Callable[[int], None] | None = None,
) -> list[DuplicateGroup]:
    """The groups of duplicates; ``Gallery.duplicates`` says the rest.

    Args:
        store: The gallery's file.
        link: Of the gallery's model, for the threshold of ``same-class``.
        kind: Which.
        threshold: How alike all images of a group must be; None is the kind's own.
        on_progress: Called with how much is done, and how much there is to do.
        on_changed: Called with the number of files left out, for they are no longer what the gallery has of them.

    Raises:
        GalleryError: No such kind, or a threshold for exact duplicates.
    """
    if kind == "exact":
        if threshold is not None:
            raise GalleryError("exact duplicates have no threshold: their bytes or pixels are the same")
        ids, groups = _exact_groups(store)
        return _described(store, ids, groups, [1.0] * len(groups), on_changed)
    if kind == "near":
        features = read_copy_features(store)
        limit = COPY_THRESHOLD if threshold is None else threshold
        pairs = find_copies(features, limit, also_above=limit - GROUP_SLACK, on_progress=on_progress)
        groups = linked_groups(pairs, at_least_one=limit)
        return _described(store, features.ids, groups, _least_of_pairs(pairs, groups), on_changed)
    if kind == "same-class":
        ids, vectors = read_all_embeddings(store)
        points = link.operating_points
        limit = points.get("strict", points["balanced"]).threshold if threshold is None else threshold
        groups = dense_groups(vectors, limit, on_progress=on_progress)
    else:
        raise GalleryError(f"no kind {kind!r}; there are exact, near and same-class")
    return _described(store, ids, groups, [_least_similarity(vectors[group]) for group in groups], on_changed)


def read_all_embeddings(store: Store) -> tuple[list[int], Embeddings]:
    """The ids and embeddings, float32 (N, D), of all images."""
    with store.reading() as db:
        chunks = list(read_embeddings(db))
    if not chunks:
        return [], np.empty((0, 1), np.float32)
    return np.concatenate([ids for ids, _ in chunks]).tolist(), np.concatenate([vectors for _, vectors in chunks])


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


def _exact_groups(store: Store) -> tuple[list[int], list[list[int]]]:
    """Ids, and groups of places among them.

    Files with the same bytes are the same. Files with the same pixels (saved again without loss, or with other
    metadata) have nearly the same perceptual hash; such pairs are decoded whole and compared.
    """
    with store.reading() as db:
        rows = db.execute(
            "SELECT id, path, sha256, width, height, phash FROM images WHERE embedding IS NOT NULL ORDER BY path"
        ).fetchall()
    first_with: dict[bytes, int] = {}
    content = [first_with.setdefault(row[2], place) for place, row in enumerate(rows)]
    of_size = defaultdict(list)
    for place in first_with.values():
        of_size[rows[place][3:5]].append(place)
    suspects: set[int] = set()
    for places in of_size.values():
        pairs = hash_pairs(np.frombuffer(b"".join(rows[i][5] for i in places), np.uint8).reshape(len(places), -1))
        suspects.update(places[i] for i in np.union1d(pairs.first, pairs.second))
    pixels = {place: _pixel_digest(store.folder / rows[place][1]) for place in suspects}
    groups = defaultdict(list)
    for place, first in enumerate(content):
        groups[pixels.get(first) or rows[first][2]].append(place)
    return [row[0] for row in rows], [group for group in groups.values() if len(group) > 1]


def _pixel_digest(path: Path) -> bytes | None:
    """A hash of all pixels, upright; None if they cannot be read (any more), all of them and whole."""
    try:
        with Image.open(path) as image:
            eight = image.mode in _EIGHT_BITS
            rounded = eight and any(";16" in str(tile[3]) for tile in image.tile)
            if image.format not in _KEPT_WHOLE or rounded or getattr(image, "n_frames", 1) > 1:
                return None
            upright = ImageOps.exif_transpose(image)
            # With palette and transparency. A conversion of deeper pixels would cut them off.
            upright = upright.convert("RGBA") if eight else upright
            pixels = upright.tobytes()
    except Exception:  # Pillow's decoders raise almost anything; what is not readable is no exact duplicate
        return None
    return hashlib.sha256(f"{upright.mode} {upright.size} ".encode() + pixels).digest()


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
