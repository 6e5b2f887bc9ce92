"""A cup and a cat that are drawn by program, since scikit-image has one photograph of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_SIDE = 240
_OAK = np.array([155.0, 105.0, 65.0])
_Point = tuple[float, float]


def cup() -> NDArray[np.uint8]:
    """A blue mug on a table, uint8 (240, 240, 3): rays are followed until they meet it (sphere tracing, Hart, 1996)."""
    eye, ahead = np.array([0.6, 1.7, 3.2]), _unit(np.array([-0.48, -1.75, -3.2]))
    right = _unit(np.cross(ahead, [0.0, 1.0, 0.0]))
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE * 0.96 - 0.48
    rays = _unit(ahead + x[..., None] * right - y[..., None] * np.cross(right, ahead))
    points = eye + np.zeros_like(rays)
    for _ in range(80):
        points = points + 0.9 * _distances(points).min(-1, keepdims=True) * rays
    step = 1e-3 * np.eye(3)
    slopes = [_distances(points + step[i]).min(-1) - _distances(points - step[i]).min(-1) for i in range(3)]
    light = _unit(np.array([-0.6, 1.0, 0.5]))
    lit = np.clip(_unit(np.stack(slopes, -1)) @ light, 0, 1) * _unshaded(points, light)
    grain = 12 * np.sin(5 * points[..., :1] + 2 * np.sin(points[..., 2:]))
    colours = np.where(_distances(points).argmin(-1)[..., None] == 0, (40, 90, 160), _OAK + grain)
    return np.asarray((colours * (0.4 + 0.75 * lit[..., None])).clip(0, 255), np.uint8)


def _distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each point is from the mug and from the table, (..., 2)."""
    x, y, z = np.moveaxis(points, -1, 0)
    out = np.hypot(x, z)  # from the axis of the mug
    wall = np.maximum(abs(out - 0.72) - 0.06, abs(y) - 0.8)
    floor = np.maximum(out - 0.74, abs(y + 0.74) - 0.06)
    handle = np.maximum(np.hypot(np.hypot(x - 0.78, y) - 0.42, z) - 0.09, 0.76 - out)
    return np.stack([np.minimum(np.minimum(wall, floor), handle) - 0.015, y + 0.8], -1)


def _unshaded(points: NDArray[np.float64], light: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the light reaches each point past the mug, from 0 to 1."""
    share, way = np.ones(points.shape[:-1]), np.full(points.shape[:-1], 0.03)
    for _ in range(40):
        clear = _distances(points + way[..., None] * light)[..., 0]
        share = np.minimum(share, np.clip(10 * clear / way, 0, 1))
        way = way + np.clip(clear, 0.02, 0.2)
    return share


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)
    return unit


def cat() -> NDArray[np.uint8]:
    """The head of a tabby cat from the front, uint8 (240, 240, 3), in polygons and ellipses."""
    size = 3 * _SIDE  # drawn larger, and made smaller for smooth edges
    image = Image.new("RGB", (size, size), (150, 180, 140))
    pen = ImageDraw.Draw(image)
    fur, dark, pink = (120, 110, 105), (70, 62, 60), (205, 150, 140)

    def ellipse(x: float, y: float, width: float, height: float, fill: tuple[int, int, int]) -> None:
        pen.ellipse([size * v for v in (x - width, y - height, x + width, y + height)], fill=fill)

    def both_sides(points: list[_Point], fill: tuple[int, int, int]) -> None:
        for mirrored in (False, True):
            pen.polygon([(size * (1 - x if mirrored else x), size * y) for x, y in points], fill=fill)

    ellipse(0.5, 0.96, 0.3, 0.34, fur)
    both_sides([(0.22, 0.42), (0.24, 0.1), (0.45, 0.27)], fur)
    both_sides([(0.27, 0.34), (0.275, 0.18), (0.38, 0.27)], pink)
    ellipse(0.5, 0.49, 0.31, 0.27, fur)
    for stripe in (0.4, 0.5):
        both_sides([(stripe - 0.015, 0.23), (stripe + 0.015, 0.23), (stripe, 0.36)], dark)
    for cheek in (0.5, 0.56, 0.62):
        both_sides([(0.2, cheek - 0.012), (0.2, cheek + 0.012), (0.32, cheek + 0.01)], dark)
    ellipse(0.5, 0.635, 0.14, 0.095, (215, 208, 200))
    for middle in (0.37, 0.63):
        ellipse(middle, 0.455, 0.075, 0.065, (30, 25, 25))
        ellipse(middle, 0.455, 0.065, 0.055, (170, 185, 70))
        ellipse(middle, 0.455, 0.02, 0.055, (15, 12, 12))
    pen.polygon([(0.46 * size, 0.56 * size), (0.54 * size, 0.56 * size), (0.5 * size, 0.6 * size)], fill=pink)
    for whisker in (-1, 0, 1):
        both_sides(
            [(0.42, 0.62 + 0.012 * whisker), (0.12, 0.6 + 0.05 * whisker), (0.42, 0.624 + 0.012 * whisker)], (245,) * 3
        )
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))
