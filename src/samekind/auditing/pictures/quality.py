"""Pictures that are hard to use: nearly uniform, blurred, dark, tiny, or of an extreme shape."""

from __future__ import annotations

import cv2
import numpy as np

from samekind.copies.picture import shrunk
from samekind.images import Pixels

# Grey levels of 255; of photographs the last hundredth has a deviation of 16 and a bright part of 120.
_UNIFORM, _DARK, _BRIGHT_PART = 8.0, 60.0, 95
# Detail of a pixel's size as a part of all contrast, at 256 pixels. Of photographs the last hundredth has 0.065; those
# that were blurred by a hundredth of their longer side have 0.05 at most.
_BLURRED, _LOOKED_AT, _DETAIL = 0.05, 256, 1.0
# Pixels of the shorter side; and how many times longer the longer side may be.
_TINY, _LONG = 32, 5.0


def hard_to_use(pixels: Pixels, width: int, height: int) -> tuple[str, float] | None:
    """Why a picture is hard to use, and how sure that is; None if it is not.

    Args:
        pixels: uint8 (H, W, 3), the picture, or a smaller version of it, of 256 pixels or more where it has them.
        width: Of the file, in pixels.
        height: Of the file, in pixels.

    Returns:
        The reason in words, and a number from 0.5, just so, to 1.

    Example:
        >>> hard_to_use(np.zeros((64, 64, 3), np.uint8), 64, 64)
        ('nearly uniform', 1.0)
    """
    levels = cv2.cvtColor(shrunk(pixels, _LOOKED_AT), cv2.COLOR_RGB2GRAY)
    grey = levels.astype(np.float32)
    contrast = float(grey.std())
    detail = float((grey - cv2.GaussianBlur(grey, (0, 0), _DETAIL)).std())
    long, short = max(width, height), max(1, min(width, height))
    found = {
        "nearly uniform": _under(contrast, _UNIFORM),
        "dark": _under(float(np.percentile(levels, _BRIGHT_PART)), _DARK),
        "blurred": _under(detail / max(contrast, 1e-6), _BLURRED) if contrast >= _UNIFORM else 0.0,
        f"tiny: {width}×{height}": _under(short, _TINY),
        f"extreme shape: {width}×{height}": _under(_LONG * short / long, 1),
    }
    reason, sure = max(found.items(), key=lambda item: item[1])
    return (reason, sure) if sure else None


def _under(value: float, limit: float) -> float:
    """0 from the limit on, 0.5 just below it, 1 at nothing."""
    return 1 - value / limit / 2 if value < limit else 0.0
