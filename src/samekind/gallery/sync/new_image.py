"""One image file whose content is new: the network's input, and what a gallery keeps beside its embedding."""

from __future__ import annotations

from dataclasses import dataclass

from samekind.gallery.duplicates.pictures.perceptual_hash import perceptual_hash
from samekind.gallery.duplicates.pictures.small_picture import read_small_picture
from samekind.images import DecodedImage, ImageSource, read_image


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


def read_new_image(source: ImageSource, size: int) -> NewImage:
    """Decode an image and note what a gallery keeps of it. Of a JPEG whose end is missing, what is there counts.

    Args:
        source: The file, or a frame of a video.
        size: S, the side of the network's input in pixels.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    decoded = read_image(source, size, damaged="read")
    return NewImage(decoded, perceptual_hash(decoded.pixels), read_small_picture(source))
