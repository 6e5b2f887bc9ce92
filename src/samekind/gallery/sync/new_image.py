"""One image file whose content is new: the network's input, and what a gallery keeps beside its embedding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.gallery.duplicates.features import grey_thumbnail, perceptual_hash
from samekind.images import DecodedImage, read_image


@dataclass(frozen=True)
class NewImage:
    """An image and the features by which its copies are found.

    Attributes:
        decoded: The image, its size and its date.
        thumbnail: The image in grey, uint8 (32, 32).
        phash: The perceptual hash, 8 bytes.
    """

    decoded: DecodedImage
    thumbnail: NDArray[np.uint8]
    phash: bytes


def read_new_image(path: Path, size: int) -> NewImage:
    """Decode an image once and note what a gallery keeps of it. Of a JPEG whose end is missing, what is there counts.

    Args:
        path: The file.
        size: S, the side of the network's input in pixels.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    decoded = read_image(path, size, damaged="read")
    thumbnail = grey_thumbnail(decoded.pixels)
    return NewImage(decoded, thumbnail, perceptual_hash(thumbnail))
