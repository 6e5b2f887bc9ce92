import numpy as np
import onnx
import pytest

from samekind.adaptation.graph import fold, unfold
from samekind.errors import ModelFileError
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import read_model


@pytest.fixture(scope="module")
def bare() -> bytes:
    return read_model("imagenette").data


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)


def offset(seed: int) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=128) * 0.04, np.float32)


def test_a_folded_network_is_valid_and_gives_rows_less_the_offset(bare: bytes, pixels: np.ndarray) -> None:
    folded = fold(bare, offset(1), "a test")
    onnx.checker.check_model(onnx.load_from_string(folded))
    rows = OnnxEncoder(bare, "bare").encode_pixels(pixels).astype(np.float64) - offset(1)
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert OnnxEncoder(folded, "folded").encode_pixels(pixels) == pytest.approx(expected, abs=1e-6)


def test_its_output_keeps_its_name_and_its_metadata(bare: bytes) -> None:
    before, after = onnx.load_from_string(bare), onnx.load_from_string(fold(bare, offset(1), "a test"))
    assert [value.name for value in after.graph.output] == [value.name for value in before.graph.output]
    assert after.metadata_props == before.metadata_props


def test_folding_anew_replaces_the_offset(bare: bytes) -> None:
    once = fold(bare, offset(2), "a test")
    assert fold(fold(bare, offset(1), "a test"), offset(2), "a test") == once


def test_unfolding_gives_the_bare_network(bare: bytes, pixels: np.ndarray) -> None:
    again = unfold(fold(bare, offset(1), "a test"), "a test")
    before, after = onnx.load_from_string(bare), onnx.load_from_string(again)
    assert after.graph == before.graph
    assert (OnnxEncoder(again, "again").encode_pixels(pixels) == OnnxEncoder(bare, "bare").encode_pixels(pixels)).all()
    assert unfold(bare, "a test") is bare


def test_a_network_that_does_not_end_by_normalising_is_refused(bare: bytes) -> None:
    model = onnx.load_from_string(bare)
    model.graph.node[-1].op_type = "Mul"
    with pytest.raises(ModelFileError, match="does not end by normalising"):
        fold(model.SerializeToString(), offset(1), "a test")
