from __future__ import annotations

import io

import numpy as np
import pytest
from icc import ADOBE, P3, SRGB, matrix_profile
from PIL import Image, ImageCms

from samekind.images import load_image
from samekind.images.encoded.colour import profile_of

SIZE = 16


def smooth(seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(60, 200, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


@pytest.mark.parametrize(("columns", "gamma"), [(ADOBE, 2.2), (P3, 2.2), (SRGB, 1.8)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_a_copy_in_another_colour_space_gives_the_same_pixels(
    columns: tuple[tuple[float, ...], ...], gamma: float, kind: str
) -> None:
    profile = matrix_profile(columns, gamma)
    srgb = ImageCms.createProfile("sRGB")
    copy = ImageCms.profileToProfile(smooth(), srgb, ImageCms.ImageCmsProfile(io.BytesIO(profile)), renderingIntent=1)
    assert copy is not None
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}.get(kind, {})
    pixels = load_image(encoded(copy, kind, icc_profile=profile, **exact), SIZE)
    expected = load_image(smooth(), SIZE)
    assert distance(pixels, expected) < 2
    untold = load_image(encoded(copy, kind, icc_profile=None, **exact), SIZE)
    assert distance(untold, expected) > 2 * distance(pixels, expected)


def test_a_pil_image_keeps_its_profile() -> None:
    profile = matrix_profile(ADOBE, 2.2)
    data = encoded(smooth(), icc_profile=profile)
    assert np.array_equal(load_image(Image.open(io.BytesIO(data)), SIZE), load_image(data, SIZE))


def test_srgb_by_any_name_leaves_the_pixels_to_the_bit() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    jpeg = encoded(smooth(), "JPEG", icc_profile=profile)
    assert np.array_equal(load_image(jpeg, SIZE), load_image(encoded(smooth(), "JPEG"), SIZE))


@pytest.mark.parametrize("profile", [b"", b"no profile", matrix_profile(ADOBE, 2.2)[:200], bytes(3000)])
def test_a_broken_profile_is_no_broken_picture(profile: bytes) -> None:
    data = encoded(smooth(), icc_profile=profile)
    assert np.array_equal(load_image(data, SIZE), load_image(smooth(), SIZE))


def test_a_profile_of_grey_values_is_applied_to_grey_pictures_only() -> None:
    profile = matrix_profile((), 1.0, b"GRAY")
    grey = smooth().convert("L")
    pixels = load_image(encoded(grey, icc_profile=profile), SIZE).astype(float)
    linear = load_image(grey, SIZE).astype(float) / 255
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    assert np.abs(pixels - expected).max() < 3
    tagged = smooth().copy()
    tagged.info["icc_profile"] = profile
    assert np.array_equal(load_image(tagged, SIZE), load_image(smooth(), SIZE))


def test_a_profile_of_colours_is_applied_to_grey_pictures_too() -> None:
    grey = smooth().convert("L")
    pixels = load_image(encoded(grey, icc_profile=matrix_profile(SRGB, 1.0)), SIZE)
    assert pixels.mean() > load_image(grey, SIZE).mean() + 10


def test_what_is_transparent_is_white_in_any_colour_space() -> None:
    clear = Image.new("RGBA", (24, 20), (10, 20, 30, 0))
    assert load_image(encoded(clear, icc_profile=matrix_profile(ADOBE, 2.2)), SIZE).min() >= 254


def test_a_picture_in_lab_is_read() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    in_lab = ImageCms.profileToProfile(smooth(), srgb, lab, outputMode="LAB")
    assert in_lab is not None
    assert distance(load_image(encoded(in_lab, "TIFF"), SIZE), load_image(smooth(), SIZE)) < 3


def test_only_a_profile_that_changes_something_is_named() -> None:
    image = smooth()
    assert profile_of(image) is None
    image.info["icc_profile"] = matrix_profile(ADOBE, 2.2)
    assert profile_of(image) == matrix_profile(ADOBE, 2.2)
