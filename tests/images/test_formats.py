from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.errors import ImageError
from samekind.images import formats, load_image, read_image, remarks
from samekind.images.encoded import raw
from samekind.images.formats import HEAD, IMAGE_SUFFIXES, by_content, has_image_suffix, sniff

SIZE = 16


def smooth() -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or smooth()).save(file, kind, **options)
    return file.getvalue()


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *[(kind, kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG2000", "PPM", "DDS", "AVIF")],
        ("MPO", "JPEG"),
    ],
)
def test_a_format_is_known_by_its_first_bytes_and_read(kind: str, name: str) -> None:
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    data = encoded(kind)
    assert sniff(data[:HEAD]) == name
    assert distance(load_image(data, SIZE), load_image(smooth(), SIZE)) < 12


@pytest.mark.parametrize("kind", ["TGA", "ICO", "PCX", "SGI", "DIB", "QOI"])
def test_other_formats_of_pillow_are_read(kind: str) -> None:
    if kind == "QOI" and "QOI" not in Image.SAVE:
        pytest.skip("this Pillow does not write QOI")
    options = {"sizes": [(64, 48)]} if kind == "ICO" else {}
    assert distance(load_image(encoded(kind, **options), SIZE), load_image(smooth(), SIZE)) < 12


def test_heic_is_read_with_its_extra() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    assert distance(load_image(encoded("HEIF", quality=90), SIZE), load_image(smooth(), SIZE)) < 6


def test_jpeg_xl_is_read_with_its_extra() -> None:
    pytest.importorskip("pillow_jxl")
    assert sniff(encoded("JXL")[:HEAD]) == "JXL"
    assert distance(load_image(encoded("JXL", lossless=True), SIZE), load_image(smooth(), SIZE)) < 1


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


@pytest.mark.parametrize(
    ("content", "suffix", "extra"),
    [
        (HEIC, "heic", "heif"),
        (b"\xff\x0a" + bytes(100), "jxl", "jxl"),
        (b"FUJIFILMCCD-RAW " + bytes(100), "raf", "raw"),
        (b"II*\0\x08\0\0\0" + bytes(100), "nef", "raw"),
        (bytes(100), "3fr", "raw"),
    ],
)
def test_the_extra_that_is_missing_is_named(
    content: bytes, suffix: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (formats, raw):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(formats, "_registered", set())
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf'a\.{suffix}: a .* image\..*pip install "samekind\[{extra}\]"'):
        load_image(path, SIZE)


def test_a_format_that_is_not_allowed_asks_for_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(ImageError, match="not a JPEG, PNG image"):
        load_image(HEIC, SIZE, formats=("JPEG", "PNG"))


@pytest.mark.parametrize("content", [HEIC, b"FUJIFILMCCD-RAW " + bytes(500), b"\xff\x0a" + bytes(100)])
def test_a_broken_file_of_an_extra_is_an_image_error(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"^<"):
        load_image(content, SIZE)


def test_what_is_called_raw_and_is_a_jpeg_is_a_jpeg(tmp_path: Path) -> None:
    (tmp_path / "a.nef").write_bytes(encoded("JPEG"))
    assert np.array_equal(load_image(tmp_path / "a.nef", SIZE), load_image(encoded("JPEG"), SIZE))


def test_names_tell_what_is_looked_at() -> None:
    for name in ("a.JPG", "a.jfif", "a.jpe", "a.jp2", "a.mpo", "a.apng", "a.tga", "a.pnm", "a.HEIC", "a.jxl", "a.CR2"):
        assert has_image_suffix(name), name
    for name in ("a.txt", "jpg", ".jpg", "a.mp4", "a.jpg_large", "a.xmp"):
        assert not has_image_suffix(name), name
    for name in ("IMG_1", "a.jpg_large", "a.jpg~", "a.jpeg-1", "a.PNG:orig", ".jpg"):
        assert by_content(name), name
    for name in ("a.jpg", "a.txt", "a.jpgx"):
        assert not by_content(name), name
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in IMAGE_SUFFIXES)


@pytest.mark.parametrize(
    "head", [b"", b"#!/bin/sh\n", b"%PDF-1.7", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0WAVE", b"PK\3\4"]
)
def test_what_is_no_image_has_no_format(head: bytes) -> None:
    assert sniff(head) is None


# Files that are damaged, or carry much beside their pixels


def photograph() -> bytes:
    rough = np.random.default_rng(3).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    return encoded("JPEG", Image.fromarray(rough).resize((320, 240), Image.Resampling.BICUBIC), quality=90)


@pytest.mark.parametrize("lost", [1, 2, 3, 40])
def test_a_jpeg_without_its_end_is_refused_or_read_and_called_damaged(lost: int) -> None:
    whole = photograph()
    with pytest.raises(ImageError, match="broken or truncated"):
        load_image(whole[:-lost], SIZE)
    decoded = read_image(whole[:-lost], SIZE, damaged="read")
    assert decoded.damage is not None
    assert decoded.damage.startswith("damaged: the end of the file is missing")
    assert (decoded.width, decoded.height) == (320, 240)
    assert distance(decoded.pixels, load_image(whole, SIZE)) < 3
    assert read_image(whole, SIZE, damaged="read").damage is None


def test_how_much_of_a_jpeg_is_missing_is_said_and_more_than_half_is_refused() -> None:
    whole = photograph()
    damage = read_image(whole[: int(0.7 * len(whole))], SIZE, damaged="read").damage
    assert damage is not None
    share = int(damage.partition("lower ")[2].partition("%")[0])
    assert 20 <= share <= 40
    with pytest.raises(ImageError, match=r"truncated image \(the lower \d\d% are missing\)"):
        load_image(whole[: int(0.3 * len(whole))], SIZE, damaged="read")


def test_a_png_without_its_end_is_refused_everywhere() -> None:
    with pytest.raises(ImageError):
        load_image(encoded("PNG")[:-40], SIZE, damaged="read")


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iCCP", "all"])
def test_megabytes_of_text_or_profile_do_not_spoil_a_png(kind: str) -> None:
    from PIL import ImageCms, PngImagePlugin

    info, options = PngImagePlugin.PngInfo(), {}
    if kind in {"tEXt", "zTXt", "all"}:
        info.add_text("workflow", "x" * 3_000_000, zip=kind != "tEXt")
    if kind in {"iTXt", "all"}:
        info.add_itxt("workflow", "ü" * 3_000_000, zip=True)
    if kind in {"iCCP", "all"}:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        options = {"icc_profile": profile + bytes(1_600_000)}
    data = encoded("PNG", pnginfo=info, **options)
    assert np.array_equal(load_image(data, SIZE), load_image(smooth(), SIZE))


def test_a_large_profile_is_applied() -> None:
    from icc import ADOBE, matrix_profile

    profile = matrix_profile(ADOBE, 2.2)
    padded = (len(profile) + 2_000_000).to_bytes(4, "big") + profile[4:] + bytes(2_000_000)
    assert (
        distance(
            load_image(encoded("PNG", icc_profile=padded), SIZE), load_image(encoded("PNG", icc_profile=profile), SIZE)
        )
        < 1
    )


def test_pillows_warnings_become_one_line_with_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    import warnings

    monkeypatch.setattr(remarks, "_said", set())
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0"))
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "samekind"):
        remarks.name_warnings()
        for _ in range(3):
            load_image(tmp_path / "a.jpg", SIZE)
    (line,) = {record.getMessage() for record in caplog.records}
    assert line.startswith(f"{tmp_path / 'a.jpg'}: Corrupt EXIF data")
    assert len(caplog.records) == 1


# Names


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "http://x/a", "s3://bucket/a.jpg", "file:///a.jpg"])
@pytest.mark.parametrize("kind", [str, Path])
def test_addresses_are_refused_in_words(address: str, kind: type) -> None:
    with pytest.raises(ImageError, match=r"addresses are not fetched; (download it and give its path|give the path)"):
        load_image(kind(address), SIZE)


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    assert load_image("~/a.png", SIZE).shape == (SIZE, SIZE, 3)
    with pytest.raises(ImageError, match=r"^~nobody-of-that-name/a\.png: no such file"):
        load_image("~nobody-of-that-name/a.png", SIZE)


def test_a_text_file_object_is_told_how_to_be_opened() -> None:
    with pytest.raises(ImageError, match="open it as binary"):
        load_image(io.StringIO("text"), SIZE)  # type: ignore[arg-type]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_width_and_height_are_those_that_are_seen(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = read_image(encoded(kind, exif=exif), SIZE)
    assert (decoded.width, decoded.height) == ((48, 64) if orientation > 4 else (64, 48))
