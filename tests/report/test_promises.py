"""What a card promises beside what was measured, in the report, its text and its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import make_card, save_noise, tiny_network
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import read_class_folders
from samekind.evaluation.class_to_class import worst_count
from samekind.evaluation.measure import measure
from samekind.evaluation.resampling.intervals import Estimate
from samekind.evaluation.results import Evaluation
from samekind.model_file.calibration import OperatingPoint
from samekind.model_file.file import write_model
from samekind.recognizer import Recognizer, load
from samekind.report.build import build_report
from samekind.report.page.figures import curves, draw_all, of_task
from samekind.report.page.render import render
from samekind.report.promises import held
from samekind.report.schema.contents import Report

EVERYDAY = "everyday objects"


def model_that_promises(path: Path, far: float, threshold: float) -> Recognizer:
    card = make_card()
    points = {"balanced": OperatingPoint(threshold=threshold, far=far, tar=0.97)}
    measured_on = card.pair.measured_on.model_copy(update={"domain": EVERYDAY})
    pair = card.pair.model_copy(update={"operating_points": points, "measured_on": measured_on})
    write_model(path, tiny_network().SerializeToString(), make_card(name=path.stem, pair=pair, trio=None))
    return load(path)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight classes of greys and browns, hard to tell apart."""
    root = tmp_path_factory.mktemp("muddled")
    rng = np.random.default_rng(0)
    for number in range(8):
        (root / f"kind {number}").mkdir()
        shade = rng.normal(150, 40, 3)
        for i in range(6):
            colour = tuple(np.clip(shade + rng.normal(0, 15, 3), 0, 255).astype(int).tolist())
            save_noise(root / f"kind {number}" / f"{i}.png", colour, 100 * number + i)
    return root


@pytest.fixture(scope="module")
def result(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("models")
    broken = model_that_promises(folder / "broken.onnx", 0.001, -1.0)
    other = model_that_promises(folder / "other.onnx", 0.9, -1.0)
    return measure(broken, read_class_folders(images), compare=other, resamples=50)


@pytest.fixture(scope="module")
def report(result: Evaluation) -> Report:
    return build_report(result)


def test_a_broken_promise_is_told_in_a_sentence_with_its_remedy(report: Report) -> None:
    pairs = report.groups["unseen"].pairs if "unseen" in report.groups else None
    assert pairs is not None
    promise = pairs.promises["balanced"]
    assert (promise.far, promise.tar, promise.measured_far.value, promise.held) == (0.001, 0.97, 1.0, "higher")
    assert pairs.promised_on == EVERYDAY
    assert (
        "Among these pictures, 100 % of pairs of different kinds are taken for the same, where broken promises 0.1 %, "
        "measured on everyday objects."
    ) in report.summary
    # A card without domains cannot be adapted without labels.
    assert report.summary[-1].startswith("`samekind calibrate` makes the rates true")


def test_the_other_models_promises_are_told_beside_it(report: Report) -> None:
    assert report.comparison is not None
    promise = report.comparison.promises["pairs"]["unseen"]["balanced"]
    assert (promise.far, promise.measured_far.value, promise.held) == (0.9, 1.0, "kept")
    assert report.comparison.promised_on == {"pairs": EVERYDAY}


def test_text_and_page_show_promised_and_measured(report: Report, undrawn: None) -> None:
    text = str(report)
    assert text == report.text()
    for words in ("pairs: promised and measured here", "higher than promised", "pairs: promised by other", "OPIS"):
        assert words in text, words
    page = render(report, draw_all(report))
    for words in ("FAR promised", "higher than promised", f"measured on {EVERYDAY}", "From class to class"):
        assert words in page, words


def test_the_figure_shows_each_promise_beside_what_was_measured(report: Report) -> None:
    group = report.groups["unseen"]
    assert group.pairs is not None
    *_, drawing = of_task("unseen", "pairs", group.title, group.pairs)
    assert drawing.name == "promises-pairs-unseen"
    assert "at balanced 0.10% promised, 100.00% measured" in drawing.alt
    for words in ("balanced", "half to twice"):
        assert words in drawing.svg, words


def test_the_other_models_curve_is_drawn_beside_this_ones(report: Report) -> None:
    drawings = {drawing.name: drawing for drawing in curves(report)}
    assert f"other: {report.groups['unseen'].title}" in drawings["roc-pairs"].svg


def test_the_figure_is_on_the_page_where_something_was_promised(report: Report, undrawn: None) -> None:
    drawings = draw_all(report)
    (alt,) = (drawing.alt for drawing in drawings if drawing.name == "promises-pairs-unseen")
    assert alt in render(report, drawings)
    without = report.model_copy(deep=True)
    for group in without.groups.values():
        for task in (group.pairs, group.trios):
            if task:
                task.promises.clear()
    assert not [drawing for drawing in draw_all(without) if drawing.name.startswith("promises")]


def test_the_worst_classes_and_their_rates_are_those_of_the_table(report: Report) -> None:
    found = report.class_to_class
    assert found is not None
    assert len(found.worst) == worst_count(8) == 1
    (worst,) = (each for each in report.classes if each.name == found.worst[0])
    assert (found.worst_far, found.worst_tar) == pytest.approx((worst.far.value, worst.tar.value))
    others = [each for each in report.classes if each.name != worst.name]
    assert found.other_far == pytest.approx(np.mean([each.far.value for each in others]))
    assert found.opis > 0


def test_a_report_of_before_still_reads(report: Report) -> None:
    old = report.model_dump(mode="json")
    del old["class_to_class"], old["comparison"]["promises"], old["comparison"]["promised_on"]
    for group in old["groups"].values():
        del group["pairs"]["promises"], group["pairs"]["promised_on"]
    read = Report.model_validate(old)
    assert "promised and measured" not in read.text()


@given(st.floats(0.001, 0.4), st.floats(0, 1), st.floats(0, 0.2), st.floats(0, 0.2))
def test_a_promise_is_broken_only_where_the_whole_interval_is_outside(
    promised: float, value: float, below: float, above: float
) -> None:
    found = held(promised, Estimate(value, max(0, value - below), min(1, value + above)))
    inside = promised / 2 <= value <= 2 * promised
    assert (found == "kept") == inside
    if not inside:
        clear = value - below > 2 * promised if value > promised else value + above < promised / 2
        assert (found in ("higher", "lower")) == clear
