"""Local features of a small picture, as bits: what two copies have in common however they are turned, cut or mirrored.

Keypoints are those of Lowe, "Distinctive image features from scale-invariant keypoints", 2004. Of each descriptor's 128
numbers one bit is kept, whether it is above their median (Zhou, Lu, Li and Tian, "Scalar quantization for large scale
image search", 2012): 16 bytes instead of 128, compared by counting the bits that differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BITS = 128
# Kept of a picture at most; the strongest of each cell of a grid first, so that a crop has some wherever it was cut.
MOST_FEATURES = 128
_GRID = 4
# Half of OpenCV's: faint detail is better than none.
_LEAST_CONTRAST = 0.02
_LITTLE_CONTRAST, _MOST_GAIN = 60, 12.0
# Bits in which two features of one picture may differ that are one thing twice, and the part of them that has such
# a twin: of photographs mostly 0.03 to 0.16, of scores, pages and slides 0.35 and more.
_HARDLY_APART, _MANY_REPEATED = 16, 0.25


@dataclass(frozen=True)
class Features:
    """The local features of a picture.

    Attributes:
        points: float32 (K, 2), x and y in pixels of the small picture.
        scales: float32 (K,), diameters in pixels.
        angles: float32 (K,), degrees, clockwise from the x axis.
        bits: uint8 (K, 16), the packed bits of the descriptors.
    """

    points: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def repeated(self) -> bool:
        """Whether a quarter of them have another in this very picture that hardly differs, as notes and letters do."""
        if len(self) < 2:
            return False
        product = signs(self.bits) @ signs(self.bits).T
        np.fill_diagonal(product, -BITS)
        return bool(np.mean(product.max(axis=1) >= BITS - 2 * _HARDLY_APART) >= _MANY_REPEATED)


def find_features(pixels: NDArray[np.uint8]) -> Features:
    """The features of a small picture.

    Args:
        pixels: uint8 (H, W, 3), RGB.

    Example:
        >>> len(find_features(np.zeros((64, 64, 3), np.uint8)))
        0
    """
    grey = _stretched(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    # All are described, though a part is kept: that takes less than a second pass over the picture.
    keypoints, descriptors = _sift().detectAndCompute(grey, None)
    if not keypoints:
        none = np.empty(0, np.float32)
        return Features(np.empty((0, 2), np.float32), none, none, np.empty((0, BITS // 8), np.uint8))
    table = np.array([(*k.pt, k.size, k.angle, k.response) for k in keypoints], np.float32)
    kept = _spread(table[:, :2], table[:, 4], grey.shape)
    descriptors = descriptors[kept]
    rising = np.sort(descriptors, axis=1)
    median = rising[:, BITS // 2 - 1 : BITS // 2 + 1].mean(axis=1, keepdims=True)  # ten times as fast as np.median
    bits = np.packbits(descriptors > median, axis=1)
    return Features(table[kept, :2], table[kept, 2], table[kept, 3], bits)


def signs(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Packed bits, uint8 (K, 16), as float32 (K, 128) of -1 and 1.

    The product of two rows is 128 less twice the bits that differ.
    """
    return np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1


def mirrored_bits(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bits that the features would have in the mirror image of their picture.

    A descriptor is 4 × 4 cells along and across the feature's direction, of 8 directions each; a mirror exchanges the
    sides across and turns the directions back.
    """
    return np.packbits(np.unpackbits(bits, axis=1)[:, _MIRROR], axis=1)


_CELLS = np.arange(BITS).reshape(4, 4, 8)
_MIRROR = _CELLS[::-1][:, :, -np.arange(8) % 8].ravel()


@cache
def _sift() -> Any:
    return cv2.SIFT.create(nfeatures=4 * MOST_FEATURES, contrastThreshold=_LEAST_CONTRAST)


def _stretched(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of little contrast, such as a night's, with more: smoothed a little, over the whole range."""
    low, high = np.percentile(grey, (1, 99))
    if high - low >= _LITTLE_CONTRAST:
        return grey
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.5)
    gain = min(255 / max(1.0, float(high - low)), _MOST_GAIN)
    return np.asarray(((smooth - (high + low) / 2) * gain + 127.5).clip(0, 255), np.uint8)


def _spread(points: NDArray[np.float32], strength: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Which features are kept: the strongest of each cell, then each cell's second, and so on."""
    cell = (points * _GRID // (shape[1], shape[0])).clip(0, _GRID - 1).astype(np.int64) @ (1, _GRID)
    order = np.lexsort((-strength, cell))
    starts = np.searchsorted(cell[order], cell[order])
    rank = np.arange(len(order)) - starts
    kept = order[np.lexsort((-strength[order], rank))][:MOST_FEATURES]
    return np.asarray(kept)
