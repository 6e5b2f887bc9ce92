"""Nodes, constants and values to put into a graph, with the protobuf runtime alone; and what a graph has of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.model_file.onnx_envelope import messages_of

FLOAT, UINT8, FLOAT16, INT64 = 1, 2, 10, 7  # onnx.TensorProto's data types
_TYPES = {"float32": FLOAT, "float16": FLOAT16, "int64": INT64}
_INT, _GRAPH, _INTS = 2, 5, 7  # onnx.AttributeProto's kinds
# What is written here. Fields that the file's reader does not declare travel through it untouched.
_SCHEMA = {
    "Node": [("inputs", 1, "string*"), ("outputs", 2, "string*"), ("name", 3, "string"), ("operator", 4, "string"),
             ("attributes", 5, "Attribute")],
    "Attribute": [("name", 1, "string"), ("number", 3, "int64"), ("graph", 6, "bytes"), ("numbers", 8, "int64*"),
                  ("kind", 20, "int32")],
    "Value": [("name", 1, "string"), ("type", 2, "Type?")],
    "Type": [("tensor", 1, "TensorType?")],
    "TensorType": [("element", 1, "int32"), ("shape", 2, "Shape?")],
    "Shape": [("sides", 1, "Side")],
    "Side": [("value", 1, "int64"), ("name", 2, "string")],
}  # fmt: skip
_MADE = messages_of(_SCHEMA, "samekind_onnx_made")


def add_node(graph: Any, operator: str, inputs: list[str], output: str, **attributes: int | list[int] | bytes) -> str:
    """Put a node behind those of a graph.

    Args:
        graph: As ``OnnxEnvelope.graph`` gives it.
        operator: Of ONNX's standard ones.
        inputs: The names of the values that it gets.
        output: The name of what it makes, and of the node.
        attributes: Whole numbers, lists of them, or the bytes of a graph.

    Returns:
        ``output``.
    """
    node = _MADE["Node"](operator=operator, name=output, inputs=inputs, outputs=[output])
    for name, value in attributes.items():
        if isinstance(value, bytes):
            node.attributes.add(name=name, graph=value, kind=_GRAPH)
        elif isinstance(value, list):
            node.attributes.add(name=name, numbers=value, kind=_INTS)
        else:
            node.attributes.add(name=name, number=value, kind=_INT)
    graph.nodes.add().ParseFromString(node.SerializeToString())
    return output


def add_constant(graph: Any, name: str, values: NDArray[np.generic]) -> str:
    """Put a constant of float32, float16 or int64 into a graph; its name."""
    little = values.astype(values.dtype.newbyteorder("<"))
    tensor = graph.initializers.add(name=name, type=_TYPES[values.dtype.name], raw=little.tobytes())
    tensor.shape.extend(values.shape)
    return name


def describe_value(value: Any, name: str, element: int, shape: list[int | str]) -> None:
    """Name an input or an output of a graph, and its type; a side that is a word is dynamic."""
    made = _MADE["Value"](name=name)
    made.type.tensor.element = element
    for side in shape:
        if isinstance(side, str):
            made.type.tensor.shape.sides.add(name=side)
        else:
            made.type.tensor.shape.sides.add(value=side)
    value.Clear()
    value.MergeFromString(made.SerializeToString())


def names_in(graph: Any) -> set[str]:
    """All names of a graph's values and nodes, however deep."""
    found = set()
    for part in _graphs_in(graph):
        for node in part.nodes:
            found |= {node.name, *node.inputs, *node.outputs}
        sparse = (tensor.values for tensor in part.sparse_initializers)
        found |= {value.name for value in (*part.inputs, *part.outputs, *part.initializers, *sparse)}
    return found


def uses_batch_statistics(graph: Any) -> bool:
    """Whether a batch norm in a graph is in training mode, so that it normalises by the pictures of the batch."""
    return any(
        node.operator == "BatchNormalization" and _in_training(node)
        for part in _graphs_in(graph)
        for node in part.nodes
    )


def _in_training(node: Any) -> bool:
    attributes = _MADE["Node"].FromString(node.SerializeToString()).attributes
    # Before opset 14 the further outputs alone say it.
    return len(node.outputs) > 1 or any(one.name == "training_mode" and one.number for one in attributes)


def _graphs_in(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.nodes:
        for attribute in node.attributes:
            for inner in (attribute.graph, *attribute.graphs):
                yield from _graphs_in(inner)
