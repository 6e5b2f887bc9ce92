"""The way from descriptors and hashes to pairs of copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gallery.conftest import scene
from PIL import Image, ImageOps

from samekind.gallery import Gallery
from samekind.gallery.duplicates.copies import COPY_THRESHOLD, GROUP_SLACK, hash_pairs, whitened

COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half": lambda image: image.resize((48, 48)),
    "crop": lambda image: image.crop((12, 3, 89, 80)),
    "mirror": ImageOps.mirror,
    "grey": ImageOps.grayscale,
    "turn": lambda image: image.rotate(10, Image.Resampling.BICUBIC),
    "dark": lambda image: image.point(lambda value: value // 2),
}


def test_hash_pairs_are_those_within_six_bits() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2, 64)
    bits = np.stack([base ^ (np.arange(64) < flipped) for flipped in range(12)])
    found = hash_pairs(np.packbits(bits.astype(np.uint8), axis=1))
    expected = {(i, j) for i in range(12) for j in range(i + 1, 12) if j - i <= 6}
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected


def test_whitened_descriptors_vary_alike_in_all_directions() -> None:
    rng = np.random.default_rng(0)
    mixed = (rng.normal(size=(4000, 12)) * np.geomspace(1, 3, 12)) @ np.linalg.qr(rng.normal(size=(12, 12)))[0]
    rows = whitened(mixed.astype(np.float32))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.svd(rows, compute_uv=False) == pytest.approx((4000 / 12) ** 0.5, rel=0.1)
    assert np.isfinite(whitened(np.zeros((5, 12), np.float32))).all()


@pytest.fixture
def album(save: Callable[..., Path], tmp_path: Path) -> Path:
    """Forty scenes; of three there are copies of all kinds."""
    for seed in range(40):
        save(scene(seed), f"{seed:02}.png")
    for seed in (3, 4, 5):
        for kind, copy in COPIES.items():
            save(copy(scene(seed)), f"{seed:02}-{kind}.jpg", quality=85)
    return tmp_path / "photos"


def test_near_duplicates_are_grouped_and_the_copy_worth_keeping_is_named(album: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    with Gallery.open(tmp_path / "photos.samekind") as gallery:  # of the model that comes with samekind
        gallery.sync(album)
        groups = gallery.duplicates("near", on_progress=lambda _, done, total: calls.append((done, total)))
        strict = gallery.duplicates("near", threshold=0.999)
        assert not gallery.duplicates("exact")
    assert calls[-1][0] == calls[-1][1]
    # These scenes have less to hold on to than photographs, so a turned copy may be missed, but nothing is mixed up.
    main = [group for group in groups if group.keep.path.suffix == ".png"]
    assert [group.keep.path.name for group in main] == ["03.png", "04.png", "05.png"]
    assert all({row.path.name[:2] for row in group.rows} == {group.keep.path.name[:2]} for group in groups)
    for group in main:
        assert {row.path.stem[3:] for row in group.rows} >= {"", "half", "mirror", "grey"}
        assert group.why.startswith("largest file")
        assert group.keep not in group.spare
        assert len(group.spare) == len(group.rows) - 1
        assert COPY_THRESHOLD - GROUP_SLACK <= group.similarity <= 1
    assert sum(len(group.rows) for group in strict) < sum(len(group.rows) for group in groups)
