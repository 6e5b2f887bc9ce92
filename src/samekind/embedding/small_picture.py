"""The small picture of a file, by which its copies are found, and its pixels, by which they are judged."""

from __future__ import annotations

from samekind.copies.picture import describe_picture, packed
from samekind.images import MAX_PIXELS, DecodedImage, ImageSource, Pixels, read_image

# Twice what the small picture and its features need, and twice what two files are compared at.
_SMALL_FROM, _DETAIL_FROM = 512, 2048


def read_small_picture(source: ImageSource, name: str | None = None) -> tuple[bytes, bytes]:
    """The small picture of an image and its local features, as a gallery keeps them: about 7 kB.

    Args:
        source: The image.
        name: As ``read_image``.

    Raises:
        ImageError: It cannot be read.
    """
    return keep_small_picture(source, name=name)[1]


def keep_small_picture(
    source: ImageSource,
    *,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
    name: str | None = None,
) -> tuple[DecodedImage, tuple[bytes, bytes]]:
    """The same, and the image as it was decoded for it, at most 512 pixels wide and high.

    Args:
        source: The image.
        max_pixels: As ``load_image``.
        formats: As ``load_image``.
        name: As ``read_image``.

    Raises:
        ImageError: It cannot be read.
    """
    decoded = read_image(
        source, _SMALL_FROM, damaged="read", squashed=False, max_pixels=max_pixels, formats=formats, name=name
    )
    return decoded, packed(describe_picture(decoded.pixels))


def read_detail(source: ImageSource, *, max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None) -> Pixels:
    """The pixels of an image, uint8 (H, W, 3), upright, sRGB; of a large one made smaller, but never below 1,024.

    Args:
        source: The image.
        max_pixels: As ``load_image``.
        formats: As ``load_image``.

    Raises:
        ImageError: It cannot be read.
    """
    return read_image(
        source, _DETAIL_FROM, damaged="read", squashed=False, max_pixels=max_pixels, formats=formats
    ).pixels
