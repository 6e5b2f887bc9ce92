"""Whether two pictures are copies: laid on each other in small, and looked at again in the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.geometry import Alignment, alignments, at_sizes, refined
from samekind.copies.alignment.overlap import Overlap, lay
from samekind.copies.alignment.surroundings import around
from samekind.copies.evidence import Edit, Evidence
from samekind.copies.judgement import Laid, finding, judged
from samekind.copies.picture import Picture, shrunk

Pixels = NDArray[np.uint8]

# The longer side, in pixels, at which files are looked at.
DETAIL_SIDE = 1024
# Sides at which they are drawn tight, one after the other while something differs; 0 is what the small ones gave.
_DETAIL_ALIGNED, _WELL_LAID = (0, 384, 1024), 0.9
# The other of two ways is looked at, too, if it leaves at most so many times what the better one does.
_NEARLY_AS_WELL = 2.0
# If nothing differs by more than this in small, in no more than this part, the files are looked at.
_WORTH_A_LOOK, _PART_WORTH_A_LOOK = 3.0, 0.3


@dataclass(frozen=True)
class Side:
    """One of two pictures to be compared.

    Attributes:
        picture: In small.
        pixels: Gives the pixels of the file, uint8 (H, W, 3), upright, at least 1,024 of the longer side where it has
            them; None where there is no file to look at, and then nothing is sure.
        width: Of the file, upright, in pixels.
        height: Of the file, upright, in pixels.
    """

    picture: Picture
    pixels: Callable[[], Pixels] | None
    width: int
    height: int


def _order(side: Side) -> tuple[bytes, int, int]:
    return side.picture.key(), side.width, side.height


def compare(first: Side, second: Side) -> Evidence | None:
    """What the second picture is to the first.

    The same for both orders: ``compare(b, a)`` is ``compare(a, b).swapped()``.

    Returns:
        None if they have nothing to do with each other, or too little is in them to say.
    """
    if _order(first) > _order(second):
        found = _compared(second, first)
        return found.swapped() if found else None
    return _compared(first, second)


def _compared(first: Side, second: Side) -> Evidence | None:
    if _identical(first, second):
        return Evidence("copy", (Edit("exact"),), "sure", "", len(first.picture.features), 0.0, (1.0, 1.0), 1.0)
    ways = _ways_laid(first.picture, second.picture)
    if not ways:
        return None
    alignment, overlap = ways[0]
    one, other = first.picture.pixels, alignment.seen(second.picture.pixels)
    looked = 0
    worth_a_look = [way for way, overlap in ways if _may_be_the_same(overlap)]
    if worth_a_look and first.pixels and second.pixels:
        one, whole = shrunk(first.pixels(), DETAIL_SIDE), shrunk(second.pixels(), DETAIL_SIDE)
        again = [_looked_at_again(first.picture, second.picture, one, way.seen(whole), way) for way in worth_a_look]
        found = [laid for laid in again if laid is not None]
        if not found:
            return None
        alignment, overlap = min(found, key=lambda laid: _differs(laid[1]))
        other, looked = alignment.seen(whole), DETAIL_SIDE
    if finding(overlap, alignment) is None:
        return None
    zoom = alignment.zoom * (_long(second) / max(other.shape)) / (_long(first) / max(one.shape))
    outside = around(one, other, alignment.matrix)
    return judged(Laid(alignment, overlap, outside, zoom, (_long(first), _long(second)), looked))


def _identical(first: Side, second: Side) -> bool:
    """Whether every pixel of two files is the same, in whatever format they are kept."""
    if (first.width, first.height) != (second.width, second.height) or not (first.pixels and second.pixels):
        return False
    # Small versions of the same pixels are the same.
    return first.picture.key() == second.picture.key() and np.array_equal(first.pixels(), second.pixels())


def laid_in_small(first: Picture, second: Picture) -> tuple[Alignment, Overlap] | None:
    """The first alignment under which nothing differs in small, or the one under which least does."""
    return next(iter(_ways_laid(first, second)), None)


def _ways_laid(first: Picture, second: Picture) -> list[tuple[Alignment, Overlap]]:
    """That alignment, and where the mirror image fits nearly as well in small, as a face's does, that one, too."""
    best: dict[bool, tuple[Alignment, Overlap]] = {}
    for alignment in alignments(first, second):
        overlap = lay(first.pixels, alignment.seen(second.pixels), alignment.matrix)
        if overlap is None:
            continue
        known = best.get(alignment.mirrored)
        if known is None or _differs(overlap) < _differs(known[1]):
            best[alignment.mirrored] = alignment, overlap
        if overlap.difference.max() <= _WELL_LAID:
            break
    ways = sorted(best.values(), key=lambda laid: _differs(laid[1]))
    return [way for way in ways if _differs(way[1]) <= _NEARLY_AS_WELL * _differs(ways[0][1])]


def _looked_at_again(
    first: Picture, second: Picture, one: Pixels, other: Pixels, alignment: Alignment
) -> tuple[Alignment, Overlap] | None:
    """The two files laid on each other, as well as can be."""
    matrix = at_sizes(alignment.matrix, first.pixels, second.pixels, one, other)
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (one, other)]
    best: tuple[Alignment, Overlap] | None = None
    for side in _DETAIL_ALIGNED:
        tight = refined(greys[0], greys[1], matrix, side) if side else (matrix, 0.0)
        overlap = lay(one, other, tight[0]) if tight else None
        if tight and overlap and (best is None or _differs(overlap) < _differs(best[1])):
            matrix = tight[0]
            best = Alignment(matrix, alignment.mirrored, alignment.agreeing), overlap
        if (best and best[1].difference.max() <= _WELL_LAID) or side >= max(one.shape):
            break
    return best


def _differs(overlap: Overlap) -> float:
    """How much differs. One window that is far off says more than noise in all of them; quite different is enough."""
    return float((np.minimum(overlap.difference, 3) ** 4).sum()) / max(1, overlap.area)


def _may_be_the_same(overlap: Overlap) -> bool:
    far = float((overlap.difference > 1).sum() / overlap.mask.sum())
    return float(overlap.difference.max()) <= _WORTH_A_LOOK and far <= _PART_WORTH_A_LOOK


def _long(side: Side) -> int:
    return max(side.width, side.height)
