"""Weights that lie beside an ONNX file are put into it; from anywhere else nothing is read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data
from wrapping.conftest import MEAN, STD, encoder

from samekind.errors import WrapError
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.wrapping import source
from samekind.wrapping.source import read_source
from samekind.wrapping.wrap import wrap

LINKS = pytest.mark.skipif(os.name == "nt", reason="making links needs a right on Windows")


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


@LINKS
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


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("location", "a\0b", "refused, because its weights"),
        ("location", "a" * 5000, "refused, because its weights"),
        pytest.param("location", "circle", "its weights are to", marks=LINKS),
        ("offset", str(2**70), "begin or end nowhere"),
    ],
)
def test_places_that_no_file_can_have_are_named(tmp_path: Path, key: str, value: str, message: str) -> None:
    path = save_outside(tmp_path / "parts.onnx")
    if value == "circle":
        (tmp_path / value).symlink_to(tmp_path / value)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WrapError, match=message) as found:
        read_source(path)
    assert len(str(found.value)) < 600


def test_weights_of_a_function_in_another_file_are_refused_and_not_looked_for_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime would read them from the working directory."""
    model = encoder()
    outside = helper.make_tensor("shift", TensorProto.FLOAT, [256], b"\0" * 1024, raw=True)
    set_external_data(outside, "shift.bin", 0, 1024)
    outside.ClearField("raw_data")
    body = [helper.make_node("Constant", [], ["c"], value=outside), helper.make_node("Add", ["x", "c"], ["y"])]
    model.functions.append(helper.make_function("ours", "Shift", ["x"], ["y"], body, model.opset_import))
    model.opset_import.append(helper.make_opsetid("ours", 1))
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(helper.make_node("Shift", ["raw"], ["embedding"], domain="ours"))
    (tmp_path / "shift.bin").write_bytes(np.ones(256, np.float32).tobytes())
    (tmp_path / "parts.onnx").write_bytes(model.SerializeToString())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrapError, match="a function in it keeps its weights in another file"):
        wrap(tmp_path / "parts.onnx", mean=MEAN, std=STD)


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
