"""The pairs of images that have nearly the same perceptual hash."""

from __future__ import annotations

import numpy as np

from samekind.gallery.duplicates.pictures.hash_pairs import hash_pairs


def test_hash_pairs_are_those_within_six_bits() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2, 64)
    bits = np.stack([base ^ (np.arange(64) < flipped) for flipped in range(12)])
    found = hash_pairs(np.packbits(bits.astype(np.uint8), axis=1))
    expected = {(i, j) for i in range(12) for j in range(i + 1, 12) if j - i <= 6}
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected
