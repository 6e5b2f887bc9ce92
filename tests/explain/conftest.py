"""Small networks that pool and project, or nearly do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from samekind.model_file.file import ModelFile, make_model

Networks = Callable[..., ModelFile]
SIZE, DIMENSION, CHANNELS = 16, 6, 5


def _network(pooling: str = "mean", *, bias: bool = True, head: str = "Gemm", alpha: float = 1.0) -> onnx.ModelProto:
    """A convolution to a 4 × 4 map, one or two branches of pooling, and a head.

    Args:
        pooling: ``mean``, ``generalised``, or ``both`` side by side, each divided by its length.
        bias: Of the head.
        head: ``Gemm``, ``MatMul``, or ``layers`` for two of them.
        alpha: A factor of the Gemm.
    """
    rng = np.random.default_rng(3)
    tensors: dict[str, np.ndarray] = {
        "kernel": rng.normal(size=(CHANNELS, 3, 4, 4)).astype(np.float32) / 500 + np.float32(5e-4),
        "cube": np.array(3, np.float32),
        "root": np.array(1 / 3, np.float32),
        "zero": np.array(0, np.float32),
        "tiny": np.array(1e-9, np.float32),
        "space": np.array([2, 3], np.int64),
        "row": np.array([1], np.int64),
        "bias": rng.normal(size=DIMENSION).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["map"], strides=[4, 4]),
    ]
    parts = []
    if pooling in {"mean", "both"}:
        nodes.append(helper.make_node("GlobalAveragePool", ["map"], ["plain"]))
        parts.append("plain")
    if pooling in {"generalised", "both"}:
        nodes += [
            helper.make_node("Clip", ["map", "zero"], ["positive"]),
            helper.make_node("Pow", ["positive", "cube"], ["powers"]),
            helper.make_node("ReduceMean", ["powers", "space"], ["averaged"], keepdims=1),
            helper.make_node("Clip", ["averaged", "tiny"], ["bounded"]),
            helper.make_node("Pow", ["bounded", "root"], ["generalised"]),
        ]
        parts.append("generalised")
    if pooling == "both":
        for part in parts:
            nodes += [
                helper.make_node("ReduceL2", [part, "row"], [f"{part}.norm"], keepdims=1),
                helper.make_node("Clip", [f"{part}.norm", "tiny"], [f"{part}.length"]),
                helper.make_node("Div", [part, f"{part}.length"], [f"{part}.unit"]),
            ]
        parts = [f"{part}.unit" for part in parts]
    nodes += [
        helper.make_node("Concat", parts, ["together"], axis=1),
        helper.make_node("Flatten", ["together"], ["pooled"], axis=1),
    ]
    width = CHANNELS * len(parts)
    weight = rng.normal(size=(DIMENSION, width)).astype(np.float32)
    tensors |= {"weight": weight, "turned": weight.T.copy(), "square": np.eye(width, dtype=np.float32) * 2}
    if head == "Gemm":
        inputs = ["pooled", "weight", *(["bias"] if bias else [])]
        nodes.append(helper.make_node("Gemm", inputs, ["raw"], transB=1, alpha=alpha))
    else:
        given = "pooled"
        if head == "layers":
            nodes += [
                helper.make_node("MatMul", ["pooled", "square"], ["hidden"]),
                helper.make_node("Relu", ["hidden"], ["active"]),
            ]
            given = "active"
        nodes.append(helper.make_node("MatMul", [given, "turned"], ["product" if bias else "raw"]))
        if bias:
            nodes.append(helper.make_node("Add", ["product", "bias"], ["raw"]))
    nodes += [
        helper.make_node("ReduceL2", ["raw", "row"], ["norm"], keepdims=1),
        helper.make_node("Clip", ["norm", "tiny"], ["length"]),
        helper.make_node("Div", ["raw", "length"], ["embeddings"]),
    ]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture(scope="session")
def network(adaptable_model: object) -> Networks:
    """Makes a model file of a small network; its arguments are those of ``_network``."""
    from samekind.model_file.file import read_model

    card = read_model(str(adaptable_model)).card
    return lambda *arguments, **options: make_model(_network(*arguments, **options).SerializeToString(), card)


@pytest.fixture
def pictures() -> np.ndarray:
    """Three pictures of noise, uint8 (3, S, S, 3)."""
    return np.random.default_rng(1).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
