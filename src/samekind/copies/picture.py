"""What is kept of a picture to find its copies by: a small version of it, and its local features."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.copies.features import BITS, Features, find_features
from samekind.errors import ImageError

# The longer side of the small version, in pixels, and the quality at which it is kept: about 4 kB of WebP.
SMALL_SIDE, _QUALITY = 192, 45
# Features are found on a larger version: in the small one the letters of a page are specks.
_FEATURE_SIDE = 256
_POINT = 4  # a kept point is so many parts of a pixel
_BLURRED = 0.25  # the part of a small picture's sides at which two of them are looked at first
SQUARE_SIDE = 24  # of the whole picture, squashed
_DECODED = 256  # small pictures that are held decoded, about 80 kB each


@dataclass(frozen=True)
class Picture:
    """A picture in small. What is kept as WebP is decoded where it is needed: most pairs are told apart without.

    Attributes:
        small: uint8 (h, w, 3), RGB, upright, the longer side 192 pixels or what the picture has, if that is less; or
            the same as WebP.
        features: The local features, in pixels of ``pixels``.
    """

    small: NDArray[np.uint8] | bytes
    features: Features

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (h, w, 3)."""
        return _decoded(self.small) if isinstance(self.small, bytes) else self.small

    @property
    def grey(self) -> NDArray[np.uint8]:
        """uint8 (h, w)."""
        grey: NDArray[np.uint8] = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY)
        return grey

    @property
    def shape(self) -> tuple[int, int]:
        """The height and the width of ``pixels``."""
        return self._glance[0]

    @property
    def blurred(self) -> NDArray[np.uint8]:
        """uint8 (h / 4, w / 4), the picture in grey at a quarter of the small one's size."""
        return self._glance[1]

    @property
    def square(self) -> NDArray[np.float32]:
        """float32 (24, 24), the whole picture in grey, squashed; mean 0, variance 1."""
        return self._glance[2]

    @cached_property
    def _glance(self) -> tuple[tuple[int, int], NDArray[np.uint8], NDArray[np.float32]]:
        grey = self.grey
        square = cv2.resize(grey, (SQUARE_SIDE, SQUARE_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        square = (square - square.mean()) / max(1.0, float(square.std()))
        return (grey.shape[0], grey.shape[1]), reduced(grey, _BLURRED), square

    def key(self) -> bytes:
        """Bytes by which pictures are put into an order."""
        return self.small if isinstance(self.small, bytes) else self.small.tobytes()


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
    return Picture(small, unpacked_features(features))


def unpacked_features(features: bytes) -> Features:
    """The features of what ``packed`` gave second."""
    count = len(features) // (7 + BITS // 8)
    numbers = np.frombuffer(features, "<u2", 3 * count).reshape(count, 3).astype(np.float32)
    angles = np.frombuffer(features, np.uint8, count, 6 * count).astype(np.float32) * np.float32(360 / 256)
    bits = np.frombuffer(features, np.uint8, count * BITS // 8, 7 * count).reshape(count, BITS // 8)
    return Features(numbers[:, :2] / np.float32(_POINT), numbers[:, 2] / np.float32(64), angles, bits)


@lru_cache(_DECODED)
def _decoded(small: bytes) -> NDArray[np.uint8]:
    # With the same library as Pillow decodes it, to the same pixels, in less than half the time.
    pixels = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR) if small else None
    if pixels is None:
        raise ImageError("a small picture in the gallery is damaged; move the gallery away and index the folder again")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def reduced(grey: NDArray[np.uint8], ratio: float) -> NDArray[np.uint8]:
    """A grey picture at a part of its size, eight pixels at least; as it is for a ratio of 1 and more."""
    if ratio >= 1:
        return grey
    size = (max(8, round(grey.shape[1] * ratio)), max(8, round(grey.shape[0] * ratio)))
    small: NDArray[np.uint8] = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return small


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture whose longer side has at most so many pixels."""
    height, width = pixels.shape[:2]
    ratio = side / max(height, width)
    if ratio >= 1:
        return pixels
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small
