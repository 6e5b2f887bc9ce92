from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.errors import ImageError
from samekind.images import data_uri, thumbnail


@pytest.mark.parametrize(("size", "expected"), [((300, 200), (60, 40)), ((200, 300), (40, 60)), ((900, 1), (60, 1))])
def test_a_thumbnail_keeps_the_proportions(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnail(Image.new("RGB", size), 60).size == expected


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_a_thumbnail_is_upright(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((200, 300, 3), np.uint8)
    stored[:, :150] = 255  # the left half, which is the upper half when it is seen
    Image.fromarray(stored).save(tmp_path / f"a.{kind}", exif=exif)
    small = thumbnail(tmp_path / f"a.{kind}", 60)
    assert small.size == (40, 60)
    assert np.asarray(small)[5].min() > 240
    assert np.asarray(small)[-5].max() < 15


def test_what_cannot_be_read_has_no_thumbnail(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        thumbnail(tmp_path / "gone.jpg")


def test_a_data_uri_is_a_jpeg() -> None:
    head, _, body = data_uri(Image.new("RGB", (40, 30), "red")).partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(body))).size == (40, 30)
