"""The outside of an ONNX file: its metadata and whether it points at other files, without the ``onnx`` package.

ONNX files are protocol buffers (onnx.proto, IR version 3 and later). Only the few fields that matter here are
declared; the parser carries all others through untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from samekind.errors import ModelFileError

_FIELD = descriptor_pb2.FieldDescriptorProto
# message: (field, number, type); a type that is a message's name is repeated unless it ends with "?", a scalar is not
# repeated unless it ends with "*". The graph is a message that the file should hold once: readers merge several.
_SCHEMA: dict[str, list[tuple[str, int, str]]] = {
    "Entry": [("key", 1, "string"), ("value", 2, "string")],
    # The first six mean nothing to us, but fields that are not declared would be written behind all others, where a
    # file cut short could lose them unnoticed.
    "Model": [
        ("ir_version", 1, "int64"),
        ("producer_name", 2, "bytes"),
        ("producer_version", 3, "bytes"),
        ("domain", 4, "bytes"),
        ("model_version", 5, "int64"),
        ("doc_string", 6, "bytes"),
        ("graphs", 7, "bytes*"),
        ("opsets", 8, "bytes*"),
        ("metadata", 14, "Entry"),
        ("functions", 25, "bytes*"),
    ],
    "Function": [("nodes", 7, "Node"), ("defaults", 11, "Attribute")],
    "Graph": [
        ("nodes", 1, "Node"),
        ("name", 2, "string"),
        ("initializers", 5, "Tensor"),
        ("inputs", 11, "Value"),
        ("outputs", 12, "Value"),
        ("shapes", 13, "Value"),
        ("sparse_initializers", 15, "Sparse"),
    ],
    "Value": [("name", 1, "string")],
    "Opset": [("domain", 1, "string"), ("version", 2, "int64")],
    "Node": [
        ("inputs", 1, "string*"),
        ("outputs", 2, "string*"),
        ("name", 3, "string"),
        ("operator", 4, "string"),
        ("attributes", 5, "Attribute"),
    ],
    "Attribute": [
        ("tensor", 5, "Tensor?"),
        ("graph", 6, "Graph?"),
        ("tensors", 10, "Tensor"),
        ("graphs", 11, "Graph"),
        ("sparse", 22, "Sparse?"),
        ("sparses", 23, "Sparse"),
    ],
    "Sparse": [("values", 1, "Tensor?"), ("indices", 2, "Tensor?")],
    "Tensor": [
        ("shape", 1, "int64*"),
        ("type", 2, "int32"),
        ("name", 8, "string"),
        ("raw", 9, "bytes"),
        ("external_data", 13, "Entry"),
        ("data_location", 14, "int32"),
    ],
}
_SCALARS = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "float": _FIELD.TYPE_FLOAT,
}


def messages_of(schema: Mapping[str, Sequence[tuple[str, int, str]]], package: str) -> dict[str, Any]:
    """Classes for the messages of a schema as above.

    Args:
        schema: By the name of a message, its fields.
        package: What protobuf calls them all together; no two may be the same.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            if kind.rstrip("*") in _SCALARS:
                message.field.add(
                    name=field,
                    number=number,
                    type=_SCALARS[kind.rstrip("*")],
                    label=_FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL,
                )
            else:
                message.field.add(
                    name=field,
                    number=number,
                    type=_FIELD.TYPE_MESSAGE,
                    type_name=f".{package}.{kind.rstrip('?')}",
                    label=_FIELD.LABEL_OPTIONAL if kind.endswith("?") else _FIELD.LABEL_REPEATED,
                )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in schema}


_MESSAGES = messages_of(_SCHEMA, "samekind_onnx")


class OnnxEnvelope:
    """An ONNX file taken apart as far as samekind needs.

    Args:
        data: The bytes of the file.
        name: What to call it in messages.

    Raises:
        ModelFileError: The bytes are not an ONNX model.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._model = _parse("Model", data, name)
        if len(self._model.graphs) != 1 or not self._model.graphs[0]:
            raise ModelFileError(f"{name}: not an ONNX model")

    @property
    def network(self) -> bytes:
        """All that decides what the network computes: the graph, its functions, the versions of the operators.

        Each part is preceded by its length, so that no two networks read alike.
        """
        written = bytearray()
        for part in (self._model.graphs, self._model.functions, self._model.opsets):
            written += len(part).to_bytes(8, "little")
            for message in part:
                written += len(message).to_bytes(8, "little") + message
        return bytes(written)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata by key."""
        return {entry.key: entry.value for entry in self._model.metadata}

    def with_metadata(self, metadata: dict[str, str]) -> bytes:
        """The same model with other metadata, as bytes."""
        del self._model.metadata[:]
        for key, value in metadata.items():
            self._model.metadata.add(key=key, value=value)
        return bytes(self._model.SerializeToString())

    def with_outputs(self, names: Iterable[str]) -> bytes:
        """The model as bytes, with inner values as further outputs. This one is left as it is."""
        graph = self.graph()
        for name in names:
            graph.outputs.add(name=name)
        return self.with_graph(graph)

    def graph(self) -> Any:
        """A copy of the graph as a message: nodes, initializers and outputs; all else is carried through."""
        return _parse("Graph", self._model.graphs[0], self._name)

    @property
    def opset(self) -> int:
        """The version of the standard operators; 0 where the model names none."""
        opsets = [_parse("Opset", opset, self._name) for opset in self._model.opsets]
        return max((int(opset.version) for opset in opsets if opset.domain in {"", "ai.onnx"}), default=0)

    def with_graph(self, graph: Any, *, least_ir: int = 0) -> bytes:
        """The model as bytes, with another graph. This one is left as it is.

        Args:
            graph: As ``graph`` gives it, changed.
            least_ir: The IR version that the graph needs.
        """
        model = _MESSAGES["Model"]()
        model.CopyFrom(self._model)
        model.ir_version = max(model.ir_version, least_ir)
        model.graphs[0] = graph.SerializeToString()
        return bytes(model.SerializeToString())

    def refuse_external_data(self) -> None:
        """Make sure that no tensor, however deep in the graph, lives in another file.

        Raises:
            ModelFileError: One does. Loading it could read any file on the disk.
        """
        if any(self.external_tensors(self.graph())):
            raise ModelFileError(
                f"{self._name}: refused, because it refers to data in other files; "
                "a samekind model is one self-contained file"
            )

    def external_tensors(self, graph: Any) -> Iterator[Any]:
        """The tensors of a graph of this model, and of its functions, that live in other files, however deep."""
        functions = [_parse("Function", function, self._name) for function in self._model.functions]
        for tensor in chain(_tensors_of_graph(graph), *map(_tensors_of_function, functions)):
            if tensor.external_data or tensor.data_location:
                yield tensor


def _parse(kind: str, data: bytes, name: str) -> Any:
    try:
        return _MESSAGES[kind].FromString(data)
    except DecodeError:
        raise ModelFileError(f"{name}: not an ONNX model, or a broken one") from None


def _tensors_of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializers
    yield from _tensors_of_sparse(graph.sparse_initializers)
    yield from _tensors_of_nodes(graph.nodes)


def _tensors_of_function(function: Any) -> Iterator[Any]:
    yield from _tensors_of_nodes(function.nodes)
    yield from _tensors_of_attributes(function.defaults)


def _tensors_of_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield from _tensors_of_attributes(node.attributes)


def _tensors_of_attributes(attributes: Iterable[Any]) -> Iterator[Any]:
    for attribute in attributes:
        yield attribute.tensor
        yield from attribute.tensors
        yield from _tensors_of_sparse((attribute.sparse, *attribute.sparses))
        for graph in (attribute.graph, *attribute.graphs):
            # An unset message reads as an empty one; HasField would recurse no further either way.
            if graph.ByteSize():
                yield from _tensors_of_graph(graph)


def _tensors_of_sparse(sparse: Iterable[Any]) -> Iterator[Any]:
    for tensor in sparse:
        yield tensor.values
        yield tensor.indices
