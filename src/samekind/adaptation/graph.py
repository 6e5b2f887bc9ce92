"""An adaptation inside the network's graph, so that the file runs anywhere: unit rows, less an offset, to unit rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from samekind.errors import ModelFileError
from samekind.inference.similarity import Embeddings
from samekind.model_file.onnx_envelope import OnnxEnvelope

_OFFSET = "samekind.collection"
_BARE = "samekind.bare"
_FLOAT = 1  # onnx.TensorProto.FLOAT


def fold(onnx_model: bytes, offset: Embeddings, name: str) -> bytes:
    """Put an offset behind a network: its output becomes normalise(embedding - offset), under the same name.

    The nodes that normalise are copies of the network's own last ones, so whatever runs the bare network runs this. An
    offset that is there already is replaced.

    Args:
        onnx_model: A network that ends with dividing by a length, as those of samekind do.
        offset: float32 (D,), the share of the collection's mean that is taken away.
        name: What to call the network in messages.

    Raises:
        ModelFileError: The network does not end so.
    """
    envelope = OnnxEnvelope(unfold(onnx_model, name), name)
    graph = envelope.graph()
    output = graph.outputs[0].name
    made_by = {made: node for node in graph.nodes for made in node.outputs}
    last = _normalising(made_by, output, name)
    last[-1].outputs[0] = _BARE
    tensor = graph.initializers.add(name=_OFFSET, type=_FLOAT, raw=np.asarray(offset, "<f4").tobytes())
    tensor.shape.append(len(offset))
    centred = f"{_BARE}.centred"
    graph.nodes.add(operator="Sub", name=centred, inputs=[_BARE, _OFFSET], outputs=[centred])
    renamed = {last[0].inputs[0]: centred}
    for node in last:
        copy = graph.nodes.add()
        copy.CopyFrom(node)
        made = output if node is last[-1] else f"{centred}.{len(renamed)}"
        copy.name = f"{centred}.{len(renamed)}"
        for place, value in enumerate(node.inputs):
            copy.inputs[place] = renamed.get(value, value)
        renamed[node.outputs[0]] = made
        del copy.outputs[:]
        copy.outputs.append(made)
    return envelope.with_graph(graph)


def unfold(onnx_model: bytes, name: str) -> bytes:
    """The network without the offset that ``fold`` put behind it; as it is, to the byte, where there is none."""
    envelope = OnnxEnvelope(onnx_model, name)
    graph = envelope.graph()
    added = [node for node in graph.nodes if node.name.startswith(_BARE)]
    if not added:
        return onnx_model
    output = graph.outputs[0].name
    kept = [node for node in graph.nodes if not node.name.startswith(_BARE)]
    for node in kept:
        for place, made in enumerate(node.outputs):
            if made == _BARE:
                node.outputs[place] = output
    tensors = [tensor for tensor in graph.initializers if tensor.name != _OFFSET]
    del graph.nodes[:], graph.initializers[:]
    graph.nodes.extend(kept)
    graph.initializers.extend(tensors)
    return envelope.with_graph(graph)


def can_fold(onnx_model: bytes, name: str) -> bool:
    """Whether a network ends so that ``fold`` can put an offset behind it."""
    graph = OnnxEnvelope(onnx_model, name).graph()
    try:
        _normalising({made: node for node in graph.nodes for made in node.outputs}, graph.outputs[0].name, name)
    except ModelFileError:
        return False
    return True


def _normalising(made_by: dict[str, Any], output: str, name: str) -> list[Any]:
    """The network's last nodes: the length of the rows, its lower bound, the division. The first gets the rows."""
    division = made_by.get(output)
    if division is not None and division.operator == "Div":
        rows, length = division.inputs
        bound = made_by.get(length)
        norm = made_by.get(bound.inputs[0]) if bound is not None and bound.operator in {"Clip", "Max"} else None
        if norm is not None and norm.operator == "ReduceL2" and norm.inputs[0] == rows:
            return [norm, bound, division]
    raise ModelFileError(f"{name}: its network does not end by normalising, so it cannot be adapted")
