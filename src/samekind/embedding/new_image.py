"""One image whose content is new: the network's input, and what is kept beside its embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samekind.embedding.perceptual_hash import perceptual_hash
from samekind.embedding.small_picture import read_small_picture
from samekind.images import DecodedImage, ImageSource, Square, read_image
from samekind.inference.encoder import OnnxEncoder

# Images for each run of the network.
NETWORK_BATCH = 8


@dataclass(frozen=True)
class NewImage:
    """An image and the features by which its copies are found.

    Attributes:
        decoded: The image, its size and its date.
        phash: The perceptual hash, 8 bytes.
        picture: The small picture and its local features, as they are kept.
    """

    decoded: DecodedImage
    phash: bytes
    picture: tuple[bytes, bytes]


def read_new_image(source: ImageSource, square: Square, name: str | None = None) -> NewImage:
    """Decode an image and note what is kept of it. Of a JPEG whose end is missing, what is there counts.

    Args:
        source: The file, its bytes, or a frame of a video.
        square: What the network gets.
        name: As ``read_image``.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    decoded = read_image(source, square, damaged="read", name=name)
    # Copies are told by the whole picture, whatever the network is shown of it.
    whole = decoded if square == Square(square.side) else read_image(source, square.side, damaged="read", name=name)
    return NewImage(decoded, perceptual_hash(whole.pixels), read_small_picture(source, name))


def stored_embeddings(images: Sequence[NewImage], encoder: OnnxEncoder) -> list[bytes]:
    """The embedding of each image as it is kept: float16 (D,), of unit length but for the rounding.

    It does not depend on what other images there are.
    """
    embeddings: list[bytes] = []
    for start in range(0, len(images), NETWORK_BATCH):
        pixels = np.stack([image.decoded.pixels for image in images[start : start + NETWORK_BATCH]])
        embeddings += [row.tobytes() for row in encoder.encode_pixels(pixels).astype(np.float16)]
    return embeddings
