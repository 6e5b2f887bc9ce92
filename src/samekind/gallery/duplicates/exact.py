"""Exact duplicates: files with the same bytes, or with the same pixels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from samekind.gallery.duplicates.pictures.hash_pairs import hash_pairs
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.store import Store
from samekind.images.encoded.colour import profile_of
from samekind.images.remarks import reading

# Formats of which Pillow keeps every bit, or says by ";16" that it does not; others (JPEG 2000, PPM) it may round.
_KEPT_WHOLE = frozenset({"BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"})
EIGHT_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})


def exact_groups(store: Store, where: Condition = EVERYTHING) -> tuple[list[int], list[list[int]]]:
    """Ids, and groups of places among them.

    Files with the same bytes are the same. Files with the same pixels (saved again without loss, or with other
    metadata) have nearly the same perceptual hash; such pairs are decoded whole and compared.
    """
    with store.reading() as db:
        rows = db.execute(
            "SELECT id, path, sha256, width, height, phash FROM images"
            f" WHERE embedding IS NOT NULL AND {where[0]} ORDER BY path",
            where[1],
        ).fetchall()
    first_with: dict[bytes, int] = {}
    content = [first_with.setdefault(row[2], place) for place, row in enumerate(rows)]
    of_size = defaultdict(list)
    for place in first_with.values():
        of_size[rows[place][3:5]].append(place)
    suspects: set[int] = set()
    for places in of_size.values():
        pairs = hash_pairs(np.frombuffer(b"".join(rows[i][5] for i in places), np.uint8).reshape(len(places), -1))
        suspects.update(places[i] for i in np.union1d(pairs.first, pairs.second))
    pixels = {place: _pixel_digest(store.folder / rows[place][1]) for place in suspects}
    groups = defaultdict(list)
    for place, first in enumerate(content):
        groups[pixels.get(first) or rows[first][2]].append(place)
    return [row[0] for row in rows], [group for group in groups.values() if len(group) > 1]


def _pixel_digest(path: Path) -> bytes | None:
    """A hash of all pixels, upright; None if they cannot be read (any more), all of them and whole."""
    try:
        with reading(str(path)), Image.open(path) as image:
            eight = image.mode in EIGHT_BITS
            rounded = eight and any(";16" in str(tile[3]) for tile in image.tile)
            if image.format not in _KEPT_WHOLE or rounded or getattr(image, "n_frames", 1) > 1:
                return None
            upright = ImageOps.exif_transpose(image)
            # With palette and transparency. A conversion of deeper pixels would cut them off.
            upright = upright.convert("RGBA") if eight else upright
            # The same numbers are other colours under another profile.
            pixels = (profile_of(image) or b"") + upright.tobytes()
    except Exception:  # Pillow's decoders raise almost anything; what is not readable is no exact duplicate
        return None
    return hashlib.sha256(f"{upright.mode} {upright.size} ".encode() + pixels).digest()
