"""Finding copies: registration of small pictures, and the way from descriptors to pairs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gallery.conftest import LONG_AGO, scene
from PIL import Image, ImageOps

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.duplicates.copies import COPY_THRESHOLD, GROUP_SLACK, hash_pairs, whitened
from samekind.gallery.duplicates.features import grey_thumbnail, perceptual_hash
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
        groups = gallery.duplicates("near", on_progress=lambda done, total: calls.append((done, total)))
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


def test_exact_duplicates_have_the_same_bytes_or_the_same_pixels(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    save(scene(1), "a.png", LONG_AGO + 9)
    save(scene(1), "b.png")
    save(scene(1), "c.bmp", LONG_AGO - 9)
    turned = Image.Exif()
    turned[0x0112] = 3
    save(scene(1).transpose(Image.Transpose.ROTATE_180), "d.tif", exif=turned)
    changed = scene(1)
    changed.putpixel((5, 5), (1, 2, 3))
    save(changed, "e.png")
    save(scene(2), "f.png")
    gallery.sync(tmp_path / "photos")
    (group,) = gallery.duplicates("exact")
    assert [row.path.name for row in group.rows] == ["a.png", "b.png", "c.bmp", "d.tif"]
    assert group.similarity == 1
    assert group.keep.size == max(row.size for row in group.rows)
    (tmp_path / "photos/c.bmp").unlink()
    assert [row.path.name for row in gallery.duplicates("exact")[0].rows] == ["a.png", "b.png", "d.tif"]
    with pytest.raises(GalleryError, match="no threshold"):
        gallery.duplicates("exact", threshold=0.5)


def test_what_differs_below_eight_bits_or_in_a_later_frame_is_no_exact_duplicate(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    deep = 60_000 + np.arange(24 * 20).reshape(20, 24)
    save(Image.fromarray(deep.astype(np.uint16)), "deep.png")
    save(Image.fromarray((deep + 1).astype(np.uint16)), "deeper.png")
    save(Image.fromarray(deep.astype(np.uint16)), "deep again.png", compress_level=0)
    for low in (0, 1):  # Pillow reads three channels of 16 bits as 8
        rows = b"".join(b"\0" + b"\x80" + bytes([low]) + b"\x40\x00" * 71 for _ in range(20))
        chunks = (
            (b"IHDR", struct.pack(">IIBBBBB", 24, 20, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        path = tmp_path / f"photos/rgb48-{low}.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
                for name, data in chunks
            )
        )
    for kind in ("gif", "tif"):
        for last in (2, 3):
            save(scene(1, 32), f"moving{last}.{kind}", save_all=True, append_images=[scene(last, 32)])
    gallery.sync(tmp_path / "photos")
    assert len(gallery) == 9
    (group,) = gallery.duplicates("exact")
    assert [row.path.name for row in group.rows] == ["deep again.png", "deep.png"]


def test_same_class_groups_are_at_the_models_strict_threshold(gallery: Gallery, photos: Path) -> None:
    gallery.sync(photos)
    groups = gallery.duplicates("same-class")
    assert [{row.path.parent.name for row in group.rows} for group in groups] == [{"blue"}, {"green"}, {"red"}]
    strict = gallery.card.pair.operating_points["strict"].threshold
    assert all(strict <= group.similarity <= 1 for group in groups)
    assert gallery.duplicates("same-class", threshold=1.0) == []
    with pytest.raises(GalleryError, match="there are exact, near and same-class"):
        gallery.duplicates("alike")  # type: ignore[arg-type]


def test_keeping_goes_by_pixels_then_bytes_then_age(
    gallery: Gallery, save: Callable[..., Path], tmp_path: Path
) -> None:
    save(scene(1, 64), "small.png")
    save(scene(1, 128), "young.bmp", LONG_AGO + 100)
    save(scene(1, 128), "old.bmp")
    gallery.sync(tmp_path / "photos")
    near = gallery.duplicates("near")
    assert [(group.keep.path.name, group.why) for group in near] == [("old.bmp", "oldest file")]
    (tmp_path / "photos/young.bmp").unlink()
    gallery.sync(tmp_path / "photos")
    assert [group.why for group in gallery.duplicates("near")] == ["most pixels: 128×128"]


def test_the_hash_is_that_of_the_imagehash_library() -> None:
    import imagehash

    image = scene(7)
    bits = imagehash.phash(Image.fromarray(small(image))).hash
    assert perceptual_hash(small(image)) == np.packbits(bits).tobytes()
