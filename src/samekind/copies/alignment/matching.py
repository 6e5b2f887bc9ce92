"""Matching features of two pictures, and the similarity (a turn, a zoom and a shift) on which most of them agree."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.features import BITS, Features, mirrored_bits, signs

Map = NDArray[np.float64]
Points = NDArray[np.float32]

# Bits of 128 in which two descriptors of one point may differ: unrelated ones differ in 30 and fewer once in thousands.
MOST_BITS_APART = 34
# Pixels of a small picture by which a point may miss its place.
TOLERANCE = 4.0
_LEAST_AGREEING = 4
# The part of its way by which a point may miss its place, when one feature alone says where that is.
_ROUGHLY = 0.35
# The same, where each feature has several counterparts and only one of them is true.
_LESS_ROUGHLY = 0.1
# Bits by which such a counterpart may be further than the nearest, how many pairs of them there are at most, and the
# number of features for which they count, however many agree.
_NEARLY_AS_NEAR, _MOST_REPEATED, _FEW_REPEATED = 4, 700, 7
_MOST_ZOOM = 8.0


def match(first: Features, second: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of features that are each other's nearest in bits."""
    if not len(first) or not len(second):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    product = signs(first.bits) @ signs(second.bits).T
    best = product.argmax(axis=1)
    rows = np.arange(len(first))
    good = (product.argmax(axis=0)[best] == rows) & (product[rows, best] >= BITS - 2 * MOST_BITS_APART)
    return rows[good], best[good]


def match_repeated(first: Features, second: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of features that are nearly as near in bits as the nearest: all notes of a sheet of music are one note."""
    if not len(first) or not len(second):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    product = signs(first.bits) @ signs(second.bits).T
    least = np.minimum(product.max(axis=1)[:, None], product.max(axis=0)) - 2 * _NEARLY_AS_NEAR
    one, other = np.nonzero(product >= np.maximum(least, BITS - 2 * MOST_BITS_APART))
    nearest = np.sort(np.argsort(-product[one, other], kind="stable")[:_MOST_REPEATED])
    return one[nearest], other[nearest]


def mirrored(features: Features, width: int) -> Features:
    """The features of the mirror image of a picture so many pixels wide."""
    points = features.points * np.array([-1, 1], np.float32) + np.array([width - 1, 0], np.float32)
    return Features(points, features.scales, (180 - features.angles) % 360, mirrored_bits(features.bits))


def similarity_of(first: Features, second: Features) -> tuple[Map, int] | None:
    """The similarity on which most matching features agree, float64 (2, 3), and how many agree.

    Where few do and the features of both are repeated, each is the other's nearest by chance only. Then all that are
    nearly as near are asked; those count for a few, for such features are not what makes a copy sure.
    """
    found = _similarity(first, second, *match(first, second), _ROUGHLY)
    if (found and found[1] > _FEW_REPEATED) or not (first.repeated and second.repeated):
        return found
    repeated = _similarity(first, second, *match_repeated(first, second), _LESS_ROUGHLY)
    if repeated and repeated[1] > max(_FEW_REPEATED, 2 * found[1] if found else 0):
        return repeated[0], _FEW_REPEATED
    return found


def _similarity(
    first: Features, second: Features, one: NDArray[np.int64], other: NDArray[np.int64], roughly: float
) -> tuple[Map, int] | None:
    """The similarity on which most of some pairs agree, and how many do."""
    if len(one) < _LEAST_AGREEING:
        return None
    # Of a true match size and turn already agree with the map; those alone leave few false ones.
    zoom = np.log2(second.scales[other] / first.scales[one])
    turn = np.radians(second.angles[other] - first.angles[one])
    kept = _most_common(zoom, turn)
    points, counterparts = first.points[one[kept]], second.points[other[kept]]
    near = _near_each(points, counterparts, zoom[kept], turn[kept], roughly)
    if near.sum() < _LEAST_AGREEING:
        return None
    if roughly < _ROUGHLY:  # most of the pairs are false, too many for RANSAC
        points, counterparts = points[near], counterparts[near]
    matrix, inlier = cv2.estimateAffinePartial2D(
        points, counterparts, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE, maxIters=500
    )
    if matrix is None:  # they lie on a line, or on a point
        return None
    agreeing = _distinct(points[inlier.ravel() > 0])
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if agreeing < _LEAST_AGREEING or not 1 / _MOST_ZOOM < scale < _MOST_ZOOM:
        return None
    return np.asarray(matrix, np.float64), agreeing


def _most_common(zoom: NDArray[np.float32], turn: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The matches whose zoom and turn are near those of the match that has most such neighbours."""
    near = (abs(zoom[:, None] - zoom) < 0.6) & (np.cos(turn[:, None] - turn) > 0.9)
    chosen: NDArray[np.bool_] = near[near.sum(axis=1).argmax()]
    return chosen


def _near_each(points: Points, counterparts: Points, zoom: Points, turn: Points, roughly: float) -> NDArray[np.bool_]:
    """The matches that one match's own zoom and turn take near their counterparts, of the match with most of them.

    A feature tells both only roughly, so it is asked roughly; of a hundred unrelated pairs some four have enough.
    """
    factor = np.exp2(zoom) * np.exp(1j * turn)
    source, target = (part[:, 0] + 1j * part[:, 1] for part in (points, counterparts))
    steps = factor[:, None] * (source - source[:, None])
    missed = np.abs(target - target[:, None] - steps)
    near = missed <= TOLERANCE * np.maximum(1, np.exp2(zoom))[:, None] + roughly * np.abs(steps)
    return np.asarray(near[near.sum(axis=1).argmax()])


def _distinct(points: NDArray[np.float32]) -> int:
    """The number of points that are apart; one corner may have several features."""
    return len({tuple(cell) for cell in (points // 3).astype(int).tolist()})
