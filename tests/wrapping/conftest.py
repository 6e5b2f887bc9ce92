"""Small ONNX encoders of several forms, as other people's exporters write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

SIDE, CHANNELS = 32, 24
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_RNG = np.random.default_rng(3)
WEIGHT = _RNG.normal(size=(CHANNELS, 3, 4, 4)).astype(np.float32)
WIDE = _RNG.normal(size=(CHANNELS, 256)).astype(np.float32)


def encoder(
    tail: str = "pooled",
    *,
    batch: int | str = "n",
    opset: int = 17,
    element: int = TensorProto.FLOAT,
    side: int | str = SIDE,
    layout: str = "nchw",
    channels: int | str = 3,
) -> onnx.ModelProto:
    """A convolution and what comes behind it.

    ``tail``: ``pooled`` gives (N, 256), ``map`` a feature map, ``map_last`` one with its channels last, ``map_cube``
    one whose three sides are alike, ``tokens`` (N, 65, 24) with a class token, ``fixed`` a graph that works for one
    image only, ``two`` two outputs.
    """
    shape = [batch, channels, side, side] if layout == "nchw" else [batch, side, side, channels]
    half = element == TensorProto.FLOAT16
    kind = np.float16 if half else np.float32
    nodes = []
    start = "pixels"
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", ["pixels"], ["turned"], perm=[0, 3, 1, 2]))
        start = "turned"
    if element == TensorProto.UINT8:
        nodes.append(helper.make_node("Cast", [start], ["floats"], to=TensorProto.FLOAT))
        start = "floats"
    nodes += [
        helper.make_node("Conv", [start, "weight"], ["convolved"], strides=[4, 4]),
        helper.make_node("Relu", ["convolved"], ["map"]),
    ]
    constants = {"weight": WEIGHT.astype(kind), "wide": WIDE.astype(kind)}
    outputs = ["embedding"]
    if tail in {"pooled", "two"}:
        nodes += [
            helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "wide"], ["embedding"]),
        ]
        outputs = ["embedding"] if tail == "pooled" else ["logits", "features"]
        if tail == "two":
            nodes[-1].output[0] = "logits"
            nodes.append(helper.make_node("Identity", ["flat"], ["features"]))
    elif tail == "map":
        outputs = ["map"]
    elif tail == "map_last":
        nodes.append(helper.make_node("Transpose", ["map"], ["embedding"], perm=[0, 2, 3, 1]))
    elif tail == "map_cube":
        constants |= {"from": np.array([0]), "to": np.array([SIDE // 4]), "channels": np.array([1])}
        nodes.append(helper.make_node("Slice", ["map", "from", "to", "channels"], ["embedding"]))
    elif tail == "tokens":
        constants |= {"rows": np.array([0, CHANNELS, (SIDE // 4) ** 2]), "first": np.ones((1, 1, CHANNELS), kind)}
        constants["shape"] = np.array([1, 1, 1])
        nodes += [
            helper.make_node("Reshape", ["map", "rows"], ["columns"]),
            helper.make_node("Transpose", ["columns"], ["patches"], perm=[0, 2, 1]),
            helper.make_node("GlobalMaxPool", ["columns"], ["highest"]),
            helper.make_node("Transpose", ["highest"], ["class"], perm=[0, 2, 1]),
            helper.make_node("Concat", ["class", "patches"], ["embedding"], axis=1),
        ]
    elif tail == "fixed":
        constants["one"] = np.array([1, CHANNELS * (SIDE // 4) ** 2])
        nodes.append(helper.make_node("Reshape", ["map", "one"], ["embedding"]))
    graph = helper.make_graph(
        nodes,
        "an encoder",
        [helper.make_tensor_value_info("pixels", element, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT16 if half else TensorProto.FLOAT, None)
            for name in outputs
        ],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Writes such an encoder and gives its path."""

    def save(tail: str = "pooled", name: str = "encoder.onnx", **options: object) -> Path:
        path = tmp_path / name
        onnx.save(encoder(tail, **options), path)  # type: ignore[arg-type]
        return path

    return save
