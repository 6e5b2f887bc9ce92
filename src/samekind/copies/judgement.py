"""What two pictures are to each other, once they lie on each other: the relation, the edits, and the doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.geometry import Alignment
from samekind.copies.alignment.overlap import STRIDE, Overlap
from samekind.copies.alignment.surroundings import WHOLE, Surroundings
from samekind.copies.evidence import Edit, Evidence

Finding = Literal["explained", "overlaid", "variant", "same scene"]

# Thresholds, fitted on some collections of benchmarks/duplicates.py and measured on others (docs/adr/0022).
_SURE_DIFFERENCE, _SURE_AGREEING = 1.5, 8
# With fewer features than this that agree, such as a coin has, less may differ: another year is as small as that.
_WELL_AGREEING, _SMALL_DIFFERENCE = 25, 0.8
_LOOK_DIFFERENCE, _LOOK_SHARE = 2.2, 0.03
# With fewer, if the whole of one is the whole of the other.
_WHOLE_DIFFERENCE, _WHOLE_SHARE = 1.8, 0.01
_FEW_AGREEING, _MANY_AGREEING = 6, 12
_RUN_DIFFERENCE, _RUN_ADDED = 3.0, 1.0
_LEAST_STRUCTURE, _LEAST_STRUCTURE_PIXELS = 0.10, 400
_LEAST_LEVELS, _LEAST_SIDE = 8, 96
_TONED, _TONED_IN_GREY, _TONED_TOO_FAR = 8.0, 5.0, 110.0
# What is laid on a picture covers at most so much of it, adds contrast nearly everywhere and leaves the rest alike.
_MOST_LAID_ON, _LEFT_ALIKE, _ONE_SIDED, _ADDED = 0.15, 0.75, 0.6, 2.0
_ONE_WAY = 0.95  # the part of all changes of brightness that go one way under a mark
_PALER = 0.3  # the part of the contrast that both have where one of them is paler
_VARIANT_ALIKE, _SCENE_ALIKE, _NEARLY_PLAIN = 0.6, 0.25, 0.1
_SAME_SIZE = 1.04


@dataclass(frozen=True)
class Laid:
    """Two pictures that lie on each other.

    Attributes:
        alignment: How.
        overlap: How they differ.
        outside: What each has around the part that both show.
        zoom: Pixels of the second file for one of the first.
        sides: The longer sides of the two files, in pixels.
        looked: The longer side, in pixels, at which the files were looked at; 0 if only the small pictures were.
    """

    alignment: Alignment
    overlap: Overlap
    outside: Surroundings
    zoom: float
    sides: tuple[int, int]
    looked: int


def judged(laid: Laid) -> Evidence | None:
    """The evidence; None where the two have nothing to do with each other."""
    found = finding(laid.overlap, laid.alignment)
    if found is None:
        return None
    doubt = _doubt(laid, found)
    return Evidence(
        found if found in {"variant", "same scene"} else "copy",
        _edits(laid, found),
        "look" if doubt else "sure",
        doubt,
        laid.alignment.agreeing,
        float(laid.overlap.difference.max()),
        laid.overlap.kept,
        laid.zoom,
    )


def finding(overlap: Overlap, alignment: Alignment) -> Finding | None:
    """Whether nothing differs, something was laid on one, a part of it is another, or it is another moment."""
    inside, agreeing = overlap.mask, alignment.agreeing
    far = inside & (overlap.difference > 1)
    share, worst = float(far.sum() / inside.sum()), float(overlap.difference.max())
    whole = min(overlap.kept) >= WHOLE and _whole_quarters(alignment.degrees) % 90 == 0
    hardly = (worst <= _LOOK_DIFFERENCE and share <= _LOOK_SHARE and agreeing >= _WELL_AGREEING) or (
        worst <= _WHOLE_DIFFERENCE and share <= _WHOLE_SHARE and agreeing >= _SURE_AGREEING and whole
    )
    if worst <= _SURE_DIFFERENCE or hardly or (_ran(overlap, far) and (agreeing >= _WELL_AGREEING or whole)):
        in_doubt = agreeing < _FEW_AGREEING and min(overlap.kept) < 0.9
        return None if in_doubt or overlap.bend > _TONED_TOO_FAR else "explained"
    laid_on = share <= _MOST_LAID_ON and (_is_added(overlap, far) or _is_veiled(overlap, far))
    contrasty = inside & (overlap.contrast > 6)
    if laid_on and whole and contrasty.sum() <= _NEARLY_PLAIN * inside.sum():
        return "overlaid"  # on what has no features of its own, such as a gradient
    alike = float((overlap.structure[contrasty] > 0.7).mean()) if contrasty.any() else 0.0
    if agreeing < _SURE_AGREEING or overlap.shared(4).sum() * STRIDE**2 < _LEAST_STRUCTURE_PIXELS / 2:
        return None
    if share <= _MOST_LAID_ON and alike > _LEFT_ALIKE:
        # Two coins turned on each other, each with a corner more: something laid on one is too much of chance.
        # Where the whole of one lies upright on the whole of the other, fewer features say so.
        enough = agreeing >= (_SURE_AGREEING if whole else _MANY_AGREEING)
        return "overlaid" if laid_on and enough and max(overlap.kept) >= WHOLE else "variant"
    if alike > _VARIANT_ALIKE:
        return "variant"
    return "same scene" if agreeing >= _MANY_AGREEING and alike > _SCENE_ALIKE else None


def _is_added(overlap: Overlap, far: NDArray[np.bool_]) -> bool:
    """Whether what differs has more contrast nearly everywhere in the same one of the two."""
    extra = overlap.extra[far]
    return bool(abs(extra.sum()) > _ONE_SIDED * np.abs(extra).sum() and np.abs(extra).mean() > _ADDED)


def _is_veiled(overlap: Overlap, far: NDArray[np.bool_]) -> bool:
    """Whether what differs is lighter everywhere in one of the two, and what lies beneath shows through.

    A half-transparent mark adds contrast to a light ground and takes it from what is dark. What is another thing or has
    another colour shows nothing of what lay there.
    """
    lighter = overlap.lighter[far]
    one_way = abs(lighter.sum()) > _ONE_WAY * np.abs(lighter).sum()
    return bool(one_way and np.median(overlap.structure[far]) > _PALER)


def _laid_on(overlap: Overlap) -> int | None:
    """Which has something laid on it, 0 or 1; None if one has what the other has there, but paler.

    A half-transparent mark takes contrast from the ink under it, so the one without the mark has more.
    """
    far = overlap.mask & (overlap.difference > 1)
    return None if float(np.median(overlap.structure[far])) > _PALER else int(overlap.extra[far].sum() > 0)


def _ran(overlap: Overlap, far: NDArray[np.bool_]) -> bool:
    """Whether colours ran, as strong compression lets them: it adds and takes no contrast, and another thing does."""
    worst, share = float(overlap.difference.max()), float(far.sum() / overlap.mask.sum())
    return worst <= _RUN_DIFFERENCE and share <= _LOOK_SHARE and bool(np.abs(overlap.extra[far]).mean() <= _RUN_ADDED)


def _edits(laid: Laid, found: Finding) -> tuple[Edit, ...]:
    overlap, outside = laid.overlap, laid.outside
    edits = [Edit("grey", overlap.grey - 1)] if overlap.grey else []
    degrees = _whole_quarters(laid.alignment.degrees)
    slanted = degrees % 90 != 0
    filled = outside.filled() if slanted else None
    if degrees:
        # The corners of a picture that was turned are filled with one colour; a quarter turn leaves no trace.
        edits.append(Edit("turned", filled, degrees))
    if laid.alignment.mirrored:
        edits.append(Edit("mirrored"))
    for side in (0, 1):
        if overlap.kept[side] >= WHOLE or filled is not None:
            continue
        if outside.framed[side] and not slanted:
            edits.append(Edit("bordered", side))
        elif not outside.framed[side]:
            # What has more pixels than the whole was not cut from it; the whole may be a screen that shows it.
            finer = outside.finer_part(overlap.kept, laid.zoom)
            edits.append(Edit("cropped", None if finer else 1 - side))
    if found == "overlaid":
        edits.append(Edit("overlaid", _laid_on(overlap)))
    if overlap.bend > _TONED:
        edits.append(Edit("toned"))
    if not 1 / _SAME_SIZE < laid.zoom < _SAME_SIZE:
        edits.append(Edit("resized", int(laid.zoom < 1)))
    return tuple(edits) or ((Edit("recompressed"),) if found == "explained" else ())


def _doubt(laid: Laid, found: Finding) -> str:
    """Why a copy is not sure, in words; empty if it is."""
    if found != "explained":
        return "one of them has something laid on it" if found == "overlaid" else "they differ in part"
    overlap, outside = laid.overlap, laid.outside
    area = overlap.area
    flat = float((overlap.contrast[overlap.mask] < 2).mean())
    allowed = _SURE_DIFFERENCE if laid.alignment.agreeing >= _WELL_AGREEING else _SMALL_DIFFERENCE
    tests = (
        (laid.looked > 0, "the files were not looked at"),
        (laid.alignment.agreeing >= _SURE_AGREEING, "few features agree"),
        (overlap.difference.max() <= allowed, "something small may differ"),
        (
            overlap.shared(6).sum() * STRIDE**2 >= max(_LEAST_STRUCTURE_PIXELS, _LEAST_STRUCTURE * area),
            "there is little in them",
        ),
        (overlap.populated.sum() >= _LEAST_LEVELS, "there are few shades in them"),
        (overlap.bend <= (_TONED_IN_GREY if overlap.grey else _TONED), "brightness or contrast differs"),
        (min(np.sqrt(area), *laid.sides) >= _LEAST_SIDE, "they are small"),
        (flat < 0.5 or max(laid.sides) <= 1.7 * laid.looked, "what is written in them may be finer than was looked at"),
        (outside.nothing_lost(overlap.kept), "each shows what the other does not"),
        (not outside.more_than_a_frame(), "there is more than a plain frame around one"),
        (not outside.finer_part(overlap.kept, laid.zoom), "the part has more pixels than the whole"),
    )
    return next((words for passed, words in tests if not passed), "")


def _whole_quarters(degrees: float) -> float:
    """A turn without what is only the map's error."""
    quarter = 90 * round(degrees / 90)
    if abs(degrees - quarter) < 1.0:
        return 180.0 if abs(quarter) == 180 else float(quarter)
    return round(degrees, 1)
