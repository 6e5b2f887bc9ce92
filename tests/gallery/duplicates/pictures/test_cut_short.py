from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.gallery.duplicates.pictures.cut_short import cut_short


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (500, 400, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "whole.jpg", quality=95)
    return tmp_path / "whole.jpg"


def compared(first: Path, second: Path) -> object:
    return cut_short(first, second, (first.stat().st_size, second.stat().st_size))


@pytest.mark.parametrize("left", [1_000, 65_536, 65_537, -1])
def test_the_beginning_of_a_file_is_damaged(left: int, whole: Path) -> None:
    cut = whole.with_name("cut.jpg")
    cut.write_bytes(whole.read_bytes()[:left])
    evidence = cut_short(whole, cut, (whole.stat().st_size, cut.stat().st_size))
    assert evidence is not None
    assert (evidence.kinds, evidence.sure, [edit.side for edit in evidence.edits]) == (("damaged",), True, [1])
    assert compared(cut, whole) == evidence.swapped()


def test_all_else_is_not(whole: Path) -> None:
    content, other = whole.read_bytes(), whole.with_name("other.jpg")
    changed = content[:900] + bytes([content[900] ^ 1]) + content[901:-9]
    for data in (content + b"a film", content, changed, b"", b"\xff\xd8", b"GIF89a"):
        other.write_bytes(data)
        assert compared(whole, other) is None
        assert compared(other, whole) is None
    other.unlink()
    assert cut_short(whole, other, (2, 1)) is None
