"""What copies are found by: of each image a small grey picture, its perceptual hash, and a descriptor."""

from __future__ import annotations

from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.gallery.file.store import Store
from samekind.images import Pixels

# The side of the grey thumbnail, in pixels; a perceptual hash looks at no more.
THUMBNAIL_SIDE = 32
HASH_BITS = 64


@dataclass(frozen=True)
class CopyFeatures:
    """What copies are found by.

    Attributes:
        ids: The N images.
        content: The SHA-256 of each file, bytes of length 32 (N,).
        descriptors: The descriptors of what the network's inner layers see, float32 (N, C).
        hashes: The perceptual hashes, uint8 (N, 8).
        thumbnails: The images in grey, uint8 (N, 32, 32).
    """

    ids: list[int]
    content: NDArray[np.bytes_]
    descriptors: NDArray[np.float32]
    hashes: NDArray[np.uint8]
    thumbnails: NDArray[np.uint8]


def read_copy_features(store: Store) -> CopyFeatures:
    """The features of all readable images of a gallery."""
    with store.reading() as db:
        rows = db.execute(
            "SELECT id, sha256, descriptor, phash, thumbnail FROM images WHERE embedding IS NOT NULL ORDER BY id"
        ).fetchall()
    count = len(rows)
    ids, sha256, descriptors, hashes, thumbnails = zip(*rows, strict=True) if rows else [()] * 5
    return CopyFeatures(
        list(ids),
        np.array(sha256, "S32"),
        np.frombuffer(b"".join(descriptors), np.float16).reshape(count, -1 if count else 1).astype(np.float32),
        np.frombuffer(b"".join(hashes), np.uint8).reshape(count, HASH_BITS // 8),
        np.frombuffer(b"".join(thumbnails), np.uint8).reshape(count, THUMBNAIL_SIDE, THUMBNAIL_SIDE),
    )


def grey_thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """An image in grey, squashed to 32 × 32.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        uint8 (32, 32).

    Example:
        >>> grey_thumbnail(np.full((224, 224, 3), 7, np.uint8)).max()
        np.uint8(7)
    """
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS))


def perceptual_hash(thumbnail: NDArray[np.uint8]) -> bytes:
    """The signs of a thumbnail's 64 lowest frequencies about their median: ``imagehash.phash``.

    Args:
        thumbnail: uint8 (32, 32), which is the size that the hash itself would make an image.

    Returns:
        8 bytes; alike images differ in few bits.

    Example:
        >>> len(perceptual_hash(np.zeros((32, 32), np.uint8)))
        8
    """
    return np.packbits(imagehash.phash(Image.fromarray(thumbnail)).hash).tobytes()
