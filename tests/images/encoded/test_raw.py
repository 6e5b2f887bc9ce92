from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.errors import ImageError
from samekind.images import read_image

pytest.importorskip("rawpy")
tifffile = pytest.importorskip("tifffile")
RED, BLUE = (230, 30, 30), (30, 30, 230)


def write_dng(path: Path, orientation: int = 1) -> Path:
    """A raw file as a camera might write it: a preview, red above blue, and raw samples that are noise."""
    preview = np.zeros((120, 160, 3), np.uint8)
    preview[:60], preview[60:] = RED, BLUE
    samples = np.random.default_rng(0).integers(0, 4000, (240, 320)).astype(np.uint16)
    matrix = tuple(number for value in (1, 0, 0, 0, 1, 0, 0, 0, 1) for number in (value * 10000, 10000))
    about = [
        (50706, 1, 4, bytes([1, 4, 0, 0]), True),  # DNGVersion
        (50707, 1, 4, bytes([1, 1, 0, 0]), True),
        (50708, 2, 0, "Test", True),
        (271, 2, 0, "Test", True),
        (272, 2, 0, "Test", True),
        (274, 3, 1, orientation, True),
        (50721, 10, 9, matrix, True),
    ]
    pattern = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes([0, 1, 1, 2]), True), (50717, 4, 1, 4095, True)]
    with tifffile.TiffWriter(path) as file:
        file.write(preview, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=about)
        file.write(samples, photometric=32803, subfiletype=0, metadata=None, extratags=pattern)
    return path


@pytest.mark.parametrize("as_source", [Path, Path.read_bytes], ids=["path", "bytes"])
def test_the_preview_of_a_raw_file_stands_for_it(as_source, tmp_path: Path) -> None:
    image = read_image(as_source(write_dng(tmp_path / "a.dng")), 8)
    assert (image.width, image.height) == (160, 120)
    assert (tuple(image.pixels[0, 4]), tuple(image.pixels[-1, 4])) == (RED, BLUE)


def test_a_raw_file_is_turned_upright(tmp_path: Path) -> None:
    image = read_image(write_dng(tmp_path / "a.dng", orientation=6), 8)
    assert (image.width, image.height) == (120, 160)
    assert (tuple(image.pixels[4, -1]), tuple(image.pixels[4, 0])) == (RED, BLUE)


def test_a_cut_raw_file_is_an_image_error(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ImageError, match=r"a\.dng: "):
        read_image(path, 8)
