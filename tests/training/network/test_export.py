import copy

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F
from exports import with_weights
from onnx import TensorProto, numpy_helper

from samekind.errors import TrainingError
from samekind.training.network.export import (
    PARITY_TOLERANCE,
    export_onnx,
    parity,
    round_to_float16,
    store_as_float16,
    trace,
)
from samekind.training.network.siamese import SiameseNetwork


@pytest.fixture(scope="module")
def exported(network: SiameseNetwork) -> onnx.ModelProto:
    return export_onnx(network, 32)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def test_the_graph_takes_any_number_of_plain_pixels(
    exported: onnx.ModelProto, network: SiameseNetwork, images: np.ndarray
) -> None:
    session = ort.InferenceSession(exported.SerializeToString())
    for count in (1, 2, 5):
        (actual,) = session.run(None, {"images": images[:count]})
        with torch.no_grad():
            expected = network(torch.from_numpy(images[:count])).numpy()
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_initialisers_keep_the_parameters_names_and_values(exported: onnx.ModelProto, network: SiameseNetwork) -> None:
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in exported.graph.initializer}
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(stored[name], value.numpy(), err_msg=name)


def test_float16_halves_the_file_and_changes_nothing_once_rounded(
    exported: onnx.ModelProto, network: SiameseNetwork, images: np.ndarray
) -> None:
    rounded = copy.deepcopy(network)
    round_to_float16(rounded)
    small = with_weights(exported, rounded)
    store_as_float16(small)
    assert small.ByteSize() < 0.55 * exported.ByteSize()
    assert parity(rounded, small.SerializeToString(), images) < 1e-5
    kinds = {t.data_type for t in small.graph.initializer if np.prod(t.dims) > 5000 and "." in t.name}
    assert kinds == {TensorProto.FLOAT16}


def test_parity_sees_a_wrong_export(exported: onnx.ModelProto, network: SiameseNetwork, images: np.ndarray) -> None:
    wrong = copy.deepcopy(exported)
    head = next(tensor for tensor in wrong.graph.initializer if tensor.name == "head.weight")
    values = numpy_helper.to_array(head).copy()
    values[0] += 0.1
    head.CopyFrom(numpy_helper.from_array(values, "head.weight"))
    assert parity(network, wrong.SerializeToString(), images) > PARITY_TOLERANCE


def test_weights_beyond_float16_are_refused(network: SiameseNetwork) -> None:
    diverged = copy.deepcopy(network)
    diverged.head.weight.data[0, 0] = 1e6
    with pytest.raises(TrainingError, match="diverged"):
        round_to_float16(diverged)


def test_nothing_of_the_exporting_machine_is_left_in_the_file(exported: onnx.ModelProto) -> None:
    assert b"/src/samekind" not in exported.SerializeToString()
    assert b"site-packages" not in exported.SerializeToString()


class _BiasedAttention(torch.nn.Module):
    """As BEiT's: attention with a bias for each two places."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.ones(1, 4, 64, 64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n = images.shape[0]
        heads = images.float().reshape(n, 64, 4, 12).permute(0, 2, 1, 3)
        seen = F.scaled_dot_product_attention(heads, heads, heads, attn_mask=self.bias)
        return seen.transpose(1, 2).reshape(n, 64, 48).mean(1)


def test_attention_with_a_bias_is_exported(images: np.ndarray) -> None:
    network = _BiasedAttention().eval()
    session = ort.InferenceSession(trace(network, 32, "embeddings").SerializeToString())
    (actual,) = session.run(None, {"images": images})
    np.testing.assert_allclose(actual, network(torch.from_numpy(images)).detach().numpy(), rtol=1e-4)


class _FiveDimensions(torch.nn.Module):
    """As Hiera's: attention within windows, of which the heads are one more dimension."""

    fused_attn = True

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images.float().reshape(images.shape[0], 4, 4, 16, 12)
        if self.fused_attn:
            return F.scaled_dot_product_attention(x, x, x).flatten(1)
        return ((x @ x.transpose(-1, -2) / 12**0.5).softmax(-1) @ x).flatten(1)


def test_attention_within_windows_is_exported(images: np.ndarray) -> None:
    expected = _FiveDimensions()(torch.from_numpy(images)).numpy()
    session = ort.InferenceSession(trace(_FiveDimensions().eval(), 32, "embeddings").SerializeToString())
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, rtol=1e-4)


class _Untraceable(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise ValueError("no way through here\nand more")


def test_what_cannot_be_exported_is_told_by_what_went_wrong_first() -> None:
    with pytest.raises(TrainingError, match=r"could not export the network to ONNX \(no way through here\)$"):
        trace(_Untraceable(), 32, "embeddings")
