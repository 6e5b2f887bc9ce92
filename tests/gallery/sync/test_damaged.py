from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.gallery import Gallery
from samekind.images import formats


def jpeg(exif: Image.Exif | None = None, size: tuple[int, int] = (300, 200)) -> bytes:
    rough = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8))
    file = io.BytesIO()
    rough.resize(size).save(file, "JPEG", exif=exif or Image.Exif())
    return file.getvalue()


def test_a_jpeg_without_its_end_is_indexed_and_named_as_damaged(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cut.jpg").write_bytes(jpeg()[:-20])
    (tmp_path / "photos" / "notes.txt").touch()
    with Gallery.open(tmp_path / "x.samekind", model=tiny_model) as gallery:
        report = gallery.sync(tmp_path / "photos")
        assert (len(gallery), report.unreadable) == (1, [])
        assert report.damaged == [("photos/cut.jpg", "damaged: the end of the file is missing")]
        assert report.passed_over == ["1 file that is no image (1 .txt)"]


def test_what_is_excluded_leaves_the_gallery(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "a_thumb.jpg"):
        (tmp_path / "photos" / name).write_bytes(jpeg() + name.encode())
    with Gallery.open(tmp_path / "x.samekind", model=tiny_model) as gallery:
        assert gallery.sync(tmp_path / "photos").added == 2
        assert gallery.sync(tmp_path / "photos", exclude=["*_thumb.jpg"]).removed == 1


def test_a_turned_tiff_has_the_width_and_height_that_are_seen(tmp_path: Path, tiny_model: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "photos").mkdir()
    for suffix in ("jpg", "png", "webp", "tif"):
        Image.new("RGB", (300, 200)).save(tmp_path / "photos" / f"a.{suffix}", exif=exif)
    with Gallery.open(tmp_path / "x.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path / "photos")
        assert {(row.width, row.height) for row in gallery} == {(200, 300)}


def test_what_lacked_an_extra_is_read_once_that_is_installed(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "photos" / "a.heic")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with Gallery.open(tmp_path / "x.samekind", model=tiny_model) as gallery:
        with monkeypatch.context() as without:
            without.setattr(formats, "find_spec", lambda _: None)
            without.setattr(formats, "_registered", set())
            assert len(gallery.sync(tmp_path / "photos").unreadable) == 2
            assert gallery.sync(tmp_path / "photos").unreadable_before == 2
        report = gallery.sync(tmp_path / "photos")
        assert (report.changed, report.unreadable_before, len(gallery)) == (1, 1, 1)
