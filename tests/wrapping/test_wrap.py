"""A wrapped encoder gives what its source gives on the same pixels, computed here by other means: onnx and numpy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import save_noise
from onnx import TensorProto, helper
from wrapping.conftest import CHANNELS, MEAN, SIDE, STD, encoder

import samekind
from samekind.adaptation.graph import can_fold
from samekind.errors import ModelFileError, NotCalibratedError, WrapError
from samekind.wrapping.wrap import wrap

Save = Callable[..., Path]
PIXELS = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)


def by_hand(source: Path, output: str, pixels: np.ndarray = PIXELS, layout: str = "nchw") -> np.ndarray:
    """What the source gives of one picture after the other, normalised as its makers say."""
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    values = ((pixels.astype(np.float64) / 255 - MEAN) / STD).astype(np.float32)
    if layout == "nchw":
        values = np.moveaxis(values, 3, 1)
    return np.concatenate([session.run([output], {"pixels": one[None]})[0] for one in values]).astype(np.float64)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
@pytest.mark.parametrize("batch", ["n", 1])
def test_it_gives_what_its_source_gives(saved: Save, tmp_path: Path, opset: int, batch: int | str) -> None:
    source = saved(opset=opset, batch=batch)
    found = wrap(source, tmp_path / "mine.onnx", mean=MEAN, std=STD)
    onnx.checker.check_model(onnx.load(tmp_path / "mine.onnx"), full_check=True)
    model = samekind.load(tmp_path / "mine.onnx")
    assert model.embed(PIXELS) == pytest.approx(unit(by_hand(source, "embedding")), abs=2e-3)
    assert (found.weights, found.one_by_one) == ("float16", False)
    assert found.parity.cosine > 0.9999
    exact = wrap(source, mean=MEAN, std=STD, half=False)
    assert exact.weights == "float32"
    assert exact.recognizer().embed(PIXELS) == pytest.approx(unit(by_hand(source, "embedding")), abs=1e-5)


def test_an_encoder_of_one_image_runs_image_after_image(saved: Save, tmp_path: Path) -> None:
    source = saved("fixed", batch=1)
    found = wrap(source, tmp_path / "mine.onnx", mean=MEAN, std=STD)
    assert found.one_by_one
    onnx.checker.check_model(onnx.load(tmp_path / "mine.onnx"), full_check=True)
    rows = samekind.load(tmp_path / "mine.onnx").embed(PIXELS)
    assert rows == pytest.approx(unit(by_hand(source, "embedding")), abs=1e-3)
    assert can_fold(found.model.data, "mine")


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("cls", lambda tokens: tokens[:, 0]),
        ("mean", lambda tokens: tokens.mean(axis=1)),
        ("patches", lambda tokens: tokens[:, 1:].mean(axis=1)),
        ("cls+patches", lambda t: np.concatenate([unit(t[:, 0]), unit(t[:, 1:].mean(axis=1))], axis=1)),
    ],
)
def test_tokens_are_pooled_as_asked(saved: Save, pool: str, expected: Callable[[np.ndarray], np.ndarray]) -> None:
    source = saved("tokens")
    found = wrap(source, mean=MEAN, std=STD, pool=pool)  # type: ignore[arg-type]
    rows = found.recognizer().embed(PIXELS)
    assert rows == pytest.approx(unit(expected(by_hand(source, "embedding"))), abs=1e-3)


def test_a_feature_map_is_averaged(saved: Save) -> None:
    source = saved("map", opset=18)
    rows = wrap(source, mean=MEAN, std=STD).recognizer().embed(PIXELS)
    assert rows == pytest.approx(unit(by_hand(source, "map").mean(axis=(2, 3))), abs=1e-3)


@pytest.mark.parametrize(("tail", "output", "places"), [("map_last", "embedding", (1, 2)), ("pooled", "mean", (2, 3))])
def test_the_places_of_a_feature_map_are_the_sides_that_are_alike(
    saved: Save, tail: str, output: str, places: tuple[int, int]
) -> None:
    source = saved(tail)
    rows = wrap(source, mean=MEAN, std=STD, output_name=output).recognizer().embed(PIXELS)
    expected = by_hand(saved("map", name="map.onnx"), "map").mean(axis=(2, 3))
    assert rows == pytest.approx(unit(expected), abs=1e-3)


def test_three_channels_at_the_end_are_so_whatever_the_sides(saved: Save) -> None:
    source = saved(layout="nhwc", side="side")
    with pytest.raises(WrapError, match=r"--size 224$"):
        wrap(source, mean=MEAN, std=STD)
    rows = wrap(source, mean=MEAN, std=STD, size=SIDE).recognizer().embed(PIXELS)
    assert rows == pytest.approx(unit(by_hand(source, "embedding", layout="nhwc")), abs=2e-3)


def test_layout_bytes_and_half_precision_are_met(saved: Save) -> None:
    nhwc = saved(layout="nhwc")
    rows = wrap(nhwc, mean=MEAN, std=STD).recognizer().embed(PIXELS)
    assert rows == pytest.approx(unit(by_hand(nhwc, "embedding", layout="nhwc")), abs=2e-3)
    halves = wrap(saved(element=TensorProto.FLOAT16), mean=MEAN, std=STD).recognizer().embed(PIXELS)
    assert (halves * rows).sum(axis=1) == pytest.approx(1, abs=1e-4)
    one, three = (wrap(saved(), mean=mean, std=mean).recognizer().embed(PIXELS) for mean in (0.5, (0.5, 0.5, 0.5)))
    assert (one == three).all()
    of_bytes = wrap(saved(element=TensorProto.UINT8, layout="nhwc")).recognizer().embed(PIXELS)
    raw = wrap(saved(), mean="0", std="1").recognizer().embed(PIXELS)
    assert of_bytes == pytest.approx(raw, abs=1e-3)


def test_of_several_outputs_one_is_named_and_so_may_be_an_inner_value(saved: Save) -> None:
    source = saved("two")
    with pytest.raises(WrapError, match="several outputs; name one: --output-name logits or features"):
        wrap(source, mean=MEAN, std=STD)
    rows = wrap(source, mean=MEAN, std=STD, output_name="features").recognizer().embed(PIXELS)
    assert rows.shape == (4, CHANNELS)
    inner = wrap(source, mean=MEAN, std=STD, output_name="map").recognizer().embed(PIXELS)
    assert inner == pytest.approx(rows, abs=1e-4)
    with pytest.raises(WrapError, match="has no value 'nothing'; its outputs are logits, features"):
        wrap(source, mean=MEAN, std=STD, output_name="nothing")


def test_pictures_are_cropped_as_asked_wherever_they_are_decoded(saved: Save, tmp_path: Path) -> None:
    source = saved()
    wrap(source, tmp_path / "mine.onnx", mean=MEAN, std=STD, resize="crop", shown=0.5)
    model = samekind.load(tmp_path / "mine.onnx")
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[16:48, 48:80] = PIXELS[0]  # what the middle half of the middle square shows
    assert model.embed(wide) == pytest.approx(model.encoder.encode_pixels(PIXELS[:1]), abs=1e-6)
    squashed = wrap(source, mean=MEAN, std=STD).recognizer()
    assert model.card.fingerprint != squashed.card.fingerprint
    assert abs(model.embed(wide) - squashed.embed(wide)).max() > 0.01


def test_the_card_says_what_is_known(saved: Save, tmp_path: Path) -> None:
    card = wrap(
        saved(), tmp_path / "mine.onnx", mean=MEAN, std=STD, licence="MIT", training_data="a million shoes"
    ).card
    assert (card.name, card.backbone, card.licence) == ("mine", "encoder", "MIT")
    assert (card.pair, card.trio, card.domains, card.training.classes) == (None, None, None, ())
    assert card.training.pretraining == "a million shoes"
    assert len(card.training.revision) == 64
    assert samekind.load(tmp_path / "mine.onnx").card == card


def test_it_gives_no_verdicts_until_it_is_calibrated(saved: Save, tmp_path: Path, colour_folders: Path) -> None:
    found = wrap(saved(), tmp_path / "mine.onnx", mean=MEAN, std=STD)
    model = found.recognizer()
    for ask in (
        lambda: model.verify(PIXELS[0], PIXELS[1]),
        lambda: model.verify_trio(*PIXELS[:3]),
        lambda: model.verify_pairs([(PIXELS[0], PIXELS[1])]),
        lambda: model.explain(PIXELS[0], PIXELS[1]),
        lambda: model.judge_pairs(model.embed(PIXELS[:1]), model.embed(PIXELS[1:2])),
        lambda: samekind.evaluate(tmp_path / "mine.onnx", colour_folders),
    ):
        with pytest.raises(NotCalibratedError, match="samekind calibrate MODEL CLASS-FOLDERS"):
            ask()
    with pytest.raises(samekind.AdaptationError, match="three or more labelled folders"):
        model.adapt(list(PIXELS))
    calibrated = samekind.calibrate(found.model, colour_folders).recognizer()
    assert calibrated.verify(PIXELS[0], PIXELS[0]).same


# What is refused, by the options and the encoder.
REFUSED = {
    "no normalisation": ({}, {}, "say how its pixels are normalised"),
    "pixels of 255": ({"mean": (123.0, 116, 103), "std": STD}, {}, "divide by 255"),
    "no size and no layout": (
        {"mean": MEAN, "std": STD},
        {"side": "side", "channels": "c"},
        "--size 224 and --layout nchw or nhwc",
    ),
    "another layout than is meant": (
        {"mean": MEAN, "std": STD, "size": 32},
        {"side": "side", "channels": "c", "layout": "nhwc"},
        "another may be meant: --size, --layout",
    ),
    "no size": ({"mean": MEAN, "std": STD}, {"side": "side"}, "say at which it was trained: --size"),
    "a small size": (
        {"mean": MEAN, "std": STD},
        {"side": 8},
        r"encoder\.onnx: takes pictures of 8 × 8 pixels; export it for 16 to 4096",
    ),
    "a name of timm's": ({"source": "vit_small.lvd142m"}, {}, r"no such file; .* timm:vit_small\.lvd142m"),
    "another size": ({"mean": MEAN, "std": STD, "size": 64}, {}, "takes pictures of 32 × 32 pixels, not of 64"),
    "another layout": ({"mean": MEAN, "std": STD, "layout": "nhwc"}, {}, "not RGB in layout nhwc"),
    "old operators": ({"mean": MEAN, "std": STD}, {"opset": 12}, r"encoder\.onnx: .*export it with opset 13 or later"),
    "a pooling of rows": ({"mean": MEAN, "std": STD, "pool": "cls"}, {}, r"encoder\.onnx: .*leave --pool out"),
    "tokens": ({"mean": MEAN, "std": STD}, {"tail": "tokens"}, "65 tokens, of which 1 seem to come before"),
    "a cube": (
        {"mean": MEAN, "std": STD},
        {"tail": "map_cube"},
        r"encoder.onnx: its output .*\(N, 8, 8, 8\)",
    ),
    "no name of a value": ({"mean": MEAN, "std": STD, "output_name": 3}, {}, "has no value 3; its outputs are"),
    "half a token": (
        {"mean": MEAN, "std": STD, "pool": "patches", "prefix_tokens": 1.5},
        {"tail": "tokens"},
        "1.5 of 65 tokens cannot come before",
    ),
    "weights": ({"mean": MEAN, "std": STD, "init": "a.safetensors"}, {}, "--init is for timm"),
    "a share": ({"mean": MEAN, "std": STD, "shown": 7.0}, {}, "from 0.1 to 1"),
    "a share in words": ({"mean": MEAN, "std": STD, "shown": "all"}, {}, "from 0.1 to 1; got 'all'"),
    "no side": ({"mean": MEAN, "std": STD, "size": -5}, {"side": "side"}, "from 16 to 4096; got -5"),
    "half a pixel": ({"mean": MEAN, "std": STD, "size": 32.5}, {"side": "side"}, "from 16 to 4096; got 32.5"),
    "no layout": ({"mean": MEAN, "std": STD, "layout": "chw"}, {}, "there is no layout 'chw'; there are nchw, nhwc"),
    "a weight": ({"mean": MEAN, "std": STD, "output_name": "weight"}, {}, "weight has no row for each picture"),
    "an address": ({"source": "https://hub/encoder.onnx"}, {}, "^https://hub/encoder.onnx: addresses are not fetched"),
    "three of std": ({"mean": MEAN, "std": (1, 0, 1)}, {}, "not 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(saved: Save, tmp_path: Path, case: str) -> None:
    options, form, message = REFUSED[case]
    options = {"source": saved(**form), **options}
    with pytest.raises(WrapError, match=message):
        wrap(output=tmp_path / "mine.onnx", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "mine.onnx").exists()


def test_what_is_read_is_not_written_over(saved: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved()
    before = source.read_bytes()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrapError, match=r"encoder\.onnx: is one of the inputs; name another file"):
        wrap(source, "encoder.onnx", mean=MEAN, std=STD)
    (tmp_path / "w.safetensors").write_bytes(b"weights")
    with pytest.raises(WrapError, match="is one of the inputs"):
        wrap("timm:resnet18", tmp_path / "w.safetensors", init="w.safetensors")
    assert (source.read_bytes(), (tmp_path / "w.safetensors").read_bytes()) == (before, b"weights")


def test_an_output_that_is_one_number_is_refused(tmp_path: Path) -> None:
    model = encoder()
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(helper.make_node("ReduceMean", ["raw"], ["embedding"], keepdims=0))
    onnx.save(model, tmp_path / "number.onnx")
    with pytest.raises(WrapError, match="embedding has no row for each picture"):
        wrap(tmp_path / "number.onnx", mean=MEAN, std=STD)


def test_weights_stay_in_32_bits_where_the_file_could_not_be_loaded_with_16(tmp_path: Path) -> None:
    """Here a weight has the name that the halved one would get."""
    model = encoder()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(256, np.float32), "wide.float16"))
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(helper.make_node("Add", ["raw", "wide.float16"], ["embedding"]))
    onnx.save(model, tmp_path / "clash.onnx")
    assert wrap(tmp_path / "clash.onnx", mean=MEAN, std=STD).weights == "float32"


def test_an_encoder_that_tells_nothing_apart_is_refused(tmp_path: Path) -> None:
    model = encoder()
    (weight,) = [tensor for tensor in model.graph.initializer if tensor.name == "weight"]
    weight.raw_data = bytes(len(weight.raw_data))
    model.graph.node.insert(-1, helper.make_node("Add", ["flat", "flat"], ["more"]))
    bias = onnx.numpy_helper.from_array(np.ones(CHANNELS, np.float32), "bias")
    model.graph.initializer.append(bias)
    model.graph.node[-2].input[1] = "bias"
    model.graph.node[-1].input[0] = "more"
    onnx.save(model, tmp_path / "constant.onnx")
    with pytest.raises(WrapError, match="gives all pictures one embedding"):
        wrap(tmp_path / "constant.onnx", mean=MEAN, std=STD)


def test_an_encoder_that_gives_zeros_is_refused(tmp_path: Path) -> None:
    model = encoder()
    (wide,) = [tensor for tensor in model.graph.initializer if tensor.name == "wide"]
    wide.raw_data = bytes(len(wide.raw_data))
    onnx.save(model, tmp_path / "zeros.onnx")
    with pytest.raises(WrapError, match="gives nothing but zeros"):
        wrap(tmp_path / "zeros.onnx", mean=MEAN, std=STD)


def test_models_of_samekind_and_files_that_are_no_encoders_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(WrapError, match="is a model of samekind already"):
        wrap(tiny_model, mean=MEAN, std=STD)
    save_noise(tmp_path / "photo.png", (1, 2, 3), 0)
    with pytest.raises(ModelFileError, match="not an ONNX model"):
        wrap(tmp_path / "photo.png", mean=MEAN, std=STD)
    with pytest.raises(WrapError, match=r"gone\.onnx: cannot be read"):
        wrap(tmp_path / "gone.onnx", mean=MEAN, std=STD)
    with pytest.raises(IsADirectoryError):
        wrap(tmp_path / "gone.onnx", tmp_path, mean=MEAN, std=STD)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("node", "pixels"),  # the name of its own input
        *itertools.product(
            ("node", "value", "weight", "unused weight", "branch"),
            ("images", "embeddings", "samekind.input0", "samekind.axes1"),
        ),
    ],
)
def test_names_of_the_encoder_do_not_clash_with_ours(tmp_path: Path, where: str, name: str) -> None:
    model = encoder()
    nodes, weights = model.graph.node, model.graph.initializer
    if where == "node":
        nodes[-1].name = name
    elif where == "value":
        nodes[-2].output[0] = nodes[-1].input[0] = name
    elif where == "weight":
        nodes[-1].input[1] = name
        next(weight for weight in weights if weight.name == "wide").name = name
    elif where == "unused weight":
        weights.append(onnx.numpy_helper.from_array(np.zeros(3, np.float32), name))
    else:
        nodes[-1].output[0] = "raw"
        made = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        branch = helper.make_graph([helper.make_node("Identity", ["raw"], [name])], "branch", [], [made])
        other = helper.make_tensor_value_info("other", TensorProto.FLOAT, None)
        negative = helper.make_graph([helper.make_node("Neg", ["raw"], ["other"])], "other branch", [], [other])
        weights.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
        nodes.append(helper.make_node("If", ["yes"], ["embedding"], then_branch=branch, else_branch=negative))
    onnx.save(model, tmp_path / "named.onnx")
    found = wrap(tmp_path / "named.onnx", mean=MEAN, std=STD)
    assert not found.one_by_one
    onnx.checker.check_model(onnx.load_from_string(found.model.data))
    expected = unit(by_hand(tmp_path / "named.onnx", "embedding"))
    assert found.recognizer().embed(PIXELS) == pytest.approx(expected, abs=2e-3)


def test_a_batch_norm_in_training_mode_is_refused(tmp_path: Path) -> None:
    model = encoder("map")
    model.graph.node[-1].output[0] = "raw"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(CHANNELS, np.float32), "one"))
    model.graph.node.append(
        helper.make_node("BatchNormalization", ["raw", *["one"] * 4], ["map", "means", "variances"], training_mode=1)
    )
    onnx.save(model, tmp_path / "training.onnx")
    with pytest.raises(
        WrapError, match=r"training\.onnx: .*another embedding in company; export it in evaluation mode"
    ):
        wrap(tmp_path / "training.onnx", mean=MEAN, std=STD)


def test_a_graph_that_depends_on_the_batch_is_found_out(tmp_path: Path) -> None:
    """As one does that normalises over the batch: on several pictures at once it gives something else."""
    model = encoder()
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.extend([
        helper.make_node("ReduceMean", ["raw"], ["of_all"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["raw", "of_all"], ["embedding"]),
    ])  # fmt: skip
    source = tmp_path / "batch.onnx"
    onnx.save(model, source)
    found = wrap(source, tmp_path / "mine.onnx", mean=MEAN, std=STD)
    assert found.one_by_one
    rows = samekind.load(tmp_path / "mine.onnx").embed(PIXELS)
    assert rows == pytest.approx(unit(by_hand(source, "embedding")), abs=2e-3)


def test_an_encoder_of_several_images_at_once_is_refused(saved: Save) -> None:
    with pytest.raises(WrapError, match="takes 4 pictures at once, no more and no fewer"):
        wrap(saved(batch=4), mean=MEAN, std=STD)
