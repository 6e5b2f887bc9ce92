from __future__ import annotations

import io
import os
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.errors import ImageError
from samekind.images import ImageSource, describe, load_image, read_image

# Pillow warns of broken files that it goes on to read.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

SIZE = 16
ORIENTATION = 0x0112
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Four areas of different colours, so that every turn and flip shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (230, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 230)
    return Image.fromarray(pixels)


def noise(seed: int = 0, shape: tuple[int, ...] = (20, 24, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


ENCODED = {kind: encoded(Image.fromarray(noise()), kind) for kind in FORMATS}


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def is_pixels(result: np.ndarray) -> bool:
    return result.shape == (SIZE, SIZE, 3) and result.dtype == np.uint8


def colour(source: ImageSource) -> list[int]:
    """The one colour of a plain image."""
    pixels = load_image(source, SIZE)
    assert (pixels == pixels[0, 0]).all()
    return pixels[0, 0].tolist()


# Sources


@pytest.mark.parametrize(
    "as_source",
    [
        str,
        Path,
        Path.read_bytes,
        lambda path: path.open("rb"),
        Image.open,
        lambda path: np.asarray(Image.open(path)),
    ],
    ids=["str", "Path", "bytes", "file", "PIL", "array"],
)
def test_all_sources_of_an_image_give_the_same_pixels(tmp_path: Path, as_source: Callable[[Path], ImageSource]) -> None:
    path = tmp_path / "noise.png"
    Image.fromarray(noise()).save(path)
    expected = np.asarray(Image.fromarray(noise()).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    assert np.array_equal(load_image(as_source(path), SIZE), expected)


def test_file_is_read_from_where_it_stands_and_left_open() -> None:
    file = io.BytesIO(b"a header of no interest" + ENCODED["PNG"])
    file.seek(len(b"a header of no interest"))
    assert np.array_equal(load_image(file, SIZE), load_image(ENCODED["PNG"], SIZE))
    assert not file.closed


def test_file_without_seek_is_read() -> None:
    class Pipe:
        def read(self) -> bytes:
            return ENCODED["JPEG"]

    assert is_pixels(load_image(Pipe(), SIZE))  # type: ignore[arg-type]


def test_pil_image_is_left_as_it_is() -> None:
    image = quadrants()
    image.getexif()[ORIENTATION] = 6
    before = (image.mode, image.size, image.tobytes(), dict(image.getexif()))
    load_image(image, SIZE)
    assert (image.mode, image.size, image.tobytes(), dict(image.getexif())) == before


def test_array_is_left_as_it_is_and_may_be_a_view() -> None:
    whole = noise(shape=(40, 48, 3))
    view = whole[::2, ::-2]
    before = whole.copy()
    assert np.array_equal(load_image(view, SIZE), load_image(view.copy(), SIZE))
    assert np.array_equal(whole, before)


@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 1), (20, 24, 3), (20, 24, 4), (1, 1), (1, 300, 3)])
def test_array_shapes_that_are_images(shape: tuple[int, ...]) -> None:
    assert is_pixels(load_image(noise(shape=shape), SIZE))


def test_a_last_axis_of_one_is_greyscale() -> None:
    grey = noise(shape=(20, 24))
    assert np.array_equal(load_image(grey[:, :, None], SIZE), load_image(grey, SIZE))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((8, 8, 3), np.float32), "uint8"),
        (np.zeros((8, 8, 3), np.int64), "uint8"),
        (np.zeros((8, 8), bool), "uint8"),
        (np.array(["cat.jpg"]), "uint8"),
        (np.zeros((8, 8, 2), np.uint8), r"\(H, W, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), r"\(H, W, 3\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"\(H, W, 3\)"),
        (np.zeros(8, np.uint8), r"\(H, W, 3\)"),
        (np.zeros((), np.uint8), r"\(H, W, 3\)"),
        (np.zeros((0, 8, 3), np.uint8), "no pixels"),
        (np.zeros((8, 0), np.uint8), "no pixels"),
    ],
)
def test_array_that_is_no_image_is_refused(array: np.ndarray, reason: str) -> None:
    with pytest.raises(ImageError, match=rf"^<array .*{reason}"):
        load_image(array, SIZE)


def test_pil_image_without_pixels_is_refused() -> None:
    with pytest.raises(ImageError, match="no pixels"):
        load_image(Image.new("RGB", (0, 5)), SIZE)


@pytest.mark.parametrize("source", [None, 5, object(), [b"a"]])
def test_other_objects_are_refused_with_what_to_give_instead(source: object) -> None:
    with pytest.raises(ImageError, match="give a path, bytes"):
        load_image(source, SIZE)  # type: ignore[arg-type]


def test_text_file_object_is_refused() -> None:
    with pytest.raises(ImageError, match=r"^<StringIO>"):
        load_image(io.StringIO("text"), SIZE)  # type: ignore[arg-type]


# Files that cannot be read


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.jpg"
    with pytest.raises(ImageError) as caught:
        load_image(path, SIZE)
    assert str(caught.value) == f"{path}: no such file"


def test_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        load_image(tmp_path, SIZE)
    assert str(caught.value).startswith(f"{tmp_path}: a folder")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(ENCODED["PNG"])
    path.chmod(0)
    with pytest.raises(ImageError) as caught:
        load_image(path, SIZE)
    assert str(caught.value) == f"{path}: no permission to read it"


@pytest.mark.parametrize("content", [b"#!/bin/sh\necho no picture\n", b"%PDF-1.7\n", bytes(1000)])
def test_file_that_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        load_image(path, SIZE)
    assert str(caught.value) == f"{path}: not an image in a format that Pillow can read"


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_impossible_paths_are_image_errors(name: str) -> None:
    with pytest.raises(ImageError):
        load_image(name, SIZE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9, 0.95])
def test_truncated_photograph_is_named_and_not_half_read(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "half"
    path.write_bytes(ENCODED[kind][: int(share * len(ENCODED[kind]))])
    with pytest.raises(ImageError) as caught:
        load_image(path, SIZE)
    assert str(caught.value).startswith(f"{path}: ")


@given(kind=st.sampled_from(FORMATS), data=st.data())
def test_any_truncation_gives_pixels_or_an_image_error(kind: str, data: st.DataObject) -> None:
    whole = ENCODED[kind]
    assert_pixels_or_image_error(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(kind=st.sampled_from(FORMATS), data=st.data())
def test_any_corruption_gives_pixels_or_an_image_error(kind: str, data: st.DataObject) -> None:
    broken = bytearray(ENCODED[kind])
    # Headers are where corruption does most, so half of the changes are there.
    place = st.integers(0, min(200, len(broken) - 1)) | st.integers(0, len(broken) - 1)
    for position, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=8)):
        broken[position] = value
    assert_pixels_or_image_error(bytes(broken))


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_random_bytes_after_a_signature_give_an_image_error(tail: bytes, kind: str) -> None:
    assert_pixels_or_image_error(ENCODED[kind][:12] + tail)


def assert_pixels_or_image_error(data: bytes) -> None:
    try:
        result = load_image(data, SIZE, max_pixels=1_000_000)
    except ImageError as error:
        assert str(error).startswith(f"<{len(data)} bytes>: ")  # noqa: PT017
    else:
        assert is_pixels(result)


# Images that are too large


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises more pixels than it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [15_000, 60_000])
def test_decompression_bomb_is_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(side, side))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="too large") as caught:
        load_image(path, SIZE)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("as_source", [encoded, lambda image: image, np.asarray], ids=["bytes", "PIL", "array"])
def test_max_pixels_is_the_most_that_is_read(as_source: Callable[[Image.Image], ImageSource]) -> None:
    source = as_source(quadrants(30, 20))
    assert is_pixels(load_image(source, SIZE, max_pixels=600))
    with pytest.raises(ImageError, match=r"too large \(30×20\); at most 599 pixels"):
        load_image(source, SIZE, max_pixels=599)


def test_large_jpeg_decoded_at_a_fraction_looks_the_same() -> None:
    image = quadrants(640, 480)
    jpeg = encoded(image, "JPEG", quality=95)
    assert distance(load_image(jpeg, SIZE), load_image(image, SIZE)) < 2


# Colours


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_stands_for_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (24, 20), c) for c in ("red", "lime", "blue")]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    animation = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    assert Image.open(io.BytesIO(animation)).n_frames == 3
    assert colour(animation) == [255, 0, 0]


@pytest.mark.parametrize("ink", [(255, 0, 0), (0, 0, 0), (250, 250, 250), (20, 90, 180)])
def test_cmyk_jpeg_keeps_its_colours(ink: tuple[int, int, int]) -> None:
    jpeg = encoded(Image.new("RGB", (24, 20), ink).convert("CMYK"), "JPEG", quality=100)
    assert Image.open(io.BytesIO(jpeg)).mode == "CMYK"
    assert colour(jpeg) == pytest.approx(ink, abs=6)


def test_greyscale_becomes_three_equal_channels() -> None:
    pixels = load_image(encoded(Image.fromarray(noise(shape=(20, 24)))), SIZE)
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_one_bit_image_is_black_and_white() -> None:
    half = np.zeros((32, 32), np.uint8)
    half[:, 16:] = 255
    pixels = load_image(encoded(Image.fromarray(half).convert("1")), SIZE)
    assert pixels[:, :6].max() == 0
    assert pixels[:, 10:].min() == 255


def palette_with_a_clear_entry() -> Image.Image:
    image = Image.new("P", (24, 20), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.info["transparency"] = 1
    return image


def rgb_with_a_clear_colour() -> Image.Image:
    image = Image.new("RGB", (24, 20), (1, 2, 3))
    image.info["transparency"] = (1, 2, 3)
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (24, 20), (10, 20, 30, 0)),
        Image.new("LA", (24, 20), (10, 0)),
        palette_with_a_clear_entry(),
        rgb_with_a_clear_colour(),
    ],
    ids=["RGBA", "LA", "palette", "RGB"],
)
def test_transparent_is_white(image: Image.Image) -> None:
    assert colour(encoded(image)) == [255, 255, 255]
    assert colour(image) == [255, 255, 255]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGBA", (24, 20), (200, 0, 0, 128)), [227, 127, 127]),
        (Image.new("LA", (24, 20), (0, 128)), [127, 127, 127]),
        (Image.new("RGBA", (24, 20), (12, 34, 56, 255)), [12, 34, 56]),
    ],
)
def test_half_transparent_is_mixed_with_white(image: Image.Image, expected: list[int]) -> None:
    assert colour(encoded(image)) == pytest.approx(expected, abs=1)


def test_array_with_alpha_is_laid_on_white() -> None:
    assert colour(np.zeros((8, 8, 4), np.uint8)) == [255, 255, 255]


def test_palette_without_transparency_keeps_its_colours() -> None:
    image = palette_with_a_clear_entry()
    del image.info["transparency"]
    assert colour(encoded(image)) == [0, 0, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "HSV", "YCbCr"])
def test_pil_modes_are_read(mode: str) -> None:
    assert is_pixels(load_image(Image.new(mode, (24, 20)), SIZE))


# Orientation

# How a camera that writes each orientation has turned the upright picture: the inverse of what a reader applies.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_as(orientation: int, image: Image.Image) -> Image.Image:
    turn = STORED[orientation]
    return image if turn is None else image.transpose(turn)


def oriented(orientation: int, kind: str) -> bytes:
    stored = stored_as(orientation, quadrants())
    if kind == "TIFF":
        return encoded(stored, kind, tiffinfo={ORIENTATION: orientation})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    quality = {"quality": 95} if kind != "PNG" else {}
    return encoded(stored, kind, exif=exif, **quality)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("opened", [False, True], ids=["bytes", "PIL"])
def test_every_orientation_comes_out_upright(orientation: int, kind: str, opened: bool) -> None:
    data = oriented(orientation, kind)
    pixels = load_image(Image.open(io.BytesIO(data)) if opened else data, SIZE)
    assert distance(pixels, load_image(quadrants(), SIZE)) < 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert distance(load_image(encoded(quadrants(), "PNG", exif=exif), SIZE), load_image(quadrants(), SIZE)) == 0


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_broken_exif_does_not_spoil_the_picture(exif: bytes, kind: str) -> None:
    pixels = load_image(encoded(quadrants(), kind, exif=exif, quality=95), SIZE)
    assert distance(pixels, load_image(quadrants(), SIZE)) < 4


# Names


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/cat.jpg", "a/cat.jpg"),
        (Path("cat.jpg"), "cat.jpg"),
        (b"123", "<3 bytes>"),
        (np.zeros((2, 3), np.uint8), "<array uint8 (2, 3)>"),
        (Image.new("L", (3, 2)), "<PIL image L 3×2>"),
        (io.BytesIO(), "<BytesIO>"),
    ],
)
def test_sources_are_described_by_what_they_are(source: object, name: str) -> None:
    assert describe(source) == name


def test_formats_that_start_another_program_are_refused() -> None:
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(ImageError, match="EPS is a drawing"):
        load_image(drawing, 8)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_is_read_once_and_whole(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(encoded(Image.new("RGB", (40, 30))),))
    writer.start()
    decoded = read_image(tmp_path / "pipe", 8)
    writer.join()
    assert (decoded.width, decoded.height) == (40, 30)


def test_what_is_empty_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    for source, message in ((tmp_path / "a.jpg", r"a\.jpg: the file is empty"), (b"", "empty"), ("", "an empty path")):
        with pytest.raises(ImageError, match=message):
            load_image(source, 8)
