"""Rows of images: the same as a gallery's, whatever is beside them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from embedding.odd_files import odd_files
from hypothesis import given, settings
from hypothesis import strategies as st

import samekind
from samekind.embedding import EmbeddedImage, embed_batch
from samekind.gallery import Gallery
from samekind.inference.encoder import OnnxEncoder


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> OnnxEncoder:
    return samekind.load(tiny_model).encoder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return odd_files(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="module")
def rows(files: list[Path], encoder: OnnxEncoder) -> list[EmbeddedImage]:
    return embed_batch(files, encoder)


def test_rows_are_those_of_a_gallery(files: list[Path], rows: list[EmbeddedImage], tiny_model: Path) -> None:
    folder = files[0].parent
    with Gallery.open(folder.parent / "odd.samekind", model=tiny_model) as gallery:
        gallery.sync(folder)
    with sqlite3.connect(folder.parent / "odd.samekind") as db:
        query = (
            "SELECT path, sha256, error, width, height, taken, phash, picture, features, embedding, size FROM images"
        )
        stored = {path: values for path, *values in db.execute(query)}
    db.close()
    assert {f"{folder.name}/{file.name}": list(row[:10]) for file, row in zip(files, rows, strict=True)} == stored


def test_what_cannot_be_read_has_a_reason_and_a_hash(files: list[Path], rows: list[EmbeddedImage]) -> None:
    bad = {file.name: row for file, row in zip(files, rows, strict=True) if row.error is not None}
    assert {name: row.error for name, row in bad.items()} == {
        "empty.jpg": "the file is empty",
        "text.png": "not an image in a format that Pillow can read",
    }
    assert all(row.sha256 is not None and row.embedding is None and row.picture is None for row in bad.values())


def test_damage_is_told(files: list[Path], rows: list[EmbeddedImage]) -> None:
    damaged = {file.name: row.damage for file, row in zip(files, rows, strict=True) if row.damage}
    assert list(damaged) == ["cut.jpg"]
    assert "the end of the file is missing" in damaged["cut.jpg"]


def test_paths_and_bytes_give_one_row(files: list[Path], rows: list[EmbeddedImage], encoder: OnnxEncoder) -> None:
    assert embed_batch([file.read_bytes() for file in files], encoder) == rows


@settings(max_examples=15)
@given(st.data())
def test_no_row_depends_on_the_others(
    files: list[Path], rows: list[EmbeddedImage], encoder: OnnxEncoder, data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(files) - 1), max_size=20))
    assert embed_batch([files[i] for i in chosen], encoder) == [rows[i] for i in chosen]


def test_the_default_network_gives_the_same_bits_in_any_batch_and_with_any_threads() -> None:
    rng = np.random.default_rng(0)
    encoders = [samekind.load(threads=threads).encoder for threads in (1, 2)]
    pixels = rng.integers(0, 256, (5, encoders[0].input_size, encoders[0].input_size, 3), np.uint8)
    whole = encoders[0].encode_pixels(pixels)
    for encoder in encoders:
        apart = np.concatenate([encoder.encode_pixels(pixels[i : i + 1]) for i in range(len(pixels))])
        assert apart.tobytes() == whole.tobytes()
