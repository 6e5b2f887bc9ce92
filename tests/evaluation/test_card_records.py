from __future__ import annotations

from pathlib import Path

import pytest
from conftest import make_card, tiny_network

from samekind.datasets.folders import read_class_folders
from samekind.evaluation.card_records import measurements
from samekind.evaluation.measure import measure
from samekind.model_file.card import Card
from samekind.model_file.file import write_model
from samekind.recognizer import load


@pytest.mark.parametrize(
    ("known", "calibrated_on", "expected"),
    [
        (("red", "blue"), (), {
            ("all", "2 of 4 classes seen in training"), ("seen", "classes seen in training"),
            ("unseen", "unseen classes"),
        }),
        (("red", "blue"), ("green",), {
            ("all", "2 of 4 classes seen in training"), ("seen", "classes seen in training"),
            ("unseen", "unseen classes that the thresholds were fitted on"),
        }),
        (("red", "blue", "green", "white"), (), {("seen", "4 of 4 classes seen in training")}),
    ],
)  # fmt: skip
def test_records_say_whose_classes_they_are_of(
    known: tuple[str, ...], calibrated_on: tuple[str, ...], expected: set[tuple[str, str]], colour_folders: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    training = make_card().training.model_copy(update={"classes": known})
    write_model(tmp_path / "m.onnx", tiny_network().SerializeToString(), make_card(training=training))
    result = measure(load(tmp_path / "m.onnx"), read_class_folders(colour_folders), trio_count=200, resamples=10)
    found = measurements("photos", result, calibrated_on, split="val")
    assert {(record.group, record.note) for record in found} == expected
    assert {(record.data, record.split) for record in found} == {("photos", "val")}
    group = result.whole
    of_whole = {(r.task, r.metric): r for r in found if r.group == group.name}
    assert {task for task, _ in of_whole} == {"pairs", "retrieval"} | ({"trios"} if group.trios else set())
    for task, metrics in group.measured.items():
        for metric, drawn in metrics.items():
            record = of_whole[task, metric.key]
            assert (record.label, record.value) == (metric.label, drawn.value)
    card: Card = make_card(metrics=found)
    assert Card.model_validate_json(card.model_dump_json()).metrics == found
