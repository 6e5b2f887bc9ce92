"""An adaptation inside the network: it runs, it equals the one beside it, and it can be taken out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import DIMENSION, SIZE, adaptable_card, tiny_network
from onnx import helper

from samekind.adaptation.adaptation import adapt, adapted_model
from samekind.adaptation.bare import bare_model
from samekind.adaptation.graph import fold, unfold
from samekind.errors import ModelFileError
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import ModelFile, make_model, read_model, write_model


@pytest.fixture
def bare() -> ModelFile:
    return make_model(tiny_network().SerializeToString(), adaptable_card())


@pytest.fixture
def pictures() -> list[np.ndarray]:
    colours = np.random.default_rng(3).integers((200, 20, 20), (256, 190, 190), (40, 3))
    return [np.full((SIZE, SIZE, 3), colour, np.uint8) for colour in colours]


def embed(model: ModelFile, pictures: list[np.ndarray]) -> np.ndarray:
    return OnnxEncoder(model.data, model.card.name, threads=1).encode(pictures)


def test_the_adapted_file_runs_and_equals_the_adaptation_beside_it(
    bare: ModelFile, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    rows = embed(bare, pictures)
    adaptation = adapt(rows[:20], bare.card, "twenty pictures")
    model = adapted_model(bare, adaptation, "mine")
    onnx.checker.check_model(onnx.load_from_string(model.data))
    write_model(tmp_path / "mine.onnx", model.data, model.card, model.seen_images)
    written = read_model(tmp_path / "mine.onnx")
    assert written.card.fingerprint == model.card.fingerprint != bare.card.fingerprint
    assert written.card.adapted == adaptation.about
    found = embed(written, pictures)
    assert np.abs(found - rows).max() > 0.1
    assert np.abs(found - adaptation.apply(rows)).max() < 1e-6


def test_taken_out_again_it_is_the_bare_network(bare: ModelFile, pictures: list[np.ndarray]) -> None:
    model = adapted_model(bare, adapt(embed(bare, pictures), bare.card, "pictures"))
    again = bare_model(model)
    assert again.card.fingerprint == bare.card.fingerprint
    assert again.card.adapted is None
    assert np.array_equal(embed(again, pictures), embed(bare, pictures))
    network = tiny_network().SerializeToString()
    assert unfold(network, "tiny") == network
    graph = onnx.load_from_string(unfold(model.data, "tiny")).graph
    assert [graph.node[:], graph.output[:]] == [tiny_network().graph.node[:], tiny_network().graph.output[:]]
    assert [tensor.name for tensor in graph.initializer] == ["axes", "grey", "weight", "row", "least"]


def test_a_model_that_is_not_adapted_is_its_own_bare_one(bare: ModelFile) -> None:
    assert bare_model(bare) is bare


def test_an_offset_that_is_there_already_is_replaced(bare: ModelFile) -> None:
    first, second = np.eye(DIMENSION, dtype=np.float32)[:2] / 3
    assert fold(fold(bare.data, first, "tiny"), second, "tiny") == fold(bare.data, second, "tiny")


def test_a_network_that_does_not_end_by_normalising_is_refused(bare: ModelFile) -> None:
    network = tiny_network()
    del network.graph.node[-3:]
    network.graph.node.append(helper.make_node("LpNormalization", ["raw"], ["embeddings"], axis=1, p=2))
    with pytest.raises(ModelFileError, match="tiny: its network does not end by normalising, so it cannot be adapted"):
        fold(network.SerializeToString(), np.zeros(DIMENSION, np.float32), "tiny")
