from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.system.file_kind import JSON, MODEL, PAGE, TEXT, kind_of_file


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", None),
        (b"\0" * 5000, None),
        (b"<!DOCTYPE html>", PAGE),
        (b"\xef\xbb\xbf\n <html>", PAGE),
        (b' {"a": 1}', JSON),
        (b"[1]", JSON),
        (b"path,label\n", TEXT),
        ("Grüße".encode("latin-1"), TEXT),
        ("path,label".encode("utf-16"), TEXT),
        (b"\0" * 5000 + b"a disk's image", "zeros"),
        (b"\xd0\xcf\x11\xe0\0\0", repr(b"\xd0\xcf\x11\xe0")),
        (b"RIFF\x10\0\0\0WEBPVP8 ", repr(b"WEBP")),
        (b"\0\0\0\x1cftypavif\0\0\0\0", repr(b"avif")),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
    ],
)
def test_the_first_bytes_tell(content: bytes, kind: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert kind_of_file(path) == kind


def test_files_as_libraries_write_them_have_a_kind_each(tmp_path: Path, tiny_model: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    kinds = [kind_of_file(path) for path in (tmp_path / "a.png", tmp_path / "a.jpg", tmp_path / "a.npz", tiny_model)]
    assert kinds[3] == MODEL
    assert len({*kinds, TEXT, PAGE, JSON, "other", None}) == 4 + 5
    assert kind_of_file(tmp_path) is None


@given(content=st.binary(max_size=64))
def test_any_bytes_have_a_kind_or_none(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert (kind_of_file(path) is None) == (not content.strip(b"\0"))
