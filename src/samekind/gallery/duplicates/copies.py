"""Which images are copies of each other: recompressed, resized, cropped, mirrored, grey, or turned a little.

Candidates come from the descriptors, whitened by the gallery's own images, so that what is common in them counts little
and what is rare counts much; and from the perceptual hashes. Candidates are then looked at: the small pictures are laid
on each other, and the correlation that can be reached decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from samekind.gallery.duplicates.features import HASH_BITS, THUMBNAIL_SIDE, CopyFeatures
from samekind.gallery.duplicates.pairs import Pairs, join_pairs, similar_pairs
from samekind.gallery.duplicates.registration import registered_correlation
from samekind.similarity import Embeddings

Places = NDArray[np.int64]

# Calibrated on copies planted among Imagenette's training images and Caltech-101 (docs/adr/0012): of true copies 99 %
# reach it, of the look-alikes among the candidates 0.5 %.
COPY_THRESHOLD = 0.86
# In a group of copies two may be so much less alike than copies of one another must be: one was cut, the other turned.
GROUP_SLACK = 0.16

_MOST_BITS_APART = 6
# What correlates less in one direction does not reach the threshold in the other.
_PROMISING = 0.6
_MOST_FRIENDS = 64
# Descriptors by which the whitening is fitted, and dimensions that are kept of them.
_FITTED_ON, _DIMENSIONS = 20_000, 400
# About so many candidates an image, fewer in a large gallery, where chance alikeness can be told from copies:
# there they must stand out by so many deviations.
_CANDIDATES, _DEVIATIONS, _LARGE = 10, 5.0, 2_000
_SAMPLED_PAIRS, _SAMPLED_AT_ONCE = 2_000_000, 20_000
_LOOKED_AT_ONCE = 1024


def find_copies(
    features: CopyFeatures,
    threshold: float = COPY_THRESHOLD,
    *,
    also_above: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pairs:
    """The pairs of images that are copies of each other.

    Args:
        features: Of the images.
        threshold: The least correlation of the two small pictures, laid on each other.
        also_above: Give the pairs down to this correlation too, for the other members of a group.
        on_progress: Called with the number of doubtful candidates looked at, and their number.

    Returns:
        Pairs of places in ``features`` and their correlation, 1 where the bytes are the same.
    """
    if len(features.ids) < 2:
        return join_pairs(iter(()))
    limit = threshold if also_above is None else also_above
    first, second = _candidates(features)
    correlation = _correlations(features, first, second, threshold, on_progress)
    # What is like the same picture is worth a look, even where the descriptors are not alike.
    count = len(features.ids)
    one, other = _friends_of_friends(first[correlation >= limit], second[correlation >= limit], count)
    unknown = ~np.isin(one * count + other, first * count + second)
    one, other = one[unknown], other[unknown]
    first, second = np.concatenate([first, one]), np.concatenate([second, other])
    correlation = np.concatenate([correlation, _correlations(features, one, other, threshold, on_progress)])
    found = correlation >= limit
    return Pairs(first[found], second[found], correlation[found])


def _correlations(
    features: CopyFeatures,
    first: Places,
    second: Places,
    threshold: float,
    on_progress: Callable[[int, int], None] | None,
) -> NDArray[np.float32]:
    """How well the pictures of each pair can be laid on each other; no better than needed, where less is enough."""
    same_bytes = features.content[first] == features.content[second]
    correlation = np.where(same_bytes, np.float32(1), _plain_correlation(features.thumbnails, first, second))
    # Most copies need no more. Those that were cut or turned are laid on the other; where that almost succeeds the
    # other is laid on them.
    for one, other, least in ((first, second, -1.0), (second, first, _PROMISING)):
        rest = np.flatnonzero((correlation < threshold) & (correlation >= least))
        for start in range(0, len(rest), _LOOKED_AT_ONCE):
            part = rest[start : start + _LOOKED_AT_ONCE]
            reached = registered_correlation(features.thumbnails[one[part]], features.thumbnails[other[part]])
            correlation[part] = np.maximum(correlation[part], reached)
            if on_progress and one is first:
                on_progress(min(start + _LOOKED_AT_ONCE, len(rest)), len(rest))
    return correlation


def _friends_of_friends(first: Places, second: Places, count: int) -> tuple[Places, Places]:
    """All pairs within each connected part of a graph, but of parts so large that they are no longer copies."""
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    _, part = connected_components(links, directed=False)
    order = np.argsort(part, kind="stable")
    ends = np.flatnonzero(np.diff(part[order])) + 1
    parts = [members for members in np.split(order, ends) if 2 < len(members) <= _MOST_FRIENDS]
    pairs = [np.stack(np.triu_indices(len(members), 1)) for members in parts]
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.concatenate([members[pair] for members, pair in zip(parts, pairs, strict=True)], axis=1)
    return places[0], places[1]


def hash_pairs(hashes: NDArray[np.uint8]) -> Pairs:
    """The pairs whose perceptual hashes, uint8 (N, 8), differ in at most six bits."""
    # As signs of unit length two hashes with h different bits have the cosine 1 - 2 h / 64.
    signs = (np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1) / np.float32(HASH_BITS**0.5)
    return join_pairs(similar_pairs(signs, 1 - (2 * _MOST_BITS_APART + 1) / HASH_BITS))


def whitened(descriptors: NDArray[np.float32]) -> Embeddings:
    """Descriptors whose directions all vary alike over the gallery, float32 (N, d), unit rows.

    The covariance is shrunk as far as few images demand: Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", 2004. Whitening for retrieval: Jégou and Chum, "Negative evidences and
    co-occurrences in image retrieval", 2012.
    """
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415 - takes a second, which a search need not wait

    spread = descriptors.std(axis=0)
    standard = descriptors - descriptors.mean(axis=0)
    standard /= np.where(spread > 1e-6, spread, 1).astype(np.float32)
    sample = standard[:: -(-len(standard) // _FITTED_ON)]
    variance, directions = np.linalg.eigh(ledoit_wolf(sample)[0])
    scaled = directions[:, -_DIMENSIONS:] / np.sqrt(np.maximum(variance[-_DIMENSIONS:], 1e-9))
    rows: Embeddings = (standard @ scaled.astype(np.float32)).astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return rows


def _candidates(features: CopyFeatures) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    vectors = whitened(features.descriptors)
    alike = join_pairs(similar_pairs(vectors, _candidate_threshold(vectors)))
    hashed = hash_pairs(features.hashes)
    count = len(vectors)
    keys = np.union1d(alike.first * count + alike.second, hashed.first * count + hashed.second)
    return keys // count, keys % count


def _candidate_threshold(vectors: Embeddings) -> float:
    """The cosine above which pairs are worth a look: from a sample of pairs, hardly any of which are copies."""
    count = len(vectors)
    rng = np.random.default_rng(0)
    sampled = min(_SAMPLED_PAIRS, count * count)
    cosine = np.concatenate(
        [
            np.einsum("ij,ij->i", vectors[rng.integers(0, count, part)], vectors[rng.integers(0, count, part)])
            for part in [_SAMPLED_AT_ONCE] * (sampled // _SAMPLED_AT_ONCE) + [sampled % _SAMPLED_AT_ONCE]
        ]
    )
    median = np.median(cosine)
    deviation = 1.4826 * np.median(np.abs(cosine - median))
    needed = median + _DEVIATIONS * min(1.0, count / _LARGE) * deviation
    return float(max(needed, np.quantile(cosine, max(0.0, 1 - 2 * _CANDIDATES / count))))


def _plain_correlation(
    thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The correlation of pictures as they are, or of one with the other's mirror image, whichever is higher."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), THUMBNAIL_SIDE)  # of noise within one grey level
    mirrored = flat.reshape(thumbnails.shape)[:, :, ::-1].reshape(len(flat), -1)
    best = np.empty(len(first), np.float32)
    for start in range(0, len(first), 4096):
        part = slice(start, start + 4096)
        one = flat[first[part]]
        best[part] = np.maximum(*(np.einsum("ij,ij->i", one, other[second[part]]) for other in (flat, mirrored)))
    return best
