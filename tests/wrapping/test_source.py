"""Weights that lie beside an ONNX file are put into it; from anywhere else nothing is read."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest
from wrapping.conftest import MEAN, STD, encoder

from samekind.errors import WrapError
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.wrapping import source
from samekind.wrapping.source import read_source
from samekind.wrapping.wrap import wrap


def save_outside(path: Path, location: str = "weights.bin") -> Path:
    """The encoder with its weights in a file beside it."""
    onnx.save(encoder(), path, save_as_external_data=True, location=location, size_threshold=0)
    return path


def pointed_to(path: Path, location: str) -> Path:
    """The same, with another name of the file written into it."""
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_beside_the_file_are_put_into_it(tmp_path: Path) -> None:
    whole = tmp_path / "whole.onnx"
    onnx.save(encoder(), whole)
    path = save_outside(tmp_path / "parts.onnx")
    found = wrap(path, tmp_path / "mine.onnx", mean=MEAN, std=STD)
    (tmp_path / "weights.bin").unlink()
    expected = wrap(whole, mean=MEAN, std=STD)
    assert found.card.fingerprint == expected.card.fingerprint
    OnnxEnvelope((tmp_path / "mine.onnx").read_bytes(), "mine").refuse_external_data()


def test_the_revision_is_of_the_weights_too(tmp_path: Path) -> None:
    path = save_outside(tmp_path / "parts.onnx")
    before = read_source(path)[2]
    data = bytearray((tmp_path / "weights.bin").read_bytes())
    data[3] ^= 1
    (tmp_path / "weights.bin").write_bytes(data)
    assert read_source(path)[2] != before


@pytest.mark.parametrize(
    "location",
    ["../weights.bin", "/etc/passwd", "C:\\weights.bin", "C:weights.bin", "\\\\host\\share", "a/../../weights.bin", "",
     "..\\weights.bin", "a\\..\\..\\weights.bin"],
)  # fmt: skip
def test_nothing_outside_its_folder_is_read(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = pointed_to(save_outside(folder / "parts.onnx"), location)
    (folder / "weights.bin").rename(tmp_path / "weights.bin")
    with pytest.raises(WrapError, match="refused, because its weights are to be read from"):
        read_source(path)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right on Windows")
def test_a_link_out_of_the_folder_is_not_followed_but_a_hub_cache_is_read(tmp_path: Path) -> None:
    folder, blobs = tmp_path / "snapshots", tmp_path / "blobs"
    folder.mkdir()
    blobs.mkdir()
    save_outside(folder / "parts.onnx")
    (folder / "weights.bin").rename(blobs / "abc")
    (folder / "weights.bin").symlink_to(blobs / "abc")
    with pytest.raises(WrapError, match="only files in its own folder"):
        read_source(folder / "parts.onnx")
    (folder / "parts.onnx").rename(blobs / "def")
    (folder / "parts.onnx").symlink_to(blobs / "def")
    read_source(folder / "parts.onnx")


def test_missing_short_and_odd_weights_are_named(tmp_path: Path) -> None:
    path = save_outside(tmp_path / "parts.onnx")
    data = (tmp_path / "weights.bin").read_bytes()
    (tmp_path / "weights.bin").write_bytes(data[:100])
    with pytest.raises(WrapError, match="ends before the weights"):
        read_source(path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(WrapError, match=r"beside it in weights\.bin, and there is no such file"):
        read_source(path)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "offset":
            entry.value = "-4"
    path.write_bytes(model.SerializeToString())
    (tmp_path / "weights.bin").write_bytes(data)
    with pytest.raises(WrapError, match="begin or end nowhere"):
        read_source(path)


def test_more_than_two_gigabytes_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_outside(tmp_path / "parts.onnx")
    monkeypatch.setattr(source, "_LARGEST", path.stat().st_size + 1000)
    with pytest.raises(WrapError, match="GB with its weights; an ONNX file holds at most 2 GB"):
        read_source(path)
    monkeypatch.setattr(source, "_LARGEST", 10)
    with pytest.raises(WrapError, match="an ONNX file holds at most 2 GB"):
        read_source(path)
