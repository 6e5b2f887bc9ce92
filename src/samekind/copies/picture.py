"""What is kept of a picture to find its copies by: a small version of it, and its local features."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.copies.features import BITS, Features, find_features

# The longer side of the small version, in pixels, and the quality at which it is kept: about 4 kB of WebP.
SMALL_SIDE, _QUALITY = 192, 45
# Features are found on a larger version: in the small one the letters of a page are specks.
_FEATURE_SIDE = 256
_POINT = 4  # a kept point is so many parts of a pixel


@dataclass(frozen=True)
class Picture:
    """A picture in small.

    Attributes:
        pixels: uint8 (h, w, 3), RGB, upright, the longer side 192 pixels or what the picture has, if that is less.
        features: The local features, in pixels of ``pixels``.
    """

    pixels: NDArray[np.uint8]
    features: Features

    @property
    def grey(self) -> NDArray[np.uint8]:
        """uint8 (h, w)."""
        grey: NDArray[np.uint8] = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY)
        return grey


def describe_picture(pixels: NDArray[np.uint8]) -> Picture:
    """A picture in small, from its pixels.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright, with the sides' true ratio; 256 pixels or more are enough.

    Example:
        >>> describe_picture(np.zeros((300, 400, 3), np.uint8)).pixels.shape
        (144, 192, 3)
    """
    large = shrunk(pixels, _FEATURE_SIDE)
    small = shrunk(large, SMALL_SIDE)
    found = find_features(large)
    ratio = np.float32(small.shape[1] / large.shape[1])
    return Picture(small, Features(found.points * ratio, found.scales * ratio, found.angles, found.bits))


def packed(picture: Picture) -> tuple[bytes, bytes]:
    """A picture as it is kept: the small version as WebP, about 4 kB, and its features, 22 bytes each.

    Example:
        >>> small, features = packed(describe_picture(np.zeros((300, 400, 3), np.uint8)))
        >>> unpacked(small, features).pixels.shape
        (144, 192, 3)
    """
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, "WEBP", quality=_QUALITY, method=2)
    found = picture.features
    numbers = np.column_stack([found.points * _POINT, found.scales * 64]).round().clip(0, 65535).astype("<u2")
    angles = (found.angles * (256 / 360)).round().astype(np.int64) % 256
    return buffer.getvalue(), numbers.tobytes() + angles.astype(np.uint8).tobytes() + found.bits.tobytes()


def unpacked(small: bytes, features: bytes) -> Picture:
    """The picture of what ``packed`` gave."""
    with Image.open(io.BytesIO(small)) as image:
        pixels = np.asarray(image.convert("RGB"))
    return Picture(pixels, unpacked_features(features))


def unpacked_features(features: bytes) -> Features:
    """The features of what ``packed`` gave second."""
    count = len(features) // (7 + BITS // 8)
    numbers = np.frombuffer(features, "<u2", 3 * count).reshape(count, 3).astype(np.float32)
    angles = np.frombuffer(features, np.uint8, count, 6 * count).astype(np.float32) * np.float32(360 / 256)
    bits = np.frombuffer(features, np.uint8, count * BITS // 8, 7 * count).reshape(count, BITS // 8)
    return Features(numbers[:, :2] / _POINT, numbers[:, 2] / 64, angles, bits)


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture whose longer side has at most so many pixels."""
    height, width = pixels.shape[:2]
    ratio = side / max(height, width)
    if ratio >= 1:
        return pixels
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small
