"""Small pictures and their hashes."""

from __future__ import annotations

import numpy as np
from gallery.conftest import scene
from PIL import Image

from samekind.gallery.duplicates.features import grey_thumbnail, perceptual_hash


def small(image: Image.Image) -> np.ndarray:
    return grey_thumbnail(np.asarray(image.convert("RGB")))


def test_the_hash_is_that_of_the_imagehash_library() -> None:
    import imagehash

    image = scene(7)
    bits = imagehash.phash(Image.fromarray(small(image))).hash
    assert perceptual_hash(small(image)) == np.packbits(bits).tobytes()
