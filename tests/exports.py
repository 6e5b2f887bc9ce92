"""Networks exported for tests of training: each kind is traced once, which takes seconds and has tests of its own."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from filelock import FileLock
from onnx import numpy_helper

from samekind.inference.encoder import open_session
from samekind.training.network.export import Part, export_onnx
from samekind.training.network.siamese import SiameseNetwork


class TracedOnce:
    """In place of ``export_onnx``: gives the graph of an earlier network of the same layers this one's weights.

    The graphs lie in a folder, where the workers of a run of the tests share them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, network: SiameseNetwork, input_size: int, part: Part = "whole") -> onnx.ModelProto:
        model = with_weights(self._traced(network, input_size, part), network)
        if part == "features":  # of whole networks training itself sees to it
            assert_same_features(network, model, input_size)
        return model

    def _traced(self, network: SiameseNetwork, input_size: int, part: Part) -> onnx.ModelProto:
        kind = repr((str(network), network.frozen_stages, input_size, part))
        kept = self._folder / f"{hashlib.sha256(kind.encode()).hexdigest()}.onnx"
        with FileLock(kept.with_suffix(".lock")):
            if not kept.exists():
                onnx.save(export_onnx(network, input_size, part), kept)
        return onnx.load(kept)


def with_weights(model: onnx.ModelProto, network: SiameseNetwork) -> onnx.ModelProto:
    """The graph of a network of the same layers, with this one's weights."""
    model, weights = copy.deepcopy(model), network.state_dict()
    for tensor in model.graph.initializer:
        if (value := weights.get(tensor.name.removeprefix("network."))) is not None:
            tensor.CopyFrom(numpy_helper.from_array(value.cpu().numpy(), tensor.name))
    return model


def assert_same_features(network: SiameseNetwork, model: onnx.ModelProto, input_size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, input_size, input_size, 3), np.uint8)
    (found,) = open_session(model.SerializeToString(), "features").run(None, {"images": pixels})
    with torch.no_grad():
        expected = copy.deepcopy(network).eval().features(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
