"""What two pictures differ in where they overlap, once a global tone curve is undone.

The finer picture is brought to the pixels of the coarser. One rising curve, the same for all three channels, takes the
levels of one to those of the other; what it leaves is set against what compression and half a pixel may do: a level
of noise, and a part of the contrast around. Colour variants have one curve for each channel and so are not explained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from samekind.copies.alignment.matching import Map

Floats = NDArray[np.float32]

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
# Levels of noise in brightness and colour, and the part of the contrast around, that explain a difference.
_NOISE, _COLOUR_NOISE, _PART = 5.0, 9.0, 0.42
# Colour means of less than so many levels are grey.
_GREY, _COLOURED = 2.5, 5.0
_BINS = 32
# Differences are judged in windows, a pyramid's step and a box, whose deviation is two pixels; at every second pixel.
STRIDE, _BOX = 2, (3, 3)
_EDGE = 3  # pixels at the rim of the overlap that are not judged
_LEAST_SIDE = 16
_SAME_STRUCTURE = 0.7


@dataclass(frozen=True)
class Overlap:
    """Two pictures laid on each other, and how they differ.

    Attributes:
        difference: float32 (h, w), what is not explained, 1 where it is just too much; 0 outside the overlap. One value
            for two pixels along and two across, as in all that follow.
        mask: bool (h, w), the overlap.
        contrast: float32 (h, w), of the two pictures around each pixel, in levels; the lower of both.
        structure: float32 (h, w), how much of the contrast around each pixel is in both, the more contrasty side in the
            denominator; -1 to 1.
        extra: float32 (h, w), contrast that the second has around each pixel and the first has not, in levels; negative
            where it is the first's.
        lighter: float32 (h, w), levels by which the second is lighter around each pixel; negative where it is darker.
        curve: float32 (32,), the level of the second for each of 32 levels of the first (4, 12, … 252).
        populated: bool (32,), the levels that occur.
        grey: 1 if only the first is without colour, 2 if only the second, 0 if both are alike in that.
        kept: (float, float), the part of each picture that is in the overlap.
        zoom: Pixels of the second for one of the first.
    """

    difference: Floats
    mask: NDArray[np.bool_]
    contrast: Floats
    structure: Floats
    extra: Floats
    lighter: Floats
    curve: Floats
    populated: NDArray[np.bool_]
    grey: int
    kept: tuple[float, float]
    zoom: float

    def shared(self, levels: float) -> NDArray[np.bool_]:
        """Where both have the same structure, of a contrast above so many levels: bool (h, w)."""
        return self.mask & (self.contrast > levels) & (self.structure > _SAME_STRUCTURE)

    @property
    def area(self) -> int:
        """Pixels in the overlap."""
        return int(self.mask.sum()) * STRIDE**2

    @property
    def bend(self) -> float:
        """How far the curve is from leaving levels as they are, at most, in levels."""
        return float(np.abs(self.curve - _LEVELS)[self.populated].max()) if self.populated.any() else 0.0


def lay(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Map) -> Overlap | None:
    """Lay the second picture on the first.

    Args:
        first: uint8 (H, W, 3), RGB.
        second: uint8 (H', W', 3), RGB.
        matrix: float64 (2, 3), from pixels of the first to pixels of the second.

    Returns:
        None if hardly anything overlaps.
    """
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if zoom >= 1:
        brought = _brought(second, matrix, first.shape, zoom)
        one, other, mask = first, brought[0], brought[1]
        kept = (mask.mean(), mask.sum() * zoom**2 / (second.shape[0] * second.shape[1]))
    else:
        back = cv2.invertAffineTransform(matrix)
        brought = _brought(first, back, second.shape, 1 / zoom)
        one, other, mask = brought[0], second, brought[1]
        kept = (mask.sum() / zoom**2 / (first.shape[0] * first.shape[1]), mask.mean())
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) < _LEAST_SIDE or len(columns) < _LEAST_SIDE:
        return None
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mask = cv2.erode(np.pad(mask[box].astype(np.uint8), 1), np.ones((3, 3), np.uint8), iterations=_EDGE)[1:-1, 1:-1] > 0
    if mask.sum() < _LEAST_SIDE**2:
        return None
    a, b = (cv2.GaussianBlur(part[box].astype(np.float32), (0, 0), 0.7) for part in (one, other))
    return _compared(a, b, mask, (min(1.0, float(kept[0])), min(1.0, float(kept[1]))), zoom)


def _compared(a: Floats, b: Floats, mask: NDArray[np.bool_], kept: tuple[float, float], zoom: float) -> Overlap:
    thin = np.s_[::2, ::2]
    colours = [float(_colour(part[thin])[mask[thin]].mean()) if mask[thin].any() else 0.0 for part in (a, b)]
    grey = 0
    if min(colours) < _GREY and max(colours) > _COLOURED:
        grey = 1 + int(colours[1] < colours[0])
    if grey:
        a, b = (cv2.merge([cv2.transform(part, _LUMA)] * 3) for part in (a, b))
    overlap = Overlap(*_one_way(a, b, mask), grey, kept=kept, zoom=zoom)
    if overlap.bend > _BENT and float(overlap.difference.max()) > _HARDLY:
        # A curve that is steep somewhere is gentle there the other way round.
        other = Overlap(*_one_way(b, a, mask), grey, kept=kept, zoom=zoom)
        if float(other.difference.max()) < float(overlap.difference.max()):
            return replace(other, extra=-other.extra, lighter=-other.lighter)
    return overlap


def _one_way(
    a: Floats, b: Floats, mask: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    """The first fields of an overlap, the curve taking levels of ``a`` to those of ``b``."""
    places = np.flatnonzero(mask)
    places = places[:: max(1, 3 * len(places) // _SAMPLED)]
    curve, populated = tone_curve(a.reshape(-1, 3)[places].ravel(), b.reshape(-1, 3)[places].ravel())
    table = np.interp(np.arange(256), _LEVELS, curve).astype(np.float32)
    explained = cv2.LUT(np.rint(a).astype(np.uint8), table)
    b = np.where(mask[..., None], b, explained)  # what lies beyond the overlap must not leak into the windows
    thin = mask[::STRIDE, ::STRIDE]
    best = _differences(explained, b)
    worst = float(best[0][thin].max(initial=0))
    if _HARDLY < worst < _FAR:
        # One of two copies was made smaller and larger again, or turned, and is less sharp for it.
        sharper = _sharpness(explained, mask) >= _sharpness(b, mask)
        for blur in _BLURS:
            one = cv2.GaussianBlur(explained, (0, 0), blur) if sharper else explained
            other = b if sharper else cv2.GaussianBlur(b, (0, 0), blur)
            again = _differences(one, other)
            reached = float(again[0][thin].max(initial=0))
            if reached < worst:
                best, worst = again, reached
    return np.where(thin, best[0], 0), thin, *best[1:], curve, populated


_HARDLY, _FAR, _BENT = 1.0, 6.0, 8.0
_BLURS = (0.7, 1.0)


def _sharpness(values: Floats, mask: NDArray[np.bool_]) -> float:
    luma, inside = cv2.transform(values, _LUMA), mask.astype(np.uint8)
    edges = cv2.mean(cv2.absdiff(cv2.Laplacian(luma, cv2.CV_32F), 0), inside)[0]
    return float(edges) / max(1.0, float(cv2.meanStdDev(luma, mask=inside)[1].item()))


def _differences(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """What is not explained; the lower contrast; what they share of the higher; the second's contrast and light."""
    luma_a, luma_b = (cv2.transform(part, _LUMA) for part in (a, b))
    mean_a, square_a, square_b, product = cv2.split(
        _window(cv2.merge([luma_a, luma_a * luma_a, luma_b * luma_b, luma_a * luma_b]))
    )
    apart = _window(b - a)
    lighter = cv2.transform(apart, _LUMA)
    mean_b = mean_a + lighter
    var_a, var_b = (square_a - mean_a**2).clip(0), (square_b - mean_b**2).clip(0)
    high, low = np.sqrt(np.maximum(var_a, var_b)), np.sqrt(np.minimum(var_a, var_b))
    tint = apart - lighter[..., None]
    difference = np.maximum(
        np.sqrt((square_a + square_b - 2 * product).clip(0)) / (_NOISE + _PART * high),
        np.sqrt((tint * tint).sum(axis=2)) / (_COLOUR_NOISE + _PART * high),
    )
    return difference, low, (product - mean_a * mean_b) / (high**2 + 4), np.sqrt(var_b) - np.sqrt(var_a), lighter


_LEVELS = (np.arange(_BINS) * 8 + 3.5).astype(np.float32)


def tone_curve(first: Floats, second: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The smooth curve from the levels of one picture to those of another: float32 (32,), and which levels occur.

    It bends as little as it can, and rises everywhere, as a program's brightness, contrast and gamma do; so it cannot
    give each of a few flat colours another. Fitted to the median of each level's counterparts, those that fit ill
    weighing less.

    Args:
        first: float32 (N,), 0 to 255, pixels of one.
        second: float32 (N,), the pixels that lie on them.
    """
    bins = (first / 8).astype(np.int64).clip(0, _BINS - 1)
    order = np.argsort(bins * 1024 + (second * 4).astype(np.int64), kind="stable")
    counts = np.bincount(bins, minlength=_BINS)
    starts = np.cumsum(counts) - counts
    enough = counts >= max(8, len(first) // 500)
    middle = second[order][(starts + counts // 2).clip(0, len(first) - 1)][enough]
    own = first[order][(starts + counts // 2).clip(0, len(first) - 1)][enough]
    weight = np.sqrt(counts[enough] / len(first))
    offset = _KNOTS * 0
    for _ in range(_ROUNDS):
        missed = middle - own - np.interp(own, _KNOTS, offset)
        offset = _smooth(own, middle - own, weight / (1 + (missed / _DOUBT) ** 2))
    curve = np.interp(_LEVELS, _KNOTS, offset) + _LEVELS
    return np.maximum.accumulate(curve.clip(0, 255)).astype(np.float32), enough


_KNOTS = np.array([0.0, 12, 28, 48, 72, 104, 136, 168, 200, 228, 255])
_SAMPLED, _ROUNDS, _DOUBT = 9_000, 3, 6.0
_BEND, _STAY = 0.4, 0.005


def _smooth(levels: Floats, offsets: Floats, weight: Floats) -> NDArray[np.float64]:
    """The offsets at the knots: least squares, with a price on bending and a small one on being there at all."""
    hats = np.array([np.interp(levels, _KNOTS, knot) for knot in np.eye(len(_KNOTS))]).T
    slopes = np.diff(np.eye(len(_KNOTS)), axis=0) / np.diff(_KNOTS)[:, None]
    bends = np.diff(slopes, axis=0) * 16
    left = hats.T @ (weight[:, None] * hats) + _BEND * bends.T @ bends + _STAY * np.eye(len(_KNOTS))
    return np.asarray(np.linalg.solve(left, hats.T @ (weight * offsets)))


def _brought(
    picture: NDArray[np.uint8], matrix: Map, shape: tuple[int, ...], zoom: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A finer picture on the pixels of a coarser; and where it has any."""
    if zoom > 1.2:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.45 * np.sqrt(zoom**2 - 1))
    size, flags = (shape[1], shape[0]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    mask = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), matrix, size, flags=flags)
    return cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), mask > 254


def _window(values: Floats) -> Floats:
    blurred: Floats = cv2.blur(cv2.pyrDown(values), _BOX)
    return blurred


def _colour(values: Floats) -> Floats:
    """How far each pixel is from grey, in levels."""
    red, green, blue = cv2.split(values)
    spread: Floats = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return spread
