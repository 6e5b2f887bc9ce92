"""Whatever a folder, a list or a file holds: a report, pixels, or an error in words, and never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import mutated_files, mutated_folders, mutated_lists

from samekind.datasets.checking.check import check
from samekind.datasets.checking.check_report import CheckReport
from samekind.datasets.dataset import read_dataset, read_test_images
from samekind.errors import ImageError, SamekindError
from samekind.images import load_image, thumbnail
from samekind.images.folder_contents import PassedOver, walk

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def write(folder: str, files: dict[str, bytes]) -> Path:
    root = Path(folder)
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@settings(max_examples=200)
@given(mutated_folders())
def test_any_folder_is_reported_on_or_refused_in_words(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(folder, files)
        try:
            found = check(root)
        except SamekindError as error:
            assert str(error)  # noqa: PT017
        else:
            assert isinstance(found, CheckReport)
            assert str(found)
            assert found._repr_html_()
        for read in (read_dataset, read_test_images):
            try:
                read(root)
            except SamekindError as error:
                assert str(error)  # noqa: PT017


@settings(max_examples=200)
@given(mutated_folders())
def test_every_file_of_any_folder_is_seen_or_counted(files: dict[str, bytes]) -> None:
    files.pop(".samekindignore", None)
    with tempfile.TemporaryDirectory() as folder:
        passed = PassedOver()
        seen = [image.name for image in walk(write(folder, files), passed)]
        assert len(seen) == len(set(seen))
        assert set(seen) <= set(files)
        outside = [name for name in files if not name.startswith(("@eaDir", ".hidden"))]
        assert len(seen) + passed.other.total() + passed.hidden >= len(outside)
        assert passed.unlisted == []


@settings(max_examples=200)
@given(mutated_lists())
def test_any_list_is_read_or_refused_in_words(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(folder, {"cat/0.jpg": b"", "dog/1.png": b"", "list.csv": content})
        for read in (read_dataset, read_test_images):
            try:
                images = read(root / "list.csv")
            except SamekindError as error:
                assert "list.csv" in str(error) or "addresses" in str(error)  # noqa: PT017
            else:
                assert images


@settings(max_examples=200)
@given(mutated_files())
def test_any_file_gives_pixels_or_an_image_error(content: bytes) -> None:
    for damaged in ("refuse", "read"):
        try:
            pixels = load_image(content, 16, max_pixels=1_000_000, damaged=damaged)  # type: ignore[arg-type]
        except ImageError as error:
            assert str(error).startswith(f"<{len(content)} bytes>: ")  # noqa: PT017
        else:
            assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)
            assert max(thumbnail(content, 16).size) == 16
