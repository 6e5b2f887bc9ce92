"""What two pictures differ in, drawn: the first in grey, a difference in red, what the second does not show striped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.geometry import align, at_sizes, refined
from samekind.copies.overlap import Overlap, lay
from samekind.copies.picture import shrunk
from samekind.gallery.duplicates.pictures.picture_files import PictureFile
from samekind.gallery.duplicates.pictures.small_picture import read_detail
from samekind.images import Pixels

# The longer side, in pixels, at which pictures are laid on each other to be shown.
SIDE = 640
# Differences are drawn from the first value on, and at the second in full; at 1 they are just too much for compression.
_FAINT, _FULL = 0.9, 1.7
_RED, _STRIPE, _PALE = (208, 32, 48), (150, 170, 200), 0.45
# ``lay`` draws on the pixels of the coarser of two pictures. That is to be the first, so the second is this much finer.
_FINER = 1.04
_Map = NDArray[np.float64]


def draw_difference(first: PictureFile, second: PictureFile) -> Pixels | None:
    """Draw what the second of two files differs in from the first, which it is laid on.

    Returns:
        uint8 (H, W, 3), the longer side at most 640 pixels; None where the one cannot be laid on the other.

    Raises:
        ImageError: A file cannot be read.
    """
    alignment = align(first.picture, second.picture)
    if alignment is None:
        return None
    one, other = (shrunk(read_detail(file.image), SIDE) for file in (first, second))
    other = alignment.seen(other)
    small, small_other = first.picture.pixels, second.picture.pixels
    matrix = at_sizes(alignment.matrix, small, small_other, one, other)
    if (zoom := _zoom(matrix)) < _FINER:
        one = shrunk(one, int(max(one.shape) * zoom / _FINER))
        matrix = at_sizes(alignment.matrix, small, small_other, one, other)
    laid = _best_laid(one, other, matrix)
    return None if laid is None else _drawn(one, other.shape, *laid)


def _best_laid(one: Pixels, other: Pixels, matrix: _Map) -> tuple[_Map, Overlap] | None:
    """The map as the small pictures gave it, or drawn tight, whichever leaves less that is not explained."""
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (one, other)]
    tight = refined(greys[0], greys[1], matrix, SIDE)
    found = [(each, lay(one, other, each)) for each in (matrix, *((tight[0],) if tight else ())) if _zoom(each) >= 1]
    laid = [(each, overlap) for each, overlap in found if overlap is not None]
    return min(laid, key=lambda one: float(np.minimum(one[1].difference, 3).sum()), default=None)


def _drawn(one: Pixels, shape: tuple[int, ...], matrix: _Map, overlap: Overlap) -> Pixels:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpAffine(np.full(shape[:2], 255, np.uint8), matrix, one.shape[1::-1], flags=flags) > 254
    grey = cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32)
    base = np.repeat((255 - _PALE * (255 - grey))[..., None], 3, axis=2)
    rows, columns = np.indices(shown.shape)
    stripes = ~shown & ((rows + columns) % 12 < 3)
    base[stripes] = _STRIPE
    strength = np.zeros(shown.shape, np.float32)
    strength[shown] = _in_frame(overlap, shown)[shown]
    alpha = ((strength - _FAINT) / (_FULL - _FAINT)).clip(0, 1)[..., None]
    return np.asarray((base * (1 - alpha) + np.array(_RED, np.float32) * alpha).round(), np.uint8)


def _in_frame(overlap: Overlap, shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The differences on the pixels of the first; they come as the box around what both show."""
    frame = np.zeros(shown.shape, np.float32)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if len(rows) and len(columns):
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = frame[box].shape
        frame[box] = cv2.resize(overlap.difference, (width, height), interpolation=cv2.INTER_LINEAR)
    return frame


def _zoom(matrix: _Map) -> float:
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
