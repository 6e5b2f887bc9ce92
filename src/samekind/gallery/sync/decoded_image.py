"""One image file, decoded once: the network's input, and what a gallery keeps of an image beside its embedding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.duplicates.features import grey_thumbnail, perceptual_hash
from samekind.images import Pixels, read_image


@dataclass(frozen=True)
class DecodedImage:
    """An image and its features.

    Attributes:
        pixels: The network's input, uint8 (S, S, 3).
        width: The pixels of a line, upright.
        height: The number of lines, upright.
        taken: The EXIF date, ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; None if there is none.
        thumbnail: The image in grey, uint8 (32, 32).
        phash: The perceptual hash, 8 bytes.
        damage: What is missing of the file, in words; None if it is whole.
    """

    pixels: Pixels
    width: int
    height: int
    taken: str | None
    thumbnail: NDArray[np.uint8]
    phash: bytes
    damage: str | None = None


def decode_image(path: Path, size: int) -> DecodedImage:
    """Decode an image once and note what a gallery keeps of it.

    Args:
        path: The file.
        size: S, the side of the network's input in pixels.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    image = read_image(path, size, damaged="read")
    thumbnail = grey_thumbnail(image.pixels)
    return DecodedImage(
        image.pixels, image.width, image.height, image.taken, thumbnail, perceptual_hash(thumbnail), image.damage
    )
