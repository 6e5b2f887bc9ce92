"""Laying one small picture on another: if they are the same picture, there is a way in which they match.

Two pictures of one class may have nearly the same descriptor, but no shift, zoom and turn makes one the other. So each
pair of thumbnails is registered: the affine map is sought under which they correlate most, for one of the two and for
its mirror image, and the correlation that is reached tells copies from look-alikes.

Gauss-Newton steps from coarse to fine, as of Lucas and Kanade, "An iterative image registration technique", 1981, on
images of zero mean and unit variance, so that brightness and contrast do not count (Evangelidis and Psarakis,
"Parametric image alignment using enhanced correlation coefficient maximization", 2008); pixels that do not match, such
as black corners, weigh little (Geman and McClure's function).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Where the search begins: as it is, cut to its middle, laid on the middle of the other; each also mirrored.
_ZOOMS = (1.0, 0.82, 1.22)
_COARSE_STEPS, _FINE_STEPS = 6, 6
# Where pixels differ by this much of their standard deviation they weigh a quarter.
_TOLERANCE = 0.5
# Less of the picture in common proves nothing.
_LEAST_OVERLAP = 0.45
# So many pairs that what is computed of them stays in the processor's cache.
_PAIRS_AT_ONCE = 32


def registered_correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """How well each picture can be laid on its partner.

    Args:
        first: uint8 (N, S, S), grey; S is even.
        second: uint8 (N, S, S), their partners.

    Returns:
        float32 (N,), in [-1, 1]: the correlation of the pixels that both have, under the best map found, shrunk a
        little where a picture has little contrast, and to 0 where it has none or the two have less than 45 % in common.

    Example:
        >>> line = np.linspace(0, 2 * np.pi, 32)
        >>> picture = (127 + 60 * np.sin(line) + 60 * np.cos(2 * line)[:, None]).astype(np.uint8)[None]
        >>> float(registered_correlation(picture, picture[:, :, ::-1])[0]) > 0.95
        True
    """
    found = [np.empty(0, np.float32)]
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        found.append(_register(first[part].astype(np.float32), second[part].astype(np.float32)))
    return np.concatenate(found)


def _register(first: Floats, second: Floats) -> Floats:
    count = len(first)
    starts = [np.diag([zoom * mirror, zoom, 1]) for mirror in (1, -1) for zoom in _ZOOMS]
    maps = np.tile(np.array([start[:2] for start in starts], np.float32), (count, 1, 1))
    small, other = (_halved(images).repeat(len(starts), axis=0) for images in (first, second))
    maps = _improved(small, other, maps, _COARSE_STEPS)
    reached = _correlation(small, other, maps).reshape(count, len(starts))
    best = maps.reshape(count, len(starts), 2, 3)[np.arange(count), reached.argmax(axis=1)]
    return _correlation(first, second, _improved(first, second, best, _FINE_STEPS))


def _halved(images: Floats) -> Floats:
    count, side, _ = images.shape
    halved: Floats = images.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4))
    return halved


def _improved(first: Floats, second: Floats, maps: Floats, steps: int) -> Floats:
    """Maps (N, 2, 3) from places in the first image to places in the second; both run from -1 to 1."""
    count, side, _ = first.shape
    x, y = _places(side)
    fixed = first.reshape(count, -1)
    slopes = np.gradient(second, 2 / (side - 1), axis=(2, 1))
    for _ in range(steps):
        u, v = _mapped(maps, x, y)
        moved, *slope, inside = _sampled([second, *slopes], u, v)
        a, b, spread = _standardised(fixed, moved, inside)
        error = a - b
        weight = inside / (1 + (error / _TOLERANCE) ** 2)
        across, down = (part / spread for part in slope)
        # How the value at each place changes with each of the six numbers of the map.
        jacobian = np.stack([across * x, across * y, across, down * x, down * y, down], axis=1)
        weighted = jacobian * weight[:, None]
        normal = weighted @ jacobian.transpose(0, 2, 1)
        # Held back a little, so that a picture of stripes does not run away along them.
        normal += 0.01 * np.trace(normal, axis1=1, axis2=2)[:, None, None] / 6 * np.eye(6, dtype=np.float32)
        normal += np.float32(1e-3) * np.eye(6, dtype=np.float32)
        step = np.linalg.solve(normal, weighted @ error[:, :, None])[:, :, 0]
        maps = maps + np.clip(step, -0.25, 0.25).reshape(count, 2, 3)
    return maps


def _correlation(first: Floats, second: Floats, maps: Floats) -> Floats:
    side = first.shape[1]
    moved, inside = _sampled([second], *_mapped(maps, *_places(side)))
    a, b, _ = _standardised(first.reshape(len(first), -1), moved, inside)
    total = inside.sum(axis=1)
    correlation = (a * b * inside).sum(axis=1) / np.maximum(total, 1)
    return np.where(total >= _LEAST_OVERLAP * side * side, correlation, 0).astype(np.float32)


def _places(side: int) -> tuple[Floats, Floats]:
    line = np.linspace(-1, 1, side, dtype=np.float32)
    y, x = np.meshgrid(line, line, indexing="ij")
    return x.ravel(), y.ravel()


def _mapped(maps: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    u, v = (maps[:, i, 0, None] * x + maps[:, i, 1, None] * y + maps[:, i, 2, None] for i in (0, 1))
    return u, v


def _sampled(images: list[Floats], u: Floats, v: Floats) -> list[Floats]:
    """The values of each image at places, bilinear, (N, P); and last, 1 where the place is inside and 0 elsewhere."""
    count, side, _ = images[0].shape
    inside = (np.maximum(np.abs(u), np.abs(v)) <= 1).astype(np.float32)
    column, row = (np.clip((place + 1) * ((side - 1) / 2), 0, side - 1.001) for place in (u, v))
    left, top = column.astype(np.int32), row.astype(np.int32)
    right, below = column - left, row - top
    corner = top * side + left + (np.arange(count, dtype=np.int32) * side * side)[:, None]
    values = []
    for image in images:
        flat = image.ravel()
        above = flat[corner] * (1 - right) + flat[corner + 1] * right
        under = flat[corner + side] * (1 - right) + flat[corner + side + 1] * right
        values.append(above * (1 - below) + under * below)
    return [*values, inside]


def _standardised(first: Floats, second: Floats, inside: Floats) -> tuple[Floats, Floats, Floats]:
    """Both with zero mean and unit variance over the places inside; and what the second was divided by."""
    total = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    standard = []
    for values in (first, second):
        centred = values - (values * inside).sum(axis=1, keepdims=True) / total
        spread = np.sqrt((centred**2 * inside).sum(axis=1, keepdims=True) / total) + 1
        standard.append(centred / spread)
    return standard[0], standard[1], spread
