"""The graph of a model file around an encoder's: uint8 pictures in, unit embeddings out."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.wrapping.form import InputForm, OutputForm
from samekind.wrapping.nodes import FLOAT, FLOAT16, UINT8, add_constant, add_node, describe_value, names_in

# Below this many values a tensor saves nothing by being stored in 16 bits (norms, biases).
_SMALL = 2048
OLDEST_OPSET = 13
# From here on the axes of a reduction are an input, not an attribute.
_AXES_ARE_INPUTS = 18
# From here on initialisers need not be inputs as well.
_LEAST_IR = 4


def fold_around(
    envelope: OnnxEnvelope, graph: Any, takes: InputForm, gives: OutputForm, dimension: int, *, one_by_one: bool = False
) -> bytes:
    """Put an encoder's graph between ours.

    Args:
        envelope: The encoder's file.
        graph: Its graph, with all weights in it; it is left as it is.
        takes: What the encoder takes.
        gives: What becomes an embedding.
        dimension: D.
        one_by_one: Run the encoder image after image, for one that takes no more at once.
    """
    inner = type(graph)()
    inner.CopyFrom(graph)
    names = names_in(inner)
    numbered = (f"samekind{number or ''}." for number in count())
    prefix = next(prefix for prefix in numbered if not any(name.startswith(prefix) for name in names))
    images = "images" if "images" not in names else f"{prefix}images"
    embeddings = "embeddings" if "embeddings" not in names else f"{prefix}embeddings"
    for node in inner.nodes:
        if node.name == takes.name:  # ours, which makes that value, has its name
            node.name = ""
    del inner.shapes[:]  # of a fixed batch they would be wrong
    wrapping = _Wrapping(type(graph)(), envelope.opset, prefix)
    if one_by_one:
        whole = wrapping.graph
        whole.name = "one_by_one"
        prepared = wrapping.prepare(images, takes)
        scanned = wrapping.add("Unsqueeze", [prepared, wrapping.axes(1)], "one_by_one")
        (only,) = [value for value in inner.inputs if value.name == takes.name]
        kept = type(only).FromString(only.SerializeToString())
        del inner.inputs[:], inner.outputs[1:]
        inner.inputs.append(kept)
        inner.outputs[0].Clear()
        inner.outputs[0].name = gives.name
        stacked = wrapping.add("Scan", [scanned], "stacked", body=inner.SerializeToString(), num_scan_inputs=1)
        found = wrapping.add("Squeeze", [stacked, wrapping.axes(1)], "found")
    else:
        prepared = wrapping.prepare(images, takes, as_name=takes.name)
        # Ours come first, because nodes are sorted by what they need.
        nodes = [*wrapping.graph.nodes, *inner.nodes]
        tensors = [*wrapping.graph.initializers, *inner.initializers]
        whole = inner
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        constants = [type(tensor).FromString(tensor.SerializeToString()) for tensor in tensors]
        del whole.nodes[:], whole.initializers[:]
        whole.nodes.extend(copies)
        whole.initializers.extend(constants)
        wrapping.graph = whole
        found = gives.name
    wrapping.embed(found, gives, embeddings)
    del whole.inputs[:], whole.outputs[:]
    describe_value(whole.inputs.add(), images, UINT8, ["n", takes.size, takes.size, 3])
    describe_value(whole.outputs.add(), embeddings, FLOAT, ["n", dimension])
    return envelope.with_graph(whole, least_ir=_LEAST_IR)


class _Wrapping:
    """Writes our part of a graph, with names that begin with a prefix."""

    def __init__(self, graph: Any, opset: int, prefix: str) -> None:
        self.graph, self._opset, self._prefix = graph, opset, prefix

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        name = output if output.startswith("=") else f"{self._prefix}{output}"
        return add_node(self.graph, operator, inputs, name.removeprefix("="), **attributes)

    def constant(self, name: str, values: Any) -> str:
        return add_constant(self.graph, f"{self._prefix}{name}", np.asarray(values))

    def axes(self, *numbers: int) -> str:
        name = f"{self._prefix}axes{'_'.join(map(str, numbers))}"
        if not any(tensor.name == name for tensor in self.graph.initializers):
            add_constant(self.graph, name, np.array(numbers, np.int64))
        return name

    def reduced(self, operator: str, given: str, output: str, axes: tuple[int, ...], *, keepdims: bool = False) -> str:
        if self._opset >= _AXES_ARE_INPUTS:
            return self.add(operator, [given, self.axes(*axes)], output, keepdims=int(keepdims))
        return self.add(operator, [given], output, axes=list(axes), keepdims=int(keepdims))

    def prepare(self, images: str, takes: InputForm, as_name: str | None = None) -> str:
        """uint8 (N, S, S, 3) to what the encoder takes, under the name of its input."""
        steps: list[tuple[str, list[str], dict[str, Any]]] = []
        # Turned while they are bytes, and reckoned with a channel at a time: with three values in the innermost axis
        # these few nodes take a fifth of the time of a small network.
        channels: tuple[int, ...] = (3,)
        if takes.layout == "nchw":
            steps.append(("Transpose", [], {"perm": [0, 3, 1, 2]}))
            channels = (3, 1, 1)
        if takes.element != "uint8":
            mean = self.constant("mean", 255.0 * np.array(takes.mean, np.float32).reshape(channels))
            std = self.constant("std", 255.0 * np.array(takes.std, np.float32).reshape(channels))
            steps += [("Cast", [], {"to": FLOAT}), ("Sub", [mean], {}), ("Div", [std], {})]
            if takes.element == "float16":
                steps.append(("Cast", [], {"to": FLOAT16}))
        steps = steps or [("Identity", [], {})]
        value = images
        for number, (operator, more, attributes) in enumerate(steps):
            last = as_name is not None and number == len(steps) - 1
            output = f"={as_name}" if last else f"input{number}"
            value = self.add(operator, [value, *more], output, **attributes)
        return value

    def embed(self, given: str, gives: OutputForm, embeddings: str) -> None:
        """What the encoder gives to unit rows under a name."""
        value = self.add("Cast", [given], "output", to=FLOAT) if gives.half else given
        if gives.rank == 4:
            value = self.reduced("ReduceMean", value, "pooled", gives.places)
        elif gives.pool == "cls":
            value = self._first(value)
        elif gives.pool == "mean":
            value = self.reduced("ReduceMean", value, "pooled", (1,))
        elif gives.pool == "patches":
            value = self._patches(value, gives.prefix)
        elif gives.pool == "cls+patches":
            parts = [
                self._unit(self._first(value), "cls_unit"),
                self._unit(self._patches(value, gives.prefix), "patches_unit"),
            ]
            value = self.add("Concat", parts, "pooled", axis=1)
        self._unit(value, f"={embeddings}")

    def _first(self, value: str) -> str:
        return self.add("Gather", [value, self.constant("first", np.array(0, np.int64))], "cls", axis=1)

    def _patches(self, value: str, prefix: int) -> str:
        if prefix:
            bounds = [
                self.constant("patch", np.array([prefix], np.int64)),
                self.constant("end", np.array([2**31 - 1], np.int64)),
            ]
            value = self.add("Slice", [value, *bounds, self.axes(1)], "patch_tokens")
        return self.reduced("ReduceMean", value, "patches", (1,))

    def _unit(self, value: str, output: str) -> str:
        # These three, so that an adaptation can be folded in (``adaptation.graph``).
        own = output.removeprefix("=").replace(".", "_")
        length = self.reduced("ReduceL2", value, f"{own}_length", (1,), keepdims=True)
        least = self.constant(f"{own}_least", np.array(1e-12, np.float32))
        bounded = self.add("Clip", [length, least], f"{own}_bounded")
        return self.add("Div", [value, bounded], output)


def in_16_bits(envelope: OnnxEnvelope, name: str) -> bytes:
    """The model with its large weights as float16, each with a Cast behind it that ONNX Runtime folds when it loads it.

    A tensor that would not fit stays as it is. The Cast's value has the tensor's own name, which subgraphs may use.

    Args:
        envelope: The model.
        name: What the halved tensors' names end with.
    """
    graph = envelope.graph()
    made = type(graph)()
    for tensor in graph.initializers:
        if tensor.type != FLOAT or len(tensor.raw) < 4 * _SMALL:
            continue
        with np.errstate(over="ignore"):
            values = np.frombuffer(tensor.raw, "<f4").astype("<f2")
        if not np.isfinite(values).all():
            continue
        own = tensor.name
        tensor.name, tensor.type, tensor.raw = f"{own}{name}", FLOAT16, values.tobytes()
        add_node(made, "Cast", [tensor.name], own, to=FLOAT)
    made.nodes.extend(graph.nodes)
    del graph.nodes[:]
    graph.nodes.extend(made.nodes)
    return envelope.with_graph(graph)
