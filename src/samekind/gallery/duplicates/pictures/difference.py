"""What two pictures differ in, drawn: the first in grey, a difference in red, what the second does not show striped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.geometry import at_sizes, refined
from samekind.copies.alignment.overlap import Overlap, lay
from samekind.copies.compare import laid_in_small
from samekind.copies.picture import shrunk
from samekind.embedding.small_picture import read_detail
from samekind.gallery.duplicates.pictures.picture_files import PictureFile
from samekind.images import Pixels

# The longer side, in pixels, at which pictures are laid on each other to be shown.
SIDE = 640
# Differences are drawn from the first value on, and at the second in full; at 1 they are just too much for compression.
_FAINT, _FULL = 0.9, 1.7
_RED, _STRIPE, _PALE = (208, 32, 48), (150, 170, 200), 0.45
# ``lay`` draws on the pixels of the coarser of two pictures. That is to be the first, so the second is this much finer.
_FINER = 1.04
# How often a map is drawn tight, and what is no thin line, in pixels.
_ROUNDS, _BLOB = 3, np.ones((9, 9), np.uint8)
_Map = NDArray[np.float64]


def draw_difference(first: PictureFile, second: PictureFile) -> Pixels | None:
    """Draw what the second of two files differs in from the first, which it is laid on.

    Returns:
        uint8 (H, W, 3), the longer side at most 640 pixels; None where the one cannot be laid on the other.

    Raises:
        ImageError: A file cannot be read.
    """
    in_small = laid_in_small(first.picture, second.picture)
    if in_small is None:
        return None
    alignment = in_small[0]
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
    """The map drawn tight, and again without what differs, which pulls at it; the one that leaves least unexplained."""
    best, seen = _laid(one, other, matrix), other
    for _ in range(_ROUNDS):
        greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (one, seen)]
        tight = refined(greys[0], greys[1], matrix, SIDE)
        laid = None if tight is None else _laid(one, other, tight[0])
        if laid is None:
            break
        if best is None or _unexplained(laid[1]) < _unexplained(best[1]):
            best = laid
        matrix, seen = laid[0], _without_differences(one, other, *laid)
    return best


def _laid(one: Pixels, other: Pixels, matrix: _Map) -> tuple[_Map, Overlap] | None:
    overlap = lay(one, other, matrix) if _zoom(matrix) >= 1 else None
    return None if overlap is None else (matrix, overlap)


def _unexplained(overlap: Overlap) -> float:
    return float(np.minimum(overlap.difference, 3).sum())


def _without_differences(one: Pixels, other: Pixels, matrix: _Map, overlap: Overlap) -> Pixels:
    """The second picture with the first in place of what differs, but for thin lines, which a map that is off makes."""
    differs = (_in_frame(overlap, _shown(one, other.shape, matrix)) > 1).astype(np.uint8)
    blobs = cv2.dilate(cv2.morphologyEx(differs, cv2.MORPH_OPEN, _BLOB), _BLOB)
    size = other.shape[1::-1]
    mask = cv2.warpAffine(blobs, matrix, size, flags=cv2.INTER_NEAREST) > 0
    return np.where(mask[..., None], cv2.warpAffine(one, matrix, size), other)


def _drawn(one: Pixels, shape: tuple[int, ...], matrix: _Map, overlap: Overlap) -> Pixels:
    shown = _shown(one, shape, matrix)
    grey = cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32)
    base = np.repeat((255 - _PALE * (255 - grey))[..., None], 3, axis=2)
    rows, columns = np.indices(shown.shape)
    stripes = ~shown & ((rows + columns) % 12 < 3)
    base[stripes] = _STRIPE
    strength = np.zeros(shown.shape, np.float32)
    strength[shown] = _in_frame(overlap, shown)[shown]
    alpha = ((strength - _FAINT) / (_FULL - _FAINT)).clip(0, 1)[..., None]
    return np.asarray((base * (1 - alpha) + np.array(_RED, np.float32) * alpha).round(), np.uint8)


def _shown(one: Pixels, shape: tuple[int, ...], matrix: _Map) -> NDArray[np.bool_]:
    """Where the second picture, of this shape, shows something: bool (h, w) on the pixels of the first."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(np.full(shape[:2], 255, np.uint8), matrix, one.shape[1::-1], flags=flags) > 254)


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
