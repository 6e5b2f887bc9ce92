from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from conftest import SIZE, make_card, tiny_network
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import samekind
from samekind.errors import ModelFileError
from samekind.model_file.file import CARD_KEY, fingerprint, write_model
from samekind.model_file.onnx_envelope import OnnxEnvelope

NETWORK = tiny_network().SerializeToString()
ELSEWHERE = "elsewhere.bin"


def external(name: str, location: str = ELSEWHERE, dims: tuple[int, ...] = (3, 6)) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def without_weight() -> onnx.ModelProto:
    model = tiny_network()
    del model.graph.initializer[2]
    return model


def constant(tensor: TensorProto, output: str = "weight") -> onnx.NodeProto:
    return helper.make_node("Constant", [], [output], value=tensor)


def call_of(function: onnx.FunctionProto) -> onnx.ModelProto:
    """The network, taking its weight from a function."""
    model = without_weight()
    model.graph.node.insert(0, helper.make_node(function.name, [], ["weight"], domain="local"))
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model


def function(*nodes: onnx.NodeProto, **defaults: object) -> onnx.FunctionProto:
    attributes = [helper.make_attribute(name, value) for name, value in defaults.items()]
    opset = [helper.make_opsetid("", 18)]
    return helper.make_function("local", "Weight", [], ["weight"], nodes, opset, attribute_protos=attributes)


def in_initializer() -> onnx.ModelProto:
    model = without_weight()
    model.graph.initializer.append(external("weight"))
    return model


def in_node_attribute() -> onnx.ModelProto:
    model = without_weight()
    model.graph.node.insert(0, constant(external("value")))
    return model


def in_list_of_tensors() -> onnx.ModelProto:
    model = tiny_network()
    model.graph.node[0].attribute.append(helper.make_attribute("others", [external("a"), external("b")]))
    return model


def branch(tensor: TensorProto) -> onnx.GraphProto:
    output = helper.make_tensor_value_info("weight", TensorProto.FLOAT, [3, 6])
    return helper.make_graph([constant(tensor)], "branch", [], [output])


def choice(taken: onnx.GraphProto) -> onnx.NodeProto:
    harmless = branch(numpy_helper.from_array(np.ones((3, 6), np.float32)))
    return helper.make_node("If", ["yes"], ["weight"], then_branch=taken, else_branch=harmless)


def in_subgraph() -> onnx.ModelProto:
    model = without_weight()
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.insert(0, choice(branch(external("value"))))
    return model


def in_nested_subgraph() -> onnx.ModelProto:
    model = in_subgraph()
    inner = branch(external("value"))
    for _ in range(5):
        output = helper.make_tensor_value_info("weight", TensorProto.FLOAT, [3, 6])
        inner = helper.make_graph([choice(inner)], "outer", [], [output])
    model.graph.node[0].CopyFrom(choice(inner))
    return model


def in_initializer_of_subgraph() -> onnx.ModelProto:
    model = in_subgraph()
    graph = model.graph.node[0].attribute[0].g
    graph.initializer.append(external("hidden"))
    graph.node[0].CopyFrom(helper.make_node("Identity", ["hidden"], ["weight"]))
    return model


def in_list_of_graphs() -> onnx.ModelProto:
    model = tiny_network()
    model.graph.node[0].attribute.append(helper.make_attribute("graphs", [branch(external("value"))]))
    return model


def sparse(values: TensorProto, indices: TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[3, 6])


PLAIN = numpy_helper.from_array(np.arange(2), "plain")


def in_values_of_sparse_initializer() -> onnx.ModelProto:
    model = without_weight()
    model.graph.sparse_initializer.append(sparse(external("weight", dims=(2,)), PLAIN))
    return model


def in_indices_of_sparse_initializer() -> onnx.ModelProto:
    model = without_weight()
    model.graph.sparse_initializer.append(sparse(PLAIN, external("indices", dims=(2,))))
    return model


def in_sparse_attribute() -> onnx.ModelProto:
    model = without_weight()
    node = helper.make_node("Constant", [], ["weight"], sparse_value=sparse(external("value", dims=(2,)), PLAIN))
    model.graph.node.insert(0, node)
    return model


def in_function_body() -> onnx.ModelProto:
    return call_of(function(constant(external("value"))))


def in_default_of_function_attribute() -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["weight"])
    node.attribute.append(onnx.AttributeProto(name="value", ref_attr_name="v", type=onnx.AttributeProto.TENSOR))
    return call_of(function(node, v=external("v")))


def with_location_only() -> onnx.ModelProto:
    model = in_initializer()
    del model.graph.initializer[2].external_data[:]
    return model


def with_entries_only() -> onnx.ModelProto:
    model = in_initializer()
    model.graph.initializer[2].data_location = TensorProto.DEFAULT
    return model


PLACES = [
    in_initializer,
    in_node_attribute,
    in_list_of_tensors,
    in_subgraph,
    in_nested_subgraph,
    in_initializer_of_subgraph,
    in_list_of_graphs,
    in_values_of_sparse_initializer,
    in_indices_of_sparse_initializer,
    in_sparse_attribute,
    in_function_body,
    in_default_of_function_attribute,
    with_location_only,
    with_entries_only,
]


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_refused_wherever_it_hides(place: Callable[[], onnx.ModelProto]) -> None:
    envelope = OnnxEnvelope(place().SerializeToString(), "evil.onnx")
    with pytest.raises(ModelFileError, match=r"^evil\.onnx: refused, because it refers to data in other files"):
        envelope.refuse_external_data()


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_not_written(tmp_path: Path, place: Callable[[], onnx.ModelProto]) -> None:
    with pytest.raises(ModelFileError, match="refused"):
        write_model(tmp_path / "evil.onnx", place().SerializeToString(), make_card())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("network", [tiny_network(), call_of(function(constant(PLAIN)))], ids=["plain", "function"])
def test_network_in_one_file_is_not_refused(network: onnx.ModelProto) -> None:
    OnnxEnvelope(network.SerializeToString(), "good.onnx").refuse_external_data()


def forged(model: onnx.ModelProto) -> bytes:
    """A file whose card and fingerprint are right, whatever is in the network."""
    envelope = OnnxEnvelope(model.SerializeToString(), "forged.onnx")
    card = make_card(fingerprint=fingerprint(envelope.network, make_card()))
    return envelope.with_metadata({CARD_KEY: card.model_dump_json()})


def with_its_graph_in_two_parts() -> bytes:
    """A reader that merges the parts finds external data; one that takes the last part finds none."""
    first = onnx.ModelProto()
    first.graph.initializer.append(external("weight"))
    return first.SerializeToString() + forged(without_weight())


@pytest.mark.parametrize(
    "evil",
    [
        forged(in_initializer()),
        forged(in_node_attribute()),
        forged(in_initializer_of_subgraph()),
        forged(in_function_body()),
        forged(in_default_of_function_attribute()),
        with_its_graph_in_two_parts(),
    ],
    ids=["initializer", "node attribute", "subgraph", "function body", "function default", "two graphs"],
)
def test_another_file_on_the_disk_is_not_read(in_folder: Path, monkeypatch: pytest.MonkeyPatch, evil: bytes) -> None:
    weight = np.arange(18, dtype=np.float32)
    (in_folder / ELSEWHERE).write_bytes(weight.tobytes())
    path = in_folder / "evil.onnx"
    path.write_bytes(evil)

    # The danger is real: ONNX Runtime left alone makes the other file the weights of the network.
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.uint8)
    (leaked,) = ort.InferenceSession(evil).run(None, {"images": pixels})
    raw = (pixels.mean(axis=(1, 2)) - [90, 120, 150]) @ weight.reshape(3, 6)
    assert leaked == pytest.approx(raw / np.linalg.norm(raw), abs=1e-4)

    monkeypatch.setattr(ort, "InferenceSession", lambda *_, **__: pytest.fail("the runtime saw the file"))
    with pytest.raises(ModelFileError, match=r"refused|not an ONNX model") as caught:
        samekind.load(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a model",
        bytes(100),
        b"\xff" * 100,
        onnx.ModelProto(ir_version=10, producer_name="nobody").SerializeToString(),
        NETWORK + NETWORK,
    ],
    ids=["empty", "text", "zeros", "ones", "no graph", "two graphs"],
)
def test_what_is_no_onnx_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"^junk\.onnx: not an ONNX model"):
        OnnxEnvelope(data, "junk.onnx")


@given(st.binary(max_size=300))
def test_random_bytes_are_a_model_or_a_model_file_error(data: bytes) -> None:
    assert_checked_or_refused(data)


@given(st.data())
def test_corrupted_network_is_a_model_or_a_model_file_error(data: st.DataObject) -> None:
    broken = bytearray(NETWORK)
    place, value = st.integers(0, len(broken) - 1), st.integers(0, 255)
    for position, byte in data.draw(st.lists(st.tuples(place, value), min_size=1, max_size=5)):
        broken[position] = byte
    assert_checked_or_refused(bytes(broken[: data.draw(place)]))
    assert_checked_or_refused(bytes(broken))


def assert_checked_or_refused(data: bytes) -> None:
    try:
        OnnxEnvelope(data, "junk.onnx").refuse_external_data()
    except ModelFileError as error:
        assert str(error).startswith("junk.onnx: ")  # noqa: PT017


def test_graphs_nested_without_end_are_refused() -> None:
    graph = onnx.GraphProto(name="innermost").SerializeToString()
    for _ in range(200):
        node = field(5, field(6, graph))  # the attribute of a node, the graph of an attribute
        graph = field(1, node)
    with pytest.raises(ModelFileError):
        OnnxEnvelope(field(7, graph), "deep.onnx").refuse_external_data()


def field(number: int, body: bytes) -> bytes:
    """A field of a protocol buffer: its tag, its length in groups of 7 bits, its content."""
    length, rest = bytearray(), len(body)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes((number << 3 | 2, *length, rest)) + body


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=4))
def test_metadata_comes_back_as_it_went_in(metadata: dict[str, str]) -> None:
    data = OnnxEnvelope(NETWORK, "a").with_metadata(metadata)
    assert OnnxEnvelope(data, "a").metadata == metadata
    assert {entry.key: entry.value for entry in onnx.load_model_from_string(data).metadata_props} == metadata


def test_metadata_replaces_what_was_there_and_nothing_else() -> None:
    model = tiny_network()
    model.producer_name, model.doc_string = "someone", "a note"
    helper.set_model_props(model, {"old": "1"})
    written = onnx.load_model_from_string(OnnxEnvelope(model.SerializeToString(), "a").with_metadata({"new": "2"}))
    helper.set_model_props(model, {"new": "2"})
    assert written == model


def test_network_is_the_graph_and_its_functions() -> None:
    model = call_of(function(constant(PLAIN)))
    network = OnnxEnvelope(model.SerializeToString(), "a").network
    parts = [model.graph, *model.functions, *model.opset_import]
    assert all(part.SerializeToString() in network for part in parts)
    lengths = sum(part.ByteSize() for part in parts) + 8 * (3 + len(parts))
    assert len(network) == lengths
