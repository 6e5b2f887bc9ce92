from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from conftest import save_noise
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.datasets.checking import scan as module
from samekind.datasets.checking.scan import scan
from samekind.errors import ImageError
from samekind.images import load_image


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """More images than are read ahead, each of another width."""
    folder = tmp_path_factory.mktemp("many")
    paths = [folder / f"{i}.png" for i in range(module._FILES_AHEAD + 20)]
    for i, path in enumerate(paths):
        save_noise(path, (100, 100, 100), i, (5 + i, 4))
    return paths


def test_each_file_is_described_in_order(many: list[Path]) -> None:
    calls: list[tuple[str, int, int]] = []
    found = list(scan(many, lambda *call: calls.append(call), total=len(many)))
    assert [entry.path for entry in found] == many
    assert [entry.size for entry in found] == [(5 + i, 4) for i in range(len(many))]
    assert [entry.sha256 for entry in found] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in many]
    assert not any(entry.error for entry in found)
    assert calls == [("images", done, len(many)) for done in range(1, len(many) + 1)]


def test_nothing_to_scan_is_no_error() -> None:
    assert list(scan([])) == []


def test_bad_files_are_named_and_do_not_stop_the_others(photo, tmp_path: Path) -> None:
    good, cut = photo("good.png"), photo("cut.png")
    cut.write_bytes(cut.read_bytes()[:-40])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.jpg").touch()
    paths = [cut, tmp_path / "text.jpg", tmp_path / "empty.jpg", tmp_path / "missing.jpg", tmp_path, good]
    found = list(scan(paths))
    assert [entry.error is None for entry in found] == [False] * 5 + [True]
    for entry, path in zip(found[:5], paths, strict=False):
        assert str(entry.error).startswith(f"{path}: ")
        assert entry.size is None
    # What can be read as bytes has a hash, so that copies of a broken file can be told.
    assert [entry.sha256 is None for entry in found] == [False, False, False, True, True, False]


def test_the_size_is_that_of_the_stored_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    Image.new("RGB", (40, 30)).save(tmp_path / "turned.jpg", exif=exif)
    (found,) = scan([tmp_path / "turned.jpg"])
    assert found.size == (40, 30)


def test_a_file_that_goes_away_while_it_is_looked_at_is_named(photo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photo()

    def load_then_remove(source: Path, size: int) -> np.ndarray:
        pixels = load_image(source, size)
        source.unlink()
        return pixels

    monkeypatch.setattr(module, "load_image", load_then_remove)
    (found,) = scan([path])
    assert isinstance(found.error, ImageError)
    assert path.name in str(found.error)
    assert (found.sha256, found.size) == (None, None)


def test_a_reader_that_stops_early_does_not_wait_for_the_rest(
    many: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    original = module._scan_one
    monkeypatch.setattr(module, "_scan_one", lambda path: read.append(path) or original(path))
    found = scan(iter(many * 50))
    next(found)
    found.close()
    assert len(read) <= module._FILES_AHEAD + 1


@given(st.data())
def test_whatever_the_bytes_it_agrees_with_load_image(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        save_noise(path, (90, 20, 200), 0, (16, 12))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        try:
            load_image(path, 16)
            expected = None
        except ImageError as error:
            expected = str(error)
        (found,) = scan([path])
        assert (found.error and str(found.error)) == expected
        assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (found.size is None) == (found.error is not None)


def test_a_name_that_is_not_utf8_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.png")
    save_noise(path, (0, 0, 0), 0)
    (found,) = scan([path])
    assert found.error is None
