"""What lies around the part that two pictures have in common: more of the picture, or a frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.matching import Map

_EDGE_LEVELS, _FRAMED, _RING_FLAT = 14.0, 0.5, 0.85
_FLAT_LEVELS, _FLAT = 12.0, 0.985
_SEAM, _MARK_LEVELS = 9, 25.0  # pixels into which compression blurs the seam; levels of a mark in a margin
_UNEVEN = 2  # pixels by which the sides of a border may differ in width
_STEP = 3  # pixels from the seam at which both sides of it are compared
# More of a picture than this is all of it.
WHOLE = 0.97


@dataclass(frozen=True)
class Surroundings:
    """What each of two pictures has around what both show.

    Attributes:
        framed: Whether it is set off by an edge all along, as a border or a window is, and a cut's other side is not;
            or has one colour and one width on all four sides, as a white border around a white ground.
        flat: The part of it that has one colour, 0 to 1; 0 where there is nothing, or a
            mark in it.
    """

    framed: tuple[bool, bool]
    flat: tuple[float, float]

    def filled(self) -> int | None:
        """The picture, 0 or 1, whose corners are filled with a colour; None if neither or both are."""
        filled = [flat > _FLAT for flat in self.flat]
        return filled.index(True) if sum(filled) == 1 else None

    def nothing_lost(self, kept: tuple[float, float]) -> bool:
        """Whether at least one of the two has nothing that the other has not, but for a plain frame."""
        return any(part >= WHOLE or (framed and flat > _FLAT)
                   for part, framed, flat in zip(kept, self.framed, self.flat, strict=True))  # fmt: skip

    def more_than_a_frame(self) -> bool:
        """Whether a frame has something in it, as the window of a program has."""
        return any(framed and flat <= _FLAT for framed, flat in zip(self.framed, self.flat, strict=True))

    def finer_part(self, kept: tuple[float, float], zoom: float) -> bool:
        """Whether one is a part of the other and has clearly more pixels there: each is better in its way."""
        parts = [part < WHOLE and not framed for part, framed in zip(kept, self.framed, strict=True)]
        return (parts[0] and zoom > 1.25) or (parts[1] and zoom < 0.8)


def around(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Map) -> Surroundings:
    """What surrounds the common part.

    Args:
        first: uint8 (H, W, 3).
        second: uint8 (H', W', 3).
        matrix: float64 (2, 3), from pixels of the first to pixels of the second.
    """
    sides = (_beyond(first, second.shape, cv2.invertAffineTransform(matrix)), _beyond(second, first.shape, matrix))
    return Surroundings((sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]))


def _beyond(picture: NDArray[np.uint8], shape: tuple[int, ...], matrix: Map) -> tuple[bool, float]:
    """Of one picture and the map that brings the other to it: whether it is framed, and how flat the frame is."""
    inside = cv2.warpAffine(np.full(shape[:2], 255, np.uint8), matrix, picture.shape[1::-1]) > 127
    kernel = np.ones((3, 3), np.uint8)
    wide = cv2.dilate(inside.astype(np.uint8), kernel, iterations=_STEP) > 0
    outside = ~wide
    if outside.mean() < 0.004:
        return False, 0.0
    values = picture.astype(np.float32)
    colours = np.median(values[outside], axis=0)
    flat = float((np.abs(values[outside] - colours).max(axis=1) < _FLAT_LEVELS).mean())
    beyond_seam = cv2.dilate(inside.astype(np.uint8), kernel, iterations=_SEAM) == 0
    if beyond_seam.any() and np.abs(cv2.blur(values, (3, 3))[beyond_seam] - colours).max() > _MARK_LEVELS:
        flat = 0.0  # a page's number is a thousandth of its margin
    return (flat > _FLAT and _is_even(inside)) or _is_framed(values, inside), flat


def _is_even(inside: NDArray[np.bool_]) -> bool:
    """Whether what lies around is equally wide on all four sides."""
    margins = []
    for lines in (np.atleast_1d(inside.any(axis=0)), np.atleast_1d(inside.any(axis=1))):
        margins += [int(lines.argmax()), int(lines[::-1].argmax())]
    return min(margins) > 0 and max(margins) - min(margins) <= max(_UNEVEN, max(margins) / 8)


def _is_framed(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> bool:
    """Whether just beyond the seam there is one colour, and another than just within it."""
    kernel = np.ones((3, 3), np.uint8)

    def ring(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        near, far = (cv2.dilate(mask.astype(np.uint8), kernel, iterations=n) > 0 for n in (_STEP, 2 * _STEP))
        return np.asarray(far & ~near)

    beyond, within = ring(inside), ring(~inside)
    if not beyond.any() or not within.any():
        return False
    colour = np.median(values[beyond], axis=0)
    same = np.abs(values[beyond] - colour).max(axis=1) < _FLAT_LEVELS
    other = np.abs(values[within] - colour).max(axis=1) > _EDGE_LEVELS
    return bool(same.mean() > _RING_FLAT and other.mean() > _FRAMED)
