from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from conftest import DIMENSION, SIZE, save_noise, tiny_network
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from strategies import pixels as any_pixels

from samekind.errors import ImageError, ModelFileError
from samekind.inference.encoder import OnnxEncoder


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(tiny_network().SerializeToString(), "tiny", threads=1)


def images(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8))


def expected_row(image: np.ndarray) -> np.ndarray:
    """What the tiny network computes, in numpy."""
    weight = onnx.numpy_helper.to_array(tiny_network().graph.initializer[2])
    raw = (image.mean(axis=(0, 1)) - [90, 120, 150]) @ weight
    return raw / np.linalg.norm(raw)


def network_from(shape: list[int | str], kind: int = TensorProto.UINT8) -> bytes:
    """A network that takes something else and gives embeddings."""
    model = tiny_network()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("images", kind, shape))
    return model.SerializeToString()


def network_to(kind: int) -> bytes:
    """A network that takes images and gives something else."""
    model = tiny_network()
    model.graph.node[-1].output[0] = "floats"
    model.graph.node.append(helper.make_node("Cast", ["floats"], ["embeddings"], to=kind))
    model.graph.output[0].type.tensor_type.elem_type = kind
    return model.SerializeToString()


def network_with_two_outputs() -> bytes:
    model = tiny_network()
    model.graph.output.append(helper.make_tensor_value_info("raw", TensorProto.FLOAT, ["n", DIMENSION]))
    return model.SerializeToString()


# Embeddings


def test_size_and_dimension_are_those_of_the_network(encoder: OnnxEncoder) -> None:
    assert (encoder.input_size, encoder.dimension) == (SIZE, DIMENSION)


def test_embeddings_are_unit_rows_in_the_order_of_the_images(encoder: OnnxEncoder) -> None:
    sources = images(21)
    rows = encoder.encode(sources, batch_size=4)
    assert rows.dtype == np.float32
    assert rows.shape == (21, DIMENSION)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert rows == pytest.approx(np.array([expected_row(image) for image in sources]), abs=1e-4)


@given(st.integers(1, 30), st.integers(1, 40))
def test_batch_size_does_not_change_a_bit(encoder: OnnxEncoder, count: int, batch_size: int) -> None:
    sources = images(count)
    assert np.array_equal(encoder.encode(sources, batch_size=batch_size), encoder.encode(sources, batch_size=1))


@given(any_pixels(SIZE), any_pixels(SIZE))
def test_embedding_does_not_depend_on_its_companions(
    encoder: OnnxEncoder, image: np.ndarray, companion: np.ndarray
) -> None:
    alone = encoder.encode_pixels(image[None])
    for batch in ([image, companion], [image, image, companion]):
        assert np.array_equal(encoder.encode_pixels(np.stack(batch))[:1], alone, equal_nan=True)


def test_order_is_kept_when_early_images_are_slow(encoder: OnnxEncoder, tmp_path: Path) -> None:
    save_noise(tmp_path / "large.png", (200, 40, 40), seed=1, size=(1500, 1500))
    sources = [tmp_path / "large.png", *images(7)]
    assert np.array_equal(encoder.encode(sources)[1:], encoder.encode(sources[1:]))


@pytest.mark.parametrize("sources", [[], (), iter(())])
def test_no_images_give_no_rows(encoder: OnnxEncoder, sources: list[str]) -> None:
    calls: list[int] = []
    rows = encoder.encode(sources, on_progress=calls.append)
    assert rows.shape == (0, DIMENSION)
    assert rows.dtype == np.float32
    assert calls == []


def test_no_pixels_give_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode_pixels(np.empty((0, SIZE, SIZE, 3), np.uint8)).shape == (0, DIMENSION)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_without_images_are_refused_rather_than_lose_all(encoder: OnnxEncoder, batch_size: int) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        encoder.encode(images(2), batch_size=batch_size)


# Bad files


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_bad_file_is_an_error_in_its_place_and_the_others_go_on(
    encoder: OnnxEncoder, tmp_path: Path, batch_size: int
) -> None:
    good = images(6)
    gone, broken = tmp_path / "gone.png", tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    sources = [gone, *good[:3], broken, gone, *good[3:], broken]
    results = list(encoder.stream(sources, batch_size=batch_size))
    bad = {0: gone, 4: broken, 5: gone, 9: broken}
    assert len(results) == len(sources)
    for place, path in bad.items():
        assert isinstance(results[place], ImageError)
        assert str(path) in str(results[place])
    rows = [row for place, row in enumerate(results) if place not in bad]
    assert np.array_equal(rows, encoder.encode(good))


def test_encode_raises_the_first_error(encoder: OnnxEncoder) -> None:
    with pytest.raises(ImageError, match=r"^first\.png: no such file"):
        encoder.encode([*images(3), "first.png", "second.png"], batch_size=2)


# Progress


@pytest.mark.parametrize(("count", "batch_size"), [(1, 8), (8, 8), (17, 4), (5, 1)])
def test_progress_rises_to_the_number_of_images(encoder: OnnxEncoder, count: int, batch_size: int) -> None:
    calls: list[int] = []
    sources = [*images(count - 1), "gone.png"]
    stream = encoder.stream(sources, batch_size=batch_size, on_progress=lambda *call: calls.append(call[1]))
    assert len(list(stream)) == count
    assert calls == sorted(set(calls))
    assert calls[-1] == count
    assert len(calls) == -(-count // batch_size)


# Streaming


class Counted:
    """A long source that knows how far it was read."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pulled = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        image = images(1)[0]
        for _ in range(self.count):
            self.pulled += 1
            yield image


@pytest.mark.parametrize("batch_size", [1, 4, 8])
def test_long_source_is_read_only_a_few_batches_ahead(encoder: OnnxEncoder, batch_size: int) -> None:
    source = Counted(5000)
    stream = encoder.stream(source, batch_size=batch_size)
    assert source.pulled == 0
    for done, _ in enumerate(stream):
        assert source.pulled - done <= 4 * batch_size
        if done == 100:
            break


def test_reader_that_stops_early_is_not_kept_waiting(encoder: OnnxEncoder) -> None:
    def read_one() -> None:
        stream = encoder.stream(Counted(1_000_000))
        next(stream)
        stream.close()  # type: ignore[attr-defined]

    reader = threading.Thread(target=read_one, daemon=True)
    reader.start()
    reader.join(timeout=300)
    assert not reader.is_alive()


def test_threads_end_with_the_stream(encoder: OnnxEncoder) -> None:
    before = set(threading.enumerate())  # a stream of an earlier test may still wait for the garbage collector
    stream = encoder.stream(Counted(1_000_000))
    next(stream)
    assert {thread.name for thread in set(threading.enumerate()) - before} >= {"samekind-decode_0"}
    stream.close()  # type: ignore[attr-defined]
    assert not set(threading.enumerate()) - before


def test_failure_of_the_source_reaches_the_reader(encoder: OnnxEncoder) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield images(1)[0]
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        list(encoder.stream(failing()))


# Networks that cannot be used


@pytest.mark.parametrize(
    "network",
    [
        network_from(["n", SIZE, SIZE, 3], TensorProto.INT32),
        network_from(["n", SIZE, SIZE + 1, 3]),
        network_from(["n", "height", "width", 3]),
        network_from([1, SIZE, SIZE, 3]),
        network_to(TensorProto.DOUBLE),
        network_with_two_outputs(),
    ],
    ids=["input type", "not square", "any size", "one image only", "output type", "two outputs"],
)
def test_network_of_another_signature_is_refused(network: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"^odd\.onnx: not a network of images"):
        OnnxEncoder(network, "odd.onnx")


@pytest.mark.parametrize("network", [b"", b"no network", tiny_network().SerializeToString()[:-40]])
def test_network_that_the_runtime_cannot_load_is_refused(network: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"^odd\.onnx: ONNX Runtime cannot load this network"):
        OnnxEncoder(network, "odd.onnx")


def test_runtimes_own_format_is_refused(tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "tiny.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(tiny_network().SerializeToString(), options)
    with pytest.raises(ModelFileError, match="cannot load this network"):
        OnnxEncoder((tmp_path / "tiny.ort").read_bytes(), "tiny.ort")


# Providers


@pytest.mark.parametrize("providers", [None, ["cpu"], ["CPU"], ["CPUExecutionProvider"]])
def test_providers_by_short_and_full_name(providers: list[str] | None) -> None:
    encoder = OnnxEncoder(tiny_network().SerializeToString(), "tiny", providers=providers)
    assert encoder.encode(images(1)).shape == (1, DIMENSION)


@pytest.mark.parametrize("providers", [["quantum"], ["cpu", "quantum"], [""]])
def test_unknown_provider_lists_the_available(providers: list[str]) -> None:
    with pytest.raises(ModelFileError) as caught:
        OnnxEncoder(tiny_network().SerializeToString(), "tiny", providers=providers)
    message = str(caught.value)
    assert message.startswith(f"no execution provider {providers[-1]!r} in this build of ONNX Runtime; it has ")
    assert "cpu" in message


def test_files_and_arrays_may_be_mixed(encoder: OnnxEncoder, tmp_path: Path) -> None:
    save_noise(tmp_path / "a.png", (200, 40, 40), seed=0)
    data = (tmp_path / "a.png").read_bytes()
    rows = encoder.encode([tmp_path / "a.png", data, io.BytesIO(data)])
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])


def test_onnx_runtime_does_not_report_to_its_makers(tmp_path: Path, tiny_model: Path) -> None:
    script = "import sys, samekind; samekind.load(sys.argv[1])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", script, str(tiny_model)], env=environment, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
