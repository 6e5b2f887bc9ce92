"""The map is known by construction: pictures are changed by known maps."""

from __future__ import annotations

import numpy as np
import pytest
from copies.conftest import photo
from numpy.typing import NDArray
from PIL import Image, ImageOps

from samekind.copies.alignment.geometry import Alignment, alignments, at_sizes
from samekind.copies.alignment.matching import similarity_of
from samekind.copies.features import Features
from samekind.copies.picture import Picture, describe_picture


def described(image: Image.Image) -> Picture:
    return describe_picture(np.asarray(image))


def laid(first: Image.Image, second: Image.Image) -> Alignment:
    return next(alignments(described(first), described(second)))


@pytest.mark.parametrize("degrees", [0, 10, 90, 180, 270, -33])
def test_a_turn_is_measured(degrees: int) -> None:
    original = photo(5)
    found = laid(original, original.rotate(-degrees, Image.Resampling.BICUBIC, expand=degrees % 90 == 0))
    assert abs((found.degrees - degrees + 180) % 360 - 180) < 0.5
    assert not found.mirrored


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_the_eight_ways_to_lay_a_rectangle_are_told_apart(quarters: int, mirror: bool) -> None:
    original = photo(6)
    changed = (ImageOps.mirror(original) if mirror else original).rotate(90 * quarters, expand=True)
    assert laid(original, changed).mirrored == mirror


def test_a_cut_is_placed_to_a_part_of_a_pixel() -> None:
    original = photo(7, 192, 144)
    found = laid(original, original.crop((40, 20, 168, 116)))
    assert found.matrix @ [40, 20, 1] == pytest.approx([0, 0], abs=0.5)
    assert found.matrix @ [167, 115, 1] == pytest.approx([127, 95], abs=0.5)


def test_a_zoom_is_measured_between_pictures_of_many_sizes() -> None:
    original = photo(8, 900, 600)
    found = laid(original.crop((200, 100, 700, 500)), original)
    assert found.zoom == pytest.approx(192 / 900 * 500 / 192, rel=0.01)


def test_pictures_without_features_are_laid_whole() -> None:
    y, x = np.mgrid[0:120, 0:160]
    values = np.dstack([x, y, 255 - (x + y) * 0.8]).astype(np.uint8)
    first, second = (described(Image.fromarray(v)) for v in (values, np.ascontiguousarray(np.rot90(values))))
    found = next(alignments(first, second), None)
    assert found is not None
    assert found.agreeing == 0
    assert abs(abs(found.degrees) - 90) < 8


def test_other_pictures_cannot_be_laid_on_each_other() -> None:
    assert all(not list(alignments(described(photo(seed)), described(photo(seed + 100)))) for seed in range(5))


def test_the_centres_of_pixels_stay_where_they_are_in_other_sizes() -> None:
    small, large = np.zeros((30, 40), np.uint8), np.zeros((60, 80), np.uint8)
    identity = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert at_sizes(identity, small, small, large, large) == pytest.approx(identity)
    assert at_sizes(identity, small, small, small, large) @ [0, 0, 1] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("seed", range(5))
def test_where_one_feature_is_repeated_many_times_its_places_tell_the_map(seed: int) -> None:
    """Sixty notes of two kinds, of which a cut at another size shows some."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 190, (60, 2)).astype(np.float32)
    kinds = rng.integers(0, 2, (2, 128), dtype=np.uint8)[rng.integers(0, 2, 60)]

    def seen(chosen: NDArray[np.int64], zoom: float, shift: float) -> Features:
        noisy = kinds[chosen] ^ (rng.random((len(chosen), 128)) < 0.02)
        sizes = np.full(len(chosen), 8 * zoom, np.float32)
        points = (places[chosen] * zoom + shift).astype(np.float32)
        return Features(points, sizes, np.zeros(len(chosen), np.float32), np.packbits(noisy, axis=1))

    found = similarity_of(seen(rng.permutation(60), 1.0, 0.0), seen(rng.permutation(60)[:40], 1.25, -20.0))
    assert found is not None
    np.testing.assert_allclose(found[0] @ [100, 100, 1], (105, 105), atol=0.5)
    np.testing.assert_allclose(found[0][:, :2], [[1.25, 0], [0, 1.25]], atol=0.01)
    assert found[1] < 8  # too few for a copy to be sure
