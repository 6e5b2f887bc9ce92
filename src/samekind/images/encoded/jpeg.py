"""JPEGs that were cut off: read as browsers read them, with what is missing measured."""

from __future__ import annotations

import numpy as np
from PIL import Image

_END = b"\xff\xd9"
# A block of a JPEG with chroma at half resolution. Where no data are left, each repeats the last mean colour.
_BLOCK = 16


def ended(data: bytes) -> bytes:
    """The bytes with the end marker that got lost, at which the decoder fills up what is missing."""
    return data + _END


def missing_share(image: Image.Image) -> float:
    """About how much of a picture of a cut JPEG was filled up by the decoder, 0 to 1, from the bottom.

    The rows below where the data end have one colour. A picture with such rows of its own at the bottom seems to lack
    these as well; of a progressive JPEG, which is whole but coarse when it is cut, nothing is missing.
    """
    rows = np.asarray(image.convert("RGB"), np.int16)
    flat = (np.abs(rows - rows[:, -1:]).max(axis=(1, 2)) <= 1) & (np.abs(rows - rows[-1, -1]).max(axis=(1, 2)) <= 1)
    alike = len(flat) if flat.all() else int(np.argmin(flat[::-1]))
    return max(0.0, alike / len(flat)) if alike >= _BLOCK // 2 else 0.0
