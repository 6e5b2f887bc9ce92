"""Perceptual hashes."""

from __future__ import annotations

import imagehash
import numpy as np
from gallery.conftest import scene

from samekind.embedding.perceptual_hash import perceptual_hash


def test_the_hash_is_that_of_the_imagehash_library() -> None:
    image = scene(7)
    assert perceptual_hash(np.asarray(image)) == np.packbits(imagehash.phash(image).hash).tobytes()
