"""Whether two pictures are copies: laid on each other in small, judged, and looked at again in the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.evidence import Edit, Evidence
from samekind.copies.geometry import Alignment, align, at_sizes, refined
from samekind.copies.overlap import Overlap, lay
from samekind.copies.picture import Picture, shrunk
from samekind.copies.surroundings import Surroundings, around

Pixels = NDArray[np.uint8]

# The longer side, in pixels, at which files are looked at.
DETAIL_SIDE = 1024
# Sides at which they are drawn tight, one after the other while something differs; 0 stands for what the small ones gave.
_DETAIL_ALIGNED, _WELL_LAID = (0, 384, 1024), 0.6

# Thresholds, fitted on some collections of benchmarks/duplicates.py and measured on others (docs/adr/0022).
_SURE_DIFFERENCE, _SURE_AGREEING = 1.5, 8
_LOOK_DIFFERENCE, _LOOK_SHARE = 2.2, 0.03
# If no more than this part of the small pictures differs, the files are looked at.
_WORTH_A_LOOK = 0.3
_LEAST_STRUCTURE, _LEAST_STRUCTURE_PIXELS = 0.10, 400
_LEAST_LEVELS, _LEAST_SIDE = 8, 96
_TONED, _TONED_IN_GREY, _TONED_TOO_FAR = 8.0, 5.0, 110.0
_WHOLE, _SMALLER = 0.97, 1.04


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


def compare(first: Side, second: Side) -> Evidence | None:
    """What the second picture is to the first.

    The same for both orders: ``compare(b, a)`` is ``compare(a, b).swapped()``.

    Returns:
        None if they have nothing to do with each other, or too little is in them to say.
    """
    keys = [side.picture.pixels.tobytes() for side in (first, second)]
    if keys[0] > keys[1]:
        found = _compared(second, first)
        return found.swapped() if found else None
    return _compared(first, second)


def _compared(first: Side, second: Side) -> Evidence | None:
    alignment = align(first.picture, second.picture)
    if alignment is None:
        return None
    overlap = lay(first.picture.pixels, alignment.seen(second.picture.pixels), alignment.matrix)
    if overlap is None:
        return None
    relation, side = _relation(overlap, alignment)
    share = (overlap.difference > 1).sum() / overlap.mask.sum()
    if relation is None and share > _WORTH_A_LOOK:
        return None
    detail = _looked_at_again(first, second, alignment) if share <= _WORTH_A_LOOK else None
    if detail is not None:
        alignment, overlap = detail.alignment, detail.overlap
        relation, side = _relation(overlap, alignment)
    if relation is None:
        return None
    ends = detail.ends if detail else (first.picture.pixels, alignment.seen(second.picture.pixels))
    surroundings = around(*ends, alignment.matrix)
    zoom = _true_zoom(first, second, alignment, ends)
    edits = _edits(alignment, overlap, surroundings, zoom, side if relation == "overlaid" else None, relation)
    doubts = _doubts(first, second, alignment, overlap, surroundings, relation, detail is not None, zoom)
    return Evidence(
        "copy" if relation in {"explained", "overlaid"} else relation,  # type: ignore[arg-type]
        edits,
        "look" if doubts else "sure",
        doubts[0] if doubts else "",
        alignment.agreeing,
        float(overlap.difference.max()),
        overlap.kept,
        zoom,
    )


def _relation(overlap: Overlap, alignment: Alignment) -> tuple[str | None, int | None]:
    """``explained``, ``overlaid``, ``variant``, ``same scene`` or None; and the side that has something laid on it."""
    inside = overlap.mask
    area = inside.sum()
    far = inside & (overlap.difference > 1)
    share, worst = far.sum() / area, float(overlap.difference.max())
    curve = overlap.bend
    shared = (overlap.structure > 0.7) & (overlap.contrast > 4) & inside
    if worst <= _SURE_DIFFERENCE or (worst <= _LOOK_DIFFERENCE and share <= _LOOK_SHARE):
        if curve > _TONED_TOO_FAR or (alignment.agreeing < 6 and min(overlap.kept) < 0.9):
            return None, None
        return "explained", None
    if alignment.agreeing < _SURE_AGREEING or shared.sum() < _LEAST_STRUCTURE_PIXELS / 2:
        return None, None
    contrasty = inside & (overlap.contrast > 6)
    alike = float((overlap.structure[contrasty] > 0.7).mean()) if contrasty.any() else 0.0
    if share <= 0.25 and alike > 0.6:
        extra = overlap.extra[far]
        one_sided = float(abs(extra.sum()) / (np.abs(extra).sum() + 1e-6))
        if one_sided > 0.6 and np.abs(extra).mean() > 2:
            return "overlaid", int(extra.sum() > 0)
        return "variant", None
    if alike > 0.8:
        return "variant", None
    if alignment.agreeing >= 12 and alike > 0.25:
        return "same scene", None
    return None, None


@dataclass(frozen=True)
class _Detail:
    alignment: Alignment
    overlap: Overlap
    ends: tuple[Pixels, Pixels]


def _looked_at_again(first: Side, second: Side, alignment: Alignment) -> _Detail | None:
    """The two files laid on each other."""
    if first.pixels is None or second.pixels is None:
        return None
    one, other = shrunk(first.pixels(), DETAIL_SIDE), alignment.seen(shrunk(second.pixels(), DETAIL_SIDE))
    matrix = at_sizes(alignment.matrix, first.picture.pixels, second.picture.pixels, one, other)
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (one, other)]
    best: _Detail | None = None
    for side in _DETAIL_ALIGNED:
        tight = refined(greys[0], greys[1], matrix, side) if side else (matrix, 0.0)
        overlap = lay(one, other, tight[0]) if tight else None
        if tight and overlap and (best is None or _worse(best.overlap, overlap)):
            best = _Detail(Alignment(tight[0], alignment.mirrored, alignment.agreeing), overlap, (one, other))
            matrix = tight[0]
        if (best and best.overlap.difference.max() <= _WELL_LAID) or side >= max(one.shape):
            break
    return best


def _worse(one: Overlap, other: Overlap) -> bool:
    """Whether more differs in the first of two overlaps than in the second."""
    return float(np.minimum(one.difference, 3).sum()) > float(np.minimum(other.difference, 3).sum())


def _true_zoom(first: Side, second: Side, alignment: Alignment, ends: tuple[Pixels, Pixels]) -> float:
    """Pixels of the second file for one of the first."""
    shown = [max(pixels.shape[:2]) for pixels in ends]
    return alignment.zoom * (max(second.width, second.height) / shown[1]) / (max(first.width, first.height) / shown[0])


def _edits(
    alignment: Alignment, overlap: Overlap, outside: Surroundings, zoom: float, laid_on: int | None, relation: str
) -> tuple[Edit, ...]:
    edits = []
    if overlap.grey:
        edits.append(Edit("grey", overlap.grey - 1))
    degrees = _rounded(alignment.degrees)
    if degrees:
        # The corners of a picture that was turned are filled with one colour; a quarter turn leaves no trace.
        edits.append(Edit("turned", outside.filled() if degrees % 90 else None, degrees))
    if alignment.mirrored:
        edits.append(Edit("mirrored"))
    for side in (0, 1):
        if overlap.kept[side] >= _WHOLE:
            continue
        if outside.framed[side]:
            if not degrees % 90:
                edits.append(Edit("bordered", side))
        elif not (outside.framed[1 - side] and degrees % 90):
            edits.append(Edit("cropped", 1 - side))
    if relation == "overlaid":
        edits.append(Edit("overlaid", laid_on))
    if overlap.bend > _TONED:
        edits.append(Edit("toned"))
    if not 1 / _SMALLER < zoom < _SMALLER:
        edits.append(Edit("resized", int(zoom < 1)))
    return tuple(edits) or ((Edit("recompressed"),) if relation == "explained" else ())


def _doubts(
    first: Side, second: Side, alignment: Alignment, overlap: Overlap, outside: Surroundings,
    relation: str, looked: bool, zoom: float,
) -> list[str]:  # fmt: skip
    """Why a copy is not sure."""
    if relation == "overlaid":
        return ["one of them has something laid on it"]
    if relation != "explained":
        return ["they differ in part"]
    shared = (overlap.structure > 0.7) & (overlap.contrast > 6) & overlap.mask
    flat = float((overlap.contrast[overlap.mask] < 2).mean())
    seen = min(np.sqrt(overlap.mask.sum()), *(max(s.width, s.height) for s in (first, second)))
    curve_limit = _TONED_IN_GREY if overlap.grey else _TONED
    tests = (
        (looked, "the files were not looked at"),
        (alignment.agreeing >= _SURE_AGREEING, "few features agree"),
        (overlap.difference.max() <= _SURE_DIFFERENCE, "something small may differ"),
        (shared.sum() >= max(_LEAST_STRUCTURE_PIXELS, _LEAST_STRUCTURE * overlap.mask.sum()), "there is little in them"),
        (overlap.populated.sum() >= _LEAST_LEVELS, "there are few shades in them"),
        (overlap.bend <= curve_limit, "brightness or contrast differs"),
        (seen >= _LEAST_SIDE, "they are small"),
        (flat < 0.5 or max(first.width, first.height, second.width, second.height) <= 1.7 * DETAIL_SIDE,
         "what is written in them may be finer than what was looked at"),
        (outside.nothing_lost(overlap.kept), "each shows what the other does not"),
        (not outside.more_than_a_frame(), "there is more than a plain frame around one"),
        (not outside.finer_part(overlap.kept, zoom), "the part has more pixels than the whole"),
    )  # fmt: skip
    return [words for passed, words in tests if not passed]


def _rounded(degrees: float) -> float:
    """A turn without what is only the map's error: whole quarters where it is near them."""
    quarter = 90 * round(degrees / 90)
    if abs(degrees - quarter) < 1.0:
        return 180.0 if abs(quarter) == 180 else float(quarter)
    return round(degrees, 1)
