"""Small pictures of images, in their own proportions, to be put into a page."""

from __future__ import annotations

import base64
import io

from PIL import Image

from samekind.images.decode import read_image
from samekind.images.sources import ImageSource

# Pixels. Twice what a page shows of it, so that it is sharp on a telephone.
SIDE = 240


def thumbnail(source: ImageSource, side: int = SIDE) -> Image.Image:
    """An image upright and in its own proportions, its longer side ``side`` pixels.

    Args:
        source: As ``load_image`` takes it. Of a JPEG whose end is missing, what is there is shown.
        side: In pixels.

    Raises:
        ImageError: It cannot be read.

    Example:
        >>> import numpy as np
        >>> thumbnail(np.zeros((30, 40), np.uint8), 20).size
        (20, 15)
    """
    decoded = read_image(source, side, damaged="read")
    scale = side / max(decoded.width, decoded.height)
    size = (max(1, round(scale * decoded.width)), max(1, round(scale * decoded.height)))
    return Image.fromarray(decoded.pixels).resize(size, Image.Resampling.BICUBIC)


def data_uri(image: Image.Image, *, quality: int = 80) -> str:
    """An image as JPEG in the text of a page."""
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()
