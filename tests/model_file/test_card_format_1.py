"""Cards of format 1 are read as those of format 2, and judge as before."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import make_card, tiny_network

from samekind.errors import ModelFileError
from samekind.model_file.card import Card
from samekind.model_file.card_format_1 import upgraded
from samekind.model_file.file import CARD_KEY, bundled_models, parse_model, read_model, write_model
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.recognizer import Recognizer

SEEN = "samekind.seen_images"
VALUE = {"value": 0.5, "low": "NaN", "high": 0.75}


def format_1(card: Card, metrics: dict[str, dict[str, object]]) -> str:
    """The card as a file of format 1 has it: no domains, and metrics by name."""
    fields = json.loads(card.model_dump_json()) | {"format_version": 1, "metrics": metrics}
    for task in (fields["pair"], fields["trio"]):
        if task:
            del task["measured_on"]["domain"]
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        ("photos/val (5 of 10 classes seen in training)", "pairs: AUC", ("photos", "val", "all", "pairs", "auc")),
        ("photos/test (10 of 10 classes seen in training)", "trios: EER", ("photos", "test", "seen", "trios", "eer")),
        ("photos (classes seen in training)", "pairs: FAR at strict", ("photos", "", "seen", "pairs", "far@strict")),
        (
            "data/shop (unseen classes that the thresholds were fitted on)",
            "pairs: TAR at FAR 0.1%",
            ("data/shop", "", "unseen", "pairs", "tar@far=0.001"),
        ),
        ("shop (unseen classes)", "pairs: TAR at FAR 10.0%", ("shop", "", "unseen", "pairs", "tar@far=0.1")),
        ("shop (unseen classes)", "pairs: TAR at my point", ("shop", "", "unseen", "pairs", "tar@my point")),
        (
            "shop (unseen classes)",
            "pairs: log loss before the link",
            ("shop", "", "unseen", "pairs", "uncalibrated.log_loss"),
        ),
        (
            "shop (unseen classes)",
            "trios: naive rule: false alarms on ABC",
            ("shop", "", "unseen", "trios", "naive.false_alarms@kind=ABC"),
        ),
        ("shop", "trios: accuracy on AAB", ("shop", "", "all", "trios", "accuracy@kind=AAB")),
        ("shop", "retrieval: recall@5", ("shop", "", "all", "retrieval", "recall@5")),
        ("shop", "R-precision", ("shop", "", "all", "retrieval", "r_precision")),
        ("shop", "MAP@R", ("shop", "", "all", "retrieval", "map@r")),
        ("shop", "something new", ("shop", "", "all", "pairs", "something new")),
    ],
)
def test_a_name_of_format_1_becomes_a_record(data: str, name: str, expected: tuple[str, ...]) -> None:
    (found,) = Card.model_validate_json(upgraded(format_1(make_card(), {data: {name: VALUE}}))).metrics
    assert (found.data, found.split, found.group, found.task, found.metric) == expected
    assert (found.value, found.high, math.isnan(found.low)) == (0.5, 0.75, True)
    assert found.note in data
    assert found.label in name.replace("before the link", "before calibration")


def test_all_but_the_metrics_stays() -> None:
    card = make_card()
    assert Card.model_validate_json(upgraded(format_1(card, {}))) == card


def test_a_file_of_format_1_judges_as_the_same_one_of_format_2(tmp_path: Path) -> None:
    card = write_model(tmp_path / "new.onnx", tiny_network().SerializeToString(), make_card(), ["ab" * 32])
    new = read_model(tmp_path / "new.onnx")
    envelope = OnnxEnvelope(new.data, "new.onnx")
    old = parse_model(
        envelope.with_metadata({CARD_KEY: format_1(card, {}), SEEN: new.seen_images.to_text()}), "old.onnx"
    )
    assert (old.card.format_version, old.card.fingerprint) == (2, card.fingerprint)
    assert "ab" * 32 in old.seen_images
    pixels = list(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))
    one, two = Recognizer(old), Recognizer(new)
    assert one.verify(*pixels[:2]) == two.verify(*pixels[:2])
    assert one.verify_trio(*pixels) == two.verify_trio(*pixels)


def test_a_model_that_once_had_format_1_goes_back_and_forth() -> None:
    name = "imagenette"
    model = read_model(name)
    stored = json.loads(OnnxEnvelope(bundled_models()[name].read_bytes(), name).metadata[CARD_KEY])
    assert stored["format_version"] == 2
    metrics: dict[str, dict[str, object]] = {}
    for found in model.card.metrics:
        data = f"{found.data}/{found.split}" if found.split else found.data
        label = found.label.replace(" before calibration", " before the link")
        numbers = {"value": found.value, "low": found.low, "high": found.high}
        metrics.setdefault(f"{data} ({found.note})", {})[f"{found.task}: {label}"] = numbers
    assert Card.model_validate_json(upgraded(format_1(model.card, metrics))).metrics == model.card.metrics


@pytest.mark.parametrize("metrics", [5, {"data": 5}, {"data": {"pairs: AUC": {"value": 1}}}])
def test_broken_metrics_of_format_1_name_the_field(metrics: object, tiny_model: Path) -> None:
    envelope = OnnxEnvelope(tiny_model.read_bytes(), "tiny.onnx")
    text = json.dumps(json.loads(format_1(make_card(), {})) | {"metrics": metrics})
    with pytest.raises(ModelFileError, match=r"^bad\.onnx: its card is broken \(metrics"):
        parse_model(envelope.with_metadata({CARD_KEY: text, SEEN: ""}), "bad.onnx")
