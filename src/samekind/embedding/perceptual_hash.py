"""A perceptual hash of each image, by which those are found that may have the same pixels."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image

from samekind.images import Pixels


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
