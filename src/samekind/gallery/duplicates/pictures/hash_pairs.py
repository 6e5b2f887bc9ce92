"""Pairs of images that may have the same pixels, by their perceptual hashes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.duplicates.pairs import Pairs, join_pairs, similar_pairs

HASH_BITS = 64
_MOST_BITS_APART = 6


def hash_pairs(hashes: NDArray[np.uint8]) -> Pairs:
    """The pairs whose perceptual hashes, uint8 (N, 8), differ in at most six bits."""
    # As signs of unit length two hashes with h different bits have the cosine 1 - 2 h / 64.
    signs = (np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1) / np.float32(HASH_BITS**0.5)
    return join_pairs(similar_pairs(signs, 1 - (2 * _MOST_BITS_APART + 1) / HASH_BITS))
