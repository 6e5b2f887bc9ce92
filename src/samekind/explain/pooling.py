"""How a network pools its last feature map and what it does then, read from its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.model_file.onnx_envelope import OnnxEnvelope

# What leaves values as they are but for their shape or their type, or may: PyTorch writes the flattening of a mean as a
# Gather.
_SAME_VALUES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast", "Dropout", "Gather"})
_BOUNDS = frozenset({"Clip", "Max"})
_MEANS = ("ReduceMean", "GlobalAveragePool")
_NUMBERS = {1: "<f4", 10: "<f2"}  # onnx.TensorProto's FLOAT and FLOAT16


@dataclass(frozen=True)
class Branch:
    """A part of what the head gets: one feature map, pooled over its places.

    Attributes:
        averaged: The name of what is averaged, float32 (N, C, H, W): the feature map, or its powers.
        powers: Whether these are powers, whose root is taken after: a generalised mean.
        lengths: The names of the lengths by which the pooled values are divided, in any order.
    """

    averaged: str
    powers: bool
    lengths: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What a network does to the output of its head: divides it by its length, or adds a constant to it.

    Attributes:
        length: The name of the length, of one value for each image; None for a constant.
        constant: float64 (D,); None for a length.
    """

    length: str | None = None
    constant: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class PooledNetwork:
    """A network that ends with pooling, a linear head, and steps that are linear for one image.

    Attributes:
        branches: What is pooled, in the order in which the head gets it.
        pooled: The name of what the head gets, float32 (N, C).
        weight: The head's, float32 (D, C).
        steps: What comes behind the head, in order.
    """

    branches: tuple[Branch, ...]
    pooled: str
    weight: NDArray[np.float32]
    steps: tuple[Step, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """The names of all inner values that an explanation needs, each once."""
        names = [self.pooled, *(step.length for step in self.steps if step.length)]
        for branch in self.branches:
            names += [branch.averaged, *branch.lengths]
        return tuple(dict.fromkeys(names))


def pooled_network(onnx_model: bytes, name: str) -> PooledNetwork | None:
    """A network taken apart from its end to its last feature map; None where it is of another form.

    The form is that of the networks which samekind trains with a linear head: plain or generalised means over the
    places of feature maps, each perhaps divided by its length, side by side; a linear layer; division by the length;
    and, where the model was adapted, an offset and division by the length again. The graph may only seem to be of it,
    so whoever uses this compares what it adds up to with the embedding.

    Args:
        onnx_model: A model file's bytes.
        name: What to call it in messages.

    Example:
        >>> from samekind.model_file.file import read_model
        >>> found = pooled_network(read_model().data, "general")
        >>> [branch.powers for branch in found.branches], found.weight.shape
        ([True, True], (512, 2304))
    """
    return _Graph(OnnxEnvelope(onnx_model, name).graph()).pooled_network()


class _Graph:
    """A graph, walked from its end to its beginning."""

    def __init__(self, graph: Any) -> None:
        self._output: str = graph.outputs[0].name
        self._maker = {made: node for node in graph.nodes for made in node.outputs}
        self._tensors = {tensor.name: tensor for tensor in graph.initializers}

    def pooled_network(self) -> PooledNetwork | None:
        steps, value = self._steps(self._output)
        head = self._made_by(value, "Gemm", "MatMul")
        weight = None if head is None else self._constant(head.inputs[1], 2)
        if head is None or weight is None:
            return None
        if head.operator == "Gemm" and len(head.inputs) > 2:
            if (bias := self._constant(head.inputs[2], 1)) is None:
                return None
            steps.append(Step(constant=bias))
        branches = [self._branch(part) for part in self._side_by_side(head.inputs[0])]
        known = tuple(branch for branch in branches if branch is not None)
        if len(known) < len(branches):
            return None
        # PyTorch writes a Gemm's weight as it keeps it, (D, C); a MatMul's is (C, D).
        weight = weight if head.operator == "Gemm" else weight.T
        return PooledNetwork(known, head.inputs[0], np.ascontiguousarray(weight, np.float32), tuple(steps[::-1]))

    def _steps(self, value: str) -> tuple[list[Step], str]:
        """The steps from the output back to the head, the last first, and what the head gives."""
        steps: list[Step] = []
        while node := self._maker.get(value):
            if divided := self._divided(value):
                steps.append(Step(length=divided[1]))
                value = divided[0]
            elif node.operator in {"Sub", "Add"} and (constant := self._constant(node.inputs[1], 1)) is not None:
                steps.append(Step(constant=-constant if node.operator == "Sub" else constant))
                value = node.inputs[0]
            else:
                break
        return steps, value

    def _divided(self, value: str) -> tuple[str, str] | None:
        """What was divided by its own length to give a value, and the length."""
        node = self._made_by(value, "Div")
        if node is None:
            return None
        rows, length = node.inputs
        norm = self._made_by(self._unbounded(length), "ReduceL2")
        return (rows, length) if norm is not None and norm.inputs[0] == rows else None

    def _side_by_side(self, value: str) -> Iterator[str]:
        value = self._same_values(value)
        node = self._made_by(value, "Concat")
        yield from (value,) if node is None else node.inputs

    def _branch(self, value: str) -> Branch | None:
        lengths = []
        value = self._same_values(value)
        while divided := self._divided(value):
            value, length = self._same_values(divided[0]), divided[1]
            lengths.append(length)
        root = self._made_by(value, "Pow")
        mean = self._made_by(self._unbounded(root.inputs[0]) if root is not None else value, *_MEANS)
        if mean is None:
            return None
        averaged = mean.inputs[0]
        if root is not None and self._made_by(averaged, "Pow") is None:
            return None
        return Branch(averaged, root is not None, tuple(lengths))

    def _made_by(self, value: str, *operators: str) -> Any | None:
        node = self._maker.get(value)
        return node if node is not None and node.operator in operators else None

    def _unbounded(self, value: str) -> str:
        node = self._made_by(value, *_BOUNDS)
        return value if node is None else str(node.inputs[0])

    def _same_values(self, value: str) -> str:
        while node := self._made_by(value, *_SAME_VALUES):
            value = node.inputs[0]
        return value

    def _constant(self, value: str, axes: int) -> NDArray[np.float64] | None:
        """A weight with so many axes, or None where it is not known, or of other numbers."""
        tensor = self._tensors.get(self._same_values(value))
        if tensor is None or tensor.type not in _NUMBERS or len(tensor.shape) != axes:
            return None
        numbers = np.frombuffer(tensor.raw, _NUMBERS[tensor.type])
        if numbers.size != np.prod(tensor.shape):
            return None
        return numbers.reshape(tuple(tensor.shape)).astype(np.float64)
