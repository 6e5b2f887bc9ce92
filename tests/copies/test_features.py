from __future__ import annotations

import numpy as np
from copies.conftest import photo
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samekind.copies.alignment.matching import match, mirrored
from samekind.copies.features import BITS, MOST_FEATURES, find_features, mirrored_bits, signs


def test_the_features_of_a_mirror_image_are_what_mirroring_the_features_gives() -> None:
    pixels = np.asarray(photo(1))
    flipped = find_features(np.ascontiguousarray(pixels[:, ::-1]))
    computed = mirrored(find_features(pixels), pixels.shape[1])
    one, other = match(flipped, computed)
    apart = np.linalg.norm(flipped.points[one] - computed.points[other], axis=1)
    assert (apart < 1.5).sum() > 0.6 * len(flipped)
    assert len(match(flipped, find_features(pixels))[0]) < 0.3 * len(flipped)


@given(arrays(np.uint8, (5, BITS // 8)))
def test_mirroring_twice_gives_the_bits_back(bits: np.ndarray) -> None:
    assert (mirrored_bits(mirrored_bits(bits)) == bits).all()


@given(arrays(np.uint8, (2, BITS // 8)))
def test_the_product_of_signs_counts_the_bits_that_differ(bits: np.ndarray) -> None:
    differ = int(np.unpackbits(bits[0] ^ bits[1]).sum())
    assert float(signs(bits)[0] @ signs(bits)[1]) == BITS - 2 * differ


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_any_picture_has_at_most_so_many_features_and_all_within_it(pixels: np.ndarray) -> None:
    found = find_features(pixels)
    assert len(found) <= MOST_FEATURES
    assert (found.points >= -1).all()
    assert (found.points <= np.array(pixels.shape[1::-1])).all()


def test_a_dark_picture_has_features() -> None:
    dark = (np.asarray(photo(2)) // 12).astype(np.uint8)
    assert len(find_features(dark)) > 20
