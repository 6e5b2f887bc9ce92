from __future__ import annotations

import io
import logging
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from samekind.errors import ImageError
from samekind.images import load_image, remarks
from samekind.images.encoded.tones import Samples, to_8_bits

tifffile = pytest.importorskip("tifffile")
SIZE = 16
BITS = (8, 10, 12, 14, 16)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remarks, "_said", set())


def grey(seed: int = 0) -> np.ndarray:
    """Noise that uses all 8 bits."""
    values = np.random.default_rng(seed).integers(0, 256, (20, 24)).astype(np.uint8)
    values[0, :2] = 0, 255
    return values


def colours() -> np.ndarray:
    return np.dstack([grey(1), grey(2), grey(3)])


def as_png(values: np.ndarray, info: PngImagePlugin.PngInfo | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def as_tiff(values: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def deep_png(values: np.ndarray, *before: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits and 2 to 4 bands, which Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, bands = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[bands], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def assert_same(source: bytes | Image.Image, eight: np.ndarray) -> None:
    assert np.array_equal(load_image(source, SIZE), load_image(eight, SIZE))


@pytest.mark.parametrize("bits", BITS)
def test_any_depth_in_a_16_bit_png_gives_the_pixels_of_8_bits(bits: int) -> None:
    assert_same(as_png(grey().astype(np.uint16) << (bits - 8)), grey())


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.int16, np.int32])
def test_any_depth_in_a_tiff_gives_the_pixels_of_8_bits(
    bits: int, order: str, compression: str | None, kind: type[np.integer]
) -> None:
    values = grey().astype(np.int64) << (bits - 8)
    if kind is np.int16 and bits == 16:
        values >>= 1  # the sign takes one
    assert_same(as_tiff(values.astype(kind), byteorder=order, compression=compression), grey())


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("bands", [2, 3, 4])
def test_colour_and_transparency_of_any_depth_in_a_png(bits: int, bands: int) -> None:
    alpha = np.full((20, 24), 65535, np.uint16)
    bright = colours().astype(np.uint16) << (bits - 8)
    values = {2: np.dstack([bright[..., 0], alpha]), 3: bright, 4: np.dstack([bright, alpha])}[bands]
    assert_same(deep_png(values), colours()[..., 0] if bands == 2 else colours())


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_colour_of_any_depth_in_a_tiff(bits: int, order: str, compression: str | None, planes: str) -> None:
    values = colours().astype(np.uint16) << (bits - 8)
    values = np.moveaxis(values, 2, 0) if planes == "separate" else values
    file = as_tiff(values, photometric="rgb", planarconfig=planes, byteorder=order, compression=compression)
    assert_same(file, colours())


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_where_white_is_zero_a_tiff_is_no_negative(bits: int, order: str) -> None:
    values = (2**bits - 1 - (grey().astype(np.int64) << (bits - 8))).astype(np.uint16)
    assert_same(as_tiff(values, photometric="miniswhite", byteorder=order), grey())


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("top", [1, 255])
def test_floats_from_0_to_1_or_255_are_the_same_picture(
    kind: type[np.floating], order: str, compression: str | None, top: int
) -> None:
    values = (grey() / 255 * top).astype(kind)
    assert_same(as_tiff(values, byteorder=order, compression=compression), grey())


@pytest.mark.parametrize(("values", "scale"), [(np.float32, 1000.0), (np.float32, -3.0), (np.int16, 40)])
def test_any_other_range_is_the_one_used(values: type[np.number], scale: float, caplog) -> None:
    eight = grey()
    stored = ((eight.astype(np.float64) - 100) * scale).astype(values)
    expected = eight if scale > 0 else 255 - eight
    assert_same(as_tiff(stored), expected)
    assert "shown as black" in caplog.text


def test_signed_bytes_are_no_jumble() -> None:
    assert_same(as_tiff((grey().astype(np.int16) - 128).astype(np.int8)), grey())


def test_pixels_that_are_no_number_are_black_and_none_but_those_is_no_picture() -> None:
    values = (grey() / 255).astype(np.float32)
    holes = grey().copy()
    values[5:, 5:], holes[5:, 5:] = np.nan, 0
    assert_same(as_tiff(values), holes)
    with pytest.raises(ImageError, match="no pixel has a finite value"):
        load_image(as_tiff(np.full((4, 4), np.inf, np.float32)), SIZE)


@pytest.mark.parametrize("tags", [(280, 281), (340, 341)])
def test_a_stated_range_is_believed(tags: tuple[int, int]) -> None:
    stored = grey().astype(np.uint16) * 3 + 100
    extra = [(tags[0], 3, 1, 100, True), (tags[1], 3, 1, 865, True)]
    assert_same(as_tiff(stored, extratags=extra), grey())


def test_a_stated_range_that_the_pixels_leave_is_not_believed() -> None:
    stored = grey().astype(np.uint16) << 4
    assert_same(as_tiff(stored, extratags=[(281, 3, 1, 255, True)]), grey())


def test_a_dark_picture_of_12_bits_stays_dark_where_the_file_says_so() -> None:
    dark = grey() // 8
    stored = np.dstack([dark] * 3).astype(np.uint16) << 4
    assert_same(deep_png(stored, (b"sBIT", bytes([12] * 3))), np.dstack([dark] * 3))


def test_a_dark_picture_of_8_bits_made_16_stays_dark() -> None:
    dark = grey() // 16
    for factor in (256, 257):
        assert_same(as_png(dark.astype(np.uint16) * factor), dark)
        assert_same(as_tiff(dark.astype(np.uint32) * factor), dark)


def test_a_picture_with_a_profile_is_not_made_brighter() -> None:
    dark = (grey().astype(np.uint16) << 2) + 1
    tagged = Image.open(io.BytesIO(as_png(dark)))
    tagged.load()
    tagged.info["icc_profile"] = b"whatever"
    assert load_image(tagged, SIZE).max() < 4


def test_a_few_levels_of_many_are_spread() -> None:
    warm = 27_000 + grey().astype(np.uint16) * 8
    pixels = load_image(as_png(warm), SIZE).astype(int)
    assert np.abs(pixels - load_image(grey(), SIZE)).max() <= 1


def test_a_flat_picture_stays_flat() -> None:
    mask = (grey() > 127).astype(np.uint16)
    assert load_image(as_png(mask), SIZE).max() <= 1


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_of_many_bands_the_first_three_are_colours(planes: str, caplog) -> None:
    bands = np.dstack([colours(), grey(4), grey(5)])
    values = bands if planes == "contig" else np.moveaxis(bands, 2, 0)
    assert_same(as_tiff(values, photometric="minisblack", planarconfig=planes), colours())
    assert "5 bands" in caplog.text


def test_of_two_bands_the_first_is_the_picture() -> None:
    values = np.dstack([grey(), grey(6)])
    assert_same(as_tiff(values, photometric="minisblack", planarconfig="contig"), grey())


def test_the_bits_used_are_told_once_for_all_such_files(caplog) -> None:
    with caplog.at_level(logging.WARNING, "samekind"):
        for seed in range(3):
            load_image(as_png(grey(seed).astype(np.uint16) << 2), SIZE)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "10 of 16 bits are used; read as 10-bit (as all such files)"
    ]


def test_pil_images_of_any_depth_are_read() -> None:
    assert_same(Image.fromarray(grey().astype(np.uint16) << 4), grey())
    assert_same(Image.fromarray(grey().astype(np.int32) << 8), grey())
    assert_same(Image.fromarray((grey() / 255).astype(np.float32)), grey())


@given(st.integers(8, 16), st.integers(0, 2**32 - 1))
def test_the_order_of_the_values_is_kept(bits: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 2**bits, 64).astype(np.uint16)
    eight = to_8_bits(Samples(values[None], 16), "x")[0]
    order = np.argsort(values, kind="stable")
    assert (np.diff(eight[order].astype(int)) >= 0).all()


def test_a_tiff_of_many_bands_names_the_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.images.encoded.tiff.find_spec", lambda name: None)
    with pytest.raises(ImageError, match=r'pip install "samekind\[tiff\]"'):
        load_image(as_tiff(grey().astype(np.float64)), SIZE)
