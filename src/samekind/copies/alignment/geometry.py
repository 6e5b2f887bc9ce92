"""The map that lays one picture on another: from the features that both have, then drawn tight by their pixels.

Features that match vote for a similarity (a turn, a zoom and a shift) by RANSAC; the enhanced correlation coefficient
of Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization", 2008,
then refines it to an affine map. Both are OpenCV's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.matching import TOLERANCE, Map, mirrored, similarity_of
from samekind.copies.picture import SQUARE_SIDE, Picture, reduced

# The part of the most agreeing features from which another map is tried, too.
_NEARLY_AS_MANY = 0.5
# What is needed of two pictures laid on each other by their features, blurred, and when they are drawn tight.
_LEAST_PIXELS, _LEAST_PROMISE, _LEAST_REACHED = 16, 0.7, 0.5
_STEPS, _LEAST_GAIN = 25, 1e-4
_ECC_SIDE = 192
_RIM, _BLURRED_RIM = 5, 2
# Whole pictures are laid on each other if their sides have one ratio, within so much, and they correlate so much.
_ONE_SHAPE, _LEAST_ALIKE = 1.08, 0.8


@dataclass(frozen=True)
class Alignment:
    """How the second picture lies on the first.

    Attributes:
        matrix: float64 (2, 3), takes pixels of the first picture to pixels of the second, or of its mirror image.
        mirrored: Whether it is the mirror image of the second (left and right exchanged) that lies on the first.
        agreeing: The number of features that agree on it; 0 if it did not come from features.
    """

    matrix: Map
    mirrored: bool
    agreeing: int

    def seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The second picture, or its mirror image where that lies on the first."""
        return np.ascontiguousarray(pixels[:, ::-1]) if self.mirrored else pixels

    @property
    def zoom(self) -> float:
        """Pixels of the second picture for one of the first."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @property
    def degrees(self) -> float:
        """The turn from the first to the second, in (-180, 180], clockwise."""
        return float(
            np.degrees(np.arctan2(self.matrix[1, 0] - self.matrix[0, 1], self.matrix[0, 0] + self.matrix[1, 1]))
        )


def refined(
    first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Map, side: int = _ECC_SIDE
) -> tuple[Map, float] | None:
    """The affine map near a first guess under which two grey pictures correlate most, and that correlation.

    Args:
        first: uint8 (H, W), grey.
        second: uint8 (H', W'), grey.
        matrix: float64 (2, 3), from pixels of the first to pixels of the second.
        side: The longer side of the first, in pixels, at which it is done.

    Returns:
        None where nothing can be laid on anything: too little overlap or no contrast.
    """
    down = min(1.0, side / max(first.shape))
    zoom = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    small, other = reduced(first, down), reduced(second, min(1.0, down / zoom))
    guess = at_sizes(matrix, first, second, small, other)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _LEAST_GAIN)
    try:
        reached, found = cv2.findTransformECC(
            small, other, guess.astype(np.float32), cv2.MOTION_AFFINE, criteria, _without_rims(small, other, guess), 3
        )
    except cv2.error:  # it says so where the pictures do not overlap, or a picture is flat
        return None
    if not np.isfinite(found).all():
        return None
    return at_sizes(found.astype(np.float64), small, other, first, second), float(reached)


def alignments(first: Picture, second: Picture) -> Iterator[Alignment]:
    """Maps on which many features of two pictures agree, or of one and the other's mirror image, drawn tight.

    The one on which most agree comes first; a face is nearly its own mirror image, so the other may be the true one.
    Last come the eight ways to lay one rectangle on another.
    """
    found: list[tuple[int, bool, Map]] = []
    for mirror in (False, True):
        other = mirrored(second.features, second.shape[1]) if mirror else second.features
        similarity = similarity_of(first.features, other)
        if similarity:
            found.append((similarity[1], mirror, similarity[0]))
    found.sort(key=lambda one: (-one[0], one[1]))
    for agreeing, mirror, matrix in found:
        if agreeing < _NEARLY_AS_MANY * found[0][0] or not _promising(first, second, mirror, matrix):
            continue
        tight = refined(first.grey, _seen(second.grey, mirror), matrix)
        if tight and tight[1] >= _LEAST_REACHED:
            yield Alignment(tight[0], mirror, agreeing)
    for whole in _aligned_whole(first, second):
        near = [mirror == whole.mirrored and _apart(matrix, whole.matrix, first.shape) <= 2 * TOLERANCE
                for _, mirror, matrix in found]  # fmt: skip
        agreeing = max((one[0] for one, same in zip(found, near, strict=True) if same), default=0)
        yield replace(whole, agreeing=agreeing)


def _apart(one: Map, other: Map, shape: tuple[int, int]) -> float:
    """How far two maps take a corner of a picture of this shape apart, at most, in pixels."""
    corners = np.array([(x, y, 1) for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)])
    return float(np.linalg.norm(corners @ (one - other).T, axis=1).max())


def _seen(grey: NDArray[np.uint8], mirror: bool) -> NDArray[np.uint8]:
    return np.ascontiguousarray(grey[:, ::-1]) if mirror else grey


def _promising(first: Picture, second: Picture, mirror: bool, matrix: Map) -> bool:
    """Whether two pictures, laid on each other and blurred, have anything in common."""
    small, other = first.blurred, _seen(second.blurred, mirror)
    matrix = _at_sides(matrix, (first.shape, small.shape), (second.shape, other.shape))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, matrix, small.shape[1::-1], flags=flags)
    inner = np.s_[_BLURRED_RIM:-_BLURRED_RIM, _BLURRED_RIM:-_BLURRED_RIM]
    ours, theirs = np.zeros(small.shape, bool), np.zeros(other.shape, np.uint8)
    ours[inner], theirs[inner] = True, 255  # a border of one is blurred into the rim of the other
    mask = (cv2.warpAffine(theirs, matrix, small.shape[1::-1], flags=flags) > 254) & ours
    if mask.sum() < _LEAST_PIXELS:
        return False
    one, two = (part[mask].astype(np.float32) - part[mask].mean() for part in (small, laid))
    alike = float((one * two).mean() / max(1.0, float(one.std() * two.std())))
    return alike >= _LEAST_PROMISE


def at_sizes(
    matrix: Map, first: NDArray[np.uint8], second: NDArray[np.uint8], one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> Map:
    """The map between two pictures in other sizes, from that between them as they are; centres of pixels are kept."""
    return _at_sides(matrix, (first.shape, one.shape), (second.shape, other.shape))


_Sizes = tuple[tuple[int, ...], tuple[int, ...]]


def _at_sides(matrix: Map, first: _Sizes, second: _Sizes) -> Map:
    """The same, from the shapes of the first and the second picture before and after."""
    to_one, to_other = (
        np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
        for x, y in ((after[1] / before[1], after[0] / before[0]) for before, after in (first, second))
    )
    return np.asarray((to_other @ np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(to_one))[:2])


_PLACES = np.arange(SQUARE_SIDE**2).reshape(SQUARE_SIDE, SQUARE_SIDE)
# For each way to lay a square on itself, mirrored or not and turned by quarters, where its pixels are taken from.
_EIGHT_WAYS = np.stack([np.rot90(square, quarters).ravel()
                        for square in (_PLACES, _PLACES[:, ::-1]) for quarters in range(4)])  # fmt: skip


def _aligned_whole(first: Picture, second: Picture) -> Iterator[Alignment]:
    """The way of eight in which two whole pictures are most alike, if they are alike and have one shape.

    First as it is, for on a gradient a map that is drawn tight slides away; then tight.
    """
    alike = second.square.ravel()[_EIGHT_WAYS] @ first.square.ravel() / first.square.size
    ratio = first.shape[1] * second.shape[0] / (first.shape[0] * second.shape[1])
    turned = ratio * (second.shape[1] / second.shape[0]) ** 2
    fits = [1 / _ONE_SHAPE < across < _ONE_SHAPE for across in (ratio, turned, ratio, turned)] * 2
    way = int(np.where(fits, alike, -1).argmax())
    if not fits[way] or alike[way] < _LEAST_ALIKE:
        return
    mirror, quarters = way >= 4, way % 4
    matrix = _whole(first.shape, second.shape, quarters)
    yield Alignment(matrix, mirror, 0)
    tight = refined(first.grey, _seen(second.grey, mirror), matrix)
    if tight:
        yield Alignment(tight[0], mirror, 0)


def _whole(shape: tuple[int, ...], other: tuple[int, ...], quarters: int) -> Map:
    """The map from a rectangle to another that is to be turned so many quarters, against the clock, to lie on it."""
    corners = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    turned = {
        0: corners,
        1: np.array([[1, 0], [1, 1], [0, 0]], np.float32),
        2: 1 - corners,
        3: np.array([[0, 1], [0, 0], [1, 1]], np.float32),
    }
    ours = corners * np.array([shape[1] - 1, shape[0] - 1], np.float32)
    theirs = turned[quarters] * np.array([other[1] - 1, other[0] - 1], np.float32)
    matrix: Map = cv2.getAffineTransform(ours, theirs)
    return matrix


def _without_rims(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Map) -> NDArray[np.uint8]:
    """Where the second picture shows the first, but for the rims of both: a border would be blurred into them."""
    masks = []
    for grey in (first, second):
        mask = np.zeros(grey.shape, np.uint8)
        rim = min(_RIM, min(grey.shape) // 8)
        mask[rim : grey.shape[0] - rim, rim : grey.shape[1] - rim] = 255
        masks.append(mask)
    shown = cv2.warpAffine(masks[0], matrix, second.shape[1::-1], flags=cv2.INTER_NEAREST)
    both: NDArray[np.uint8] = np.minimum(shown, masks[1])
    return both
