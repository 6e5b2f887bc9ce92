from __future__ import annotations

import numpy as np
import pytest
from copies.conftest import photo

from samekind.copies.picture import SMALL_SIDE, describe_picture, packed, shrunk, unpacked
from samekind.errors import ImageError


def test_what_is_kept_of_a_picture_comes_back() -> None:
    picture = describe_picture(np.asarray(photo(3)))
    back = unpacked(*packed(picture))
    assert back.pixels.shape == picture.pixels.shape
    assert np.abs(back.pixels.astype(int) - picture.pixels).mean() < 8
    assert np.abs(back.features.points - picture.features.points).max() <= 0.13
    assert np.abs(back.features.scales - picture.features.scales).max() <= 0.01
    turn = np.abs(back.features.angles - picture.features.angles)
    assert np.minimum(turn, 360 - turn).max() <= 0.71
    assert (back.features.bits == picture.features.bits).all()


def test_little_is_kept() -> None:
    assert sum(len(part) for part in packed(describe_picture(np.asarray(photo(4, 800, 600))))) < 10_000


def test_sides_keep_their_ratio_and_small_pictures_their_size() -> None:
    assert describe_picture(np.zeros((400, 100, 3), np.uint8)).pixels.shape == (SMALL_SIDE, 48, 3)
    assert shrunk(np.zeros((40, 30, 3), np.uint8), SMALL_SIDE).shape == (40, 30, 3)
    assert describe_picture(np.zeros((1, 900, 3), np.uint8)).pixels.shape == (1, SMALL_SIDE, 3)


@pytest.mark.parametrize("small", [b"", b"no WebP"])
def test_a_small_picture_that_is_damaged_is_told(small: bytes) -> None:
    _, features = packed(describe_picture(np.zeros((40, 40, 3), np.uint8)))
    with pytest.raises(ImageError, match="a small picture in the gallery is damaged"):
        _ = unpacked(small, features).pixels
