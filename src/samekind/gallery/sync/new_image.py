"""One image file whose content is new: the network's input, and what a gallery keeps beside its embedding."""

from __future__ import annotations

from dataclasses import dataclass

from samekind.gallery.duplicates.pictures.perceptual_hash import perceptual_hash
from samekind.gallery.duplicates.pictures.small_picture import read_small_picture
from samekind.images import DecodedImage, ImageSource, Square, read_image


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


def read_new_image(source: ImageSource, square: Square) -> NewImage:
    """Decode an image and note what a gallery keeps of it. Of a JPEG whose end is missing, what is there counts.

    Args:
        source: The file, or a frame of a video.
        square: What the network gets.

    Raises:
        ImageError: It cannot be read as an image; the message names it.
    """
    decoded = read_image(source, square, damaged="read")
    # Copies are told by the whole picture, whatever the network is shown of it.
    whole = decoded if square == Square(square.side) else read_image(source, square.side, damaged="read")
    return NewImage(decoded, perceptual_hash(whole.pixels), read_small_picture(source))
