"""Laying small pictures on each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gallery.conftest import scene
from PIL import Image, ImageOps

from samekind.gallery.duplicates.copies import COPY_THRESHOLD
from samekind.gallery.duplicates.features import grey_thumbnail
from samekind.gallery.duplicates.registration import registered_correlation

COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half": lambda image: image.resize((48, 48)),
    "crop": lambda image: image.crop((12, 3, 89, 80)),
    "mirror": ImageOps.mirror,
    "grey": ImageOps.grayscale,
    "turn": lambda image: image.rotate(10, Image.Resampling.BICUBIC),
    "dark": lambda image: image.point(lambda value: value // 2),
}


def small(image: Image.Image) -> np.ndarray:
    return grey_thumbnail(np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_can_be_laid_on_its_original_in_either_direction(kind: str) -> None:
    originals = np.stack([small(scene(seed)) for seed in range(20)])
    copies = np.stack([small(COPIES[kind](scene(seed))) for seed in range(20)])
    forth, back = registered_correlation(originals, copies), registered_correlation(copies, originals)
    assert np.mean(np.maximum(forth, back) >= COPY_THRESHOLD) >= 0.95


def test_other_pictures_cannot() -> None:
    pictures = np.stack([small(scene(seed)) for seed in range(60)])
    assert registered_correlation(pictures, np.roll(pictures, 1, axis=0)).max() < COPY_THRESHOLD


def test_pictures_without_structure_are_like_nothing() -> None:
    flat = np.full((3, 32, 32), 128, np.uint8)
    assert registered_correlation(flat, flat) == pytest.approx(0, abs=0.01)
