from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import make_card, tiny_network
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from samekind.errors import ModelFileError
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file import file as model_file
from samekind.model_file.calibration import MeasuredOn, OperatingPoint, PairCalibration
from samekind.model_file.card import Card, Measurement
from samekind.model_file.file import (
    CARD_KEY,
    bundled_models,
    find_model,
    fingerprint,
    parse_model,
    read_model,
    write_model,
)
from samekind.model_file.onnx_envelope import OnnxEnvelope

NETWORK = tiny_network().SerializeToString()

text = st.text(max_size=60)
number = st.floats(allow_nan=False, allow_infinity=False)
point = st.builds(OperatingPoint, threshold=number, far=st.floats(0, 1), tar=st.floats(0, 1))
points = st.builds(lambda balanced, others: {"balanced": balanced} | others, point, st.dictionaries(text, point))
measured = st.builds(
    MeasuredOn,
    description=text,
    images=st.integers(0),
    classes=st.integers(0),
    positives=st.integers(0),
    negatives=st.integers(0),
)
pair_calibrations = st.builds(
    PairCalibration, scale=st.floats(1e-9, 1e9), bias=number, operating_points=points, measured_on=measured
)
words = dict.fromkeys(("data", "split", "group", "note", "task", "metric", "label"), text)
metrics = st.lists(st.builds(Measurement, **words, value=number, low=number, high=number), max_size=5).map(tuple)


def measurement(**numbers: float) -> Measurement:
    return Measurement(data="data", group="all", task="pairs", metric="metric", **numbers)


def file_with_card(card_text: str, network: bytes = NETWORK) -> bytes:
    return OnnxEnvelope(network, "tiny.onnx").with_metadata({CARD_KEY: card_text, "samekind.seen_images": ""})


def file_with_changed_card(**changes: object) -> bytes:
    """A valid model file but for the named fields of its card; None removes one."""
    card = make_card(fingerprint=fingerprint(OnnxEnvelope(NETWORK, "").network, make_card()))
    fields = json.loads(card.model_dump_json()) | changes
    return file_with_card(json.dumps({name: value for name, value in fields.items() if value is not None}))


def changed_weight() -> bytes:
    model = tiny_network()
    weight = bytearray(model.graph.initializer[2].raw_data)
    weight[5] ^= 1
    model.graph.initializer[2].raw_data = bytes(weight)
    return model.SerializeToString()


# There and back


def test_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    written = write_model(path, NETWORK, make_card())
    model = read_model(path)
    assert model.card == written
    assert model.card == make_card(fingerprint=written.fingerprint)
    assert model.data == path.read_bytes()
    assert onnx.load_model_from_string(model.data).graph == tiny_network().graph


def test_onnx_finds_the_written_model_valid(tiny_model: Path) -> None:
    onnx.checker.check_model(onnx.load(tiny_model))


@given(text, text, pair_calibrations, metrics)
def test_card_comes_back_whatever_it_says(
    tmp_path: Path, name: str, licence: str, pair: PairCalibration, measurements: tuple[Measurement, ...]
) -> None:
    card = make_card(name=name, licence=licence, pair=pair, metrics=measurements, trio=None)
    written = write_model(tmp_path / "any.onnx", NETWORK, card)
    assert read_model(tmp_path / "any.onnx").card == written


def test_numbers_beyond_json_come_back(tmp_path: Path) -> None:
    unknown = (measurement(value=0.5, low=math.nan, high=math.nan),)
    write_model(tmp_path / "a.onnx", NETWORK, make_card(metrics=unknown))
    assert math.isnan(read_model(tmp_path / "a.onnx").card.metrics[0].low)


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ({"operating_points": {}}, "named balanced"),
        ({"operating_points": {"balanced": {"threshold": "Infinity", "far": 0, "tar": 0}}}, "finite"),
        ({"bias": "NaN"}, "finite"),
    ],
)
def test_a_card_that_cannot_judge_is_refused(tmp_path: Path, link: dict[str, object], problem: str) -> None:
    fields = json.loads(make_card().model_dump_json())
    path = tmp_path / "odd.onnx"
    path.write_bytes(file_with_changed_card(pair=fields["pair"] | link))
    with pytest.raises(ModelFileError, match=rf"its card is broken .*{problem}"):
        read_model(path)


def test_seen_images_come_back(tmp_path: Path) -> None:
    seen = [f"{number:064x}" for number in (3 << 200, 5 << 200)]
    write_model(tmp_path / "a.onnx", NETWORK, make_card(), seen)
    model = read_model(tmp_path / "a.onnx")
    assert [digest in model.seen_images for digest in (*seen, "f" * 64)] == [True, True, False]


def test_other_versions_of_the_operators_are_another_network() -> None:
    newer = tiny_network()
    newer.opset_import[0].version += 1
    data = file_with_changed_card()
    assert parse_model(data, "as written").card
    envelope = OnnxEnvelope(newer.SerializeToString(), "")
    with pytest.raises(ModelFileError, match="corrupt"):
        parse_model(envelope.with_metadata(OnnxEnvelope(data, "").metadata), "newer")


def test_card_in_the_file_is_standard_json(tmp_path: Path) -> None:
    unknown = (measurement(value=0.5, low=math.nan, high=math.inf),)
    write_model(tmp_path / "a.onnx", NETWORK, make_card(metrics=unknown))
    card = OnnxEnvelope((tmp_path / "a.onnx").read_bytes(), "a").metadata[CARD_KEY]
    json.loads(card, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_later_fields_of_a_card_are_passed_over() -> None:
    data = file_with_changed_card(colour="blue")
    assert parse_model(data, "a").card.name == "tiny"


def test_written_model_can_be_written_again(tiny_model: Path, tmp_path: Path) -> None:
    model = read_model(tiny_model)
    card = write_model(tmp_path / "again.onnx", model.data, model.card)
    assert card == model.card
    assert (tmp_path / "again.onnx").read_bytes() == tiny_model.read_bytes()


# Fingerprint


def test_fingerprint_stays_with_a_new_calibration(tmp_path: Path) -> None:
    link = make_card().pair.model_copy(update={"bias": 3.0})
    first = write_model(tmp_path / "a.onnx", NETWORK, make_card())
    second = write_model(tmp_path / "b.onnx", NETWORK, make_card(name="other", pair=link, trio=None))
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    ("network", "card"),
    [
        (changed_weight(), make_card()),
        (tiny_network(7).SerializeToString(), make_card()),
        (NETWORK, make_card(input_size=32)),
        (NETWORK, make_card(resize="crop")),
    ],
    ids=["weight", "layer", "input size", "resize rule"],
)
def test_fingerprint_changes_with_what_decides_embeddings(tmp_path: Path, network: bytes, card: Card) -> None:
    first = write_model(tmp_path / "a.onnx", NETWORK, make_card())
    second = write_model(tmp_path / "b.onnx", network, card)
    assert first.fingerprint != second.fingerprint


def network_calling_a_function(weight: np.ndarray) -> bytes:
    model = tiny_network()
    del model.graph.initializer[2]
    constant = helper.make_node("Constant", [], ["weight"], value=numpy_helper.from_array(weight))
    opset = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("local", "Weight", [], ["weight"], [constant], opset))
    model.graph.node.insert(0, helper.make_node("Weight", [], ["weight"], domain="local"))
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model.SerializeToString()


def test_fingerprint_changes_with_weights_in_a_function(tmp_path: Path) -> None:
    ones = np.ones((3, 6), np.float32)
    first = write_model(tmp_path / "a.onnx", network_calling_a_function(ones), make_card())
    second = write_model(tmp_path / "b.onnx", network_calling_a_function(2 * ones), make_card())
    assert first.fingerprint != second.fingerprint


# Files that cannot be used


def test_one_changed_weight_byte_is_noticed(tmp_path: Path) -> None:
    card = write_model(tmp_path / "a.onnx", NETWORK, make_card())
    data = file_with_card(card.model_dump_json(), changed_weight())
    with pytest.raises(ModelFileError, match=r"^a\.onnx: corrupt"):
        parse_model(data, "a.onnx")


@given(st.data())
def test_truncated_model_is_a_model_file_error(tiny_model: Path, data: st.DataObject) -> None:
    whole = tiny_model.read_bytes()
    with pytest.raises(ModelFileError, match=r"^cut\.onnx: "):
        parse_model(whole[: data.draw(st.integers(0, len(whole) - 1))], "cut.onnx")


@given(st.binary(max_size=300))
def test_random_bytes_are_a_model_file_error(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"^junk\.onnx: "):
        parse_model(data, "junk.onnx")


@given(st.data())
def test_corrupted_model_is_refused_or_has_the_same_network(tiny_model: Path, data: st.DataObject) -> None:
    whole = tiny_model.read_bytes()
    broken = bytearray(whole)
    place = st.integers(0, len(broken) - 1)
    for position, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=5)):
        broken[position] = value
    try:
        model = parse_model(bytes(broken), "broken.onnx")
        OnnxEncoder(model.data, "broken.onnx")
    except ModelFileError as error:
        assert str(error).startswith("broken.onnx: ")  # noqa: PT017
    else:
        assert OnnxEnvelope(model.data, "").network == OnnxEnvelope(whole, "").network


def test_onnx_model_without_card_is_foreign(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(NETWORK)
    with pytest.raises(ModelFileError) as caught:
        read_model(path)
    assert str(caught.value).startswith(
        f"{path}: an ONNX model, but not one of samekind (it has no card); `samekind wrap`"
    )


@pytest.mark.parametrize("version", [3, 99, 0, "1.5"])
def test_other_format_versions_name_the_cure(version: object) -> None:
    with pytest.raises(ModelFileError, match=rf"^new\.onnx: format version {version} is not 1 or 2; .*pip install -U"):
        parse_model(file_with_changed_card(format_version=version, pair="of a new kind"), "new.onnx")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": None}, "name"),
        ({"format_version": None}, "format_version"),
        ({"input_size": "big"}, "input_size"),
        ({"input_size": 0}, "input_size"),
        ({"dimension": -1}, "dimension"),
        ({"resize": "stretch"}, "resize"),
        ({"pair": {}}, r"pair\.scale"),
        ({"trio": []}, "trio"),
        ({"training": 5}, "training"),
    ],
)
def test_broken_card_names_the_field(changes: dict[str, object], where: str) -> None:
    with pytest.raises(ModelFileError, match=rf"^bad\.onnx: its card is broken \({where}: "):
        parse_model(file_with_changed_card(**changes), "bad.onnx")


@pytest.mark.parametrize("card", ["", "{", "[]", "null", '"card"', "{}", "[" * 10_000])
def test_card_that_is_no_card_is_refused(card: str) -> None:
    with pytest.raises(ModelFileError, match=r"^bad\.onnx: its card is broken"):
        parse_model(file_with_card(card), "bad.onnx")


@pytest.mark.parametrize("changes", [{"scale": 0.0}, {"scale": -1.0}])
def test_link_that_would_turn_answers_around_is_refused(changes: dict[str, float]) -> None:
    pair = json.loads(make_card().pair.model_dump_json()) | changes
    with pytest.raises(ModelFileError, match=r"pair\.scale"):
        parse_model(file_with_changed_card(pair=pair), "bad.onnx")


def test_trio_weights_below_zero_are_refused() -> None:
    trio = make_card().trio
    assert trio is not None
    changed = json.loads(trio.model_dump_json()) | {"weights": [1.0, -0.1, 0.0]}
    with pytest.raises(ModelFileError, match=r"trio\.weights\.1"):
        parse_model(file_with_changed_card(trio=changed), "bad.onnx")


# Finding models


def test_models_of_the_package_are_found_by_name(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    for name in ("general", "birds"):
        (tmp_path / "models" / f"{name}.onnx").write_bytes(tiny_model.read_bytes())
    monkeypatch.setattr(model_file.resources, "files", lambda package: tmp_path)
    assert list(bundled_models()) == ["birds", "general"]
    assert find_model("birds") == tmp_path / "models" / "birds.onnx"
    assert find_model(None) == tmp_path / "models" / "general.onnx"
    with pytest.raises(ModelFileError) as caught:
        find_model("cats")
    assert str(caught.value) == ("cats: no such model file, nor a model that comes with samekind (birds, general)")


def test_a_path_finds_the_file_there(tiny_model: Path, in_folder: Path) -> None:
    (in_folder / "here.onnx").write_bytes(tiny_model.read_bytes())
    assert find_model("here.onnx") == Path("here.onnx")
    assert find_model(tiny_model) == tiny_model
    assert find_model(str(tiny_model)) == tiny_model


@pytest.mark.parametrize("name", ["gone.onnx", ".", "a\0b", "x" * 5000, "gone/" * 3])
def test_missing_file_is_a_model_file_error(in_folder: Path, name: str) -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        read_model(name)


def test_file_that_cannot_be_read_is_a_model_file_error(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ModelFileError, match=r"tiny\.onnx: cannot be read \(Permission denied\)"):
        read_model(tiny_model)


# Writing


@pytest.mark.parametrize("network", [b"", b"not a model"])
def test_what_is_no_network_is_not_written(tmp_path: Path, network: bytes) -> None:
    with pytest.raises(ModelFileError):
        write_model(tmp_path / "a.onnx", network, make_card())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_failed_write_keeps_the_old_model_and_leaves_nothing_else(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(tiny_model.read_bytes())
    write_bytes = Path.write_bytes

    def disk_full(target: Path, data: bytes) -> None:
        write_bytes(target, data[: len(data) // 2])
        raise failure

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(failure):
        write_model(path, tiny_network(7).SerializeToString(), make_card())
    assert path.read_bytes() == tiny_model.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


# Names


@pytest.mark.parametrize(("name", "meant"), [("generl", "general"), ("General", "general"), ("imagnet", "imagenette")])
def test_a_name_that_is_nearly_right(name: str, meant: str) -> None:
    with pytest.raises(ModelFileError, match=rf"^{name}: no such model file, .*Did you mean {meant}\?$"):
        read_model(name)


def test_a_name_that_is_like_none() -> None:
    with pytest.raises(ModelFileError) as caught:
        read_model("zebra.onnx")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("address", ["https://host/m.onnx", "s3://bucket/m.onnx", "HTTP://h"])
def test_addresses_are_not_fetched(address: str) -> None:
    with pytest.raises(ModelFileError, match=r"addresses are not fetched; download the model and give the path"):
        read_model(address)


def test_a_drive_is_no_address() -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        read_model("C:/models/m.onnx")


def test_a_path_may_begin_at_home(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "mine.onnx").write_bytes(tiny_model.read_bytes())
    assert read_model("~/mine.onnx").card.name == "tiny"
