"""A perceptual hash of each image, by which those are found that may have the same pixels."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.gallery.duplicates.pairs import Pairs, join_pairs, similar_pairs
from samekind.images import Pixels

HASH_BITS = 64
_MOST_BITS_APART = 6


def perceptual_hash(pixels: Pixels) -> bytes:
    """The signs of an image's 64 lowest frequencies about their median: ``imagehash.phash``.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        8 bytes; alike images differ in few bits.

    Example:
        >>> len(perceptual_hash(np.zeros((32, 32, 3), np.uint8)))
        8
    """
    return np.packbits(imagehash.phash(Image.fromarray(pixels)).hash).tobytes()


def hash_pairs(hashes: NDArray[np.uint8]) -> Pairs:
    """The pairs whose perceptual hashes, uint8 (N, 8), differ in at most six bits."""
    # As signs of unit length two hashes with h different bits have the cosine 1 - 2 h / 64.
    signs = (np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1) / np.float32(HASH_BITS**0.5)
    return join_pairs(similar_pairs(signs, 1 - (2 * _MOST_BITS_APART + 1) / HASH_BITS))
