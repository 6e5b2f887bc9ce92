"""From a model and a folder to a report in one call, and what a report can do."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COLOURS, make_card, save_noise, tiny_network

from samekind.errors import DatasetError, MissingExtraError, ModelFileError
from samekind.evaluation.listed_items import read_pairs
from samekind.model_file.file import write_model
from samekind.recognizer import load
from samekind.report.evaluate import evaluate
from samekind.report.schema.contents import Report

QUICK = {"trio_count": 200, "resamples": 10}


@pytest.fixture(scope="module")
def report(tiny_model: Path, colour_folders: Path) -> Report:
    return evaluate(tiny_model, colour_folders, **QUICK)


def test_names_and_loaded_things_give_the_same_report(report: Report, tiny_model: Path, colour_folders: Path) -> None:
    again = evaluate(load(tiny_model), str(colour_folders), **QUICK)
    assert again == report
    assert again != evaluate(tiny_model, colour_folders, **QUICK | {"seed": 1})


def test_lists_are_read(tiny_model: Path, colour_folders: Path, tmp_path: Path) -> None:
    rows = [f"{colour_folders}/red/0{i}.png,{colour_folders}/{other}/1{i}.png,{int(other == 'red')}"
            for i in range(4) for other in ("red", "blue")]  # fmt: skip
    (tmp_path / "pairs.csv").write_text("\n".join(["first,second,same", *rows]))
    found = evaluate(tiny_model, pairs=tmp_path / "pairs.csv", **QUICK)
    assert found == evaluate(tiny_model, pairs=read_pairs(tmp_path / "pairs.csv"), **QUICK)
    assert found.groups["listed"].pairs is not None
    assert found.groups["listed"].pairs.counts == {"genuine": 4, "impostor": 4}


def test_what_cannot_be_measured_is_refused(tiny_model: Path, colour_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing to measure on"):
        evaluate(tiny_model)
    with pytest.raises(DatasetError, match="no such folder"):
        evaluate(tiny_model, tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match="no such model"):
        evaluate("nobody", colour_folders)


def test_a_saved_report_is_the_measured_one_with_map_and_clusters(
    report: Report, tmp_path: Path, undrawn: None
) -> None:
    steps: list[tuple[str, int, int]] = []
    saved = report.save(tmp_path / "a", on_progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == [1, 2, 3, 4, 5]
    assert (report.map, saved.map is not None) == (None, True)
    assert saved.groups["unseen"].ami is not None
    assert saved.model_copy(update={"map": None, "groups": report.groups}) == report
    read = Report.model_validate_json((tmp_path / "a" / "report.json").read_text())
    assert read == saved
    read.save(tmp_path / "b")  # without the evaluation it was built from
    for path in (tmp_path / "a").rglob("*.*"):
        assert (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes() == path.read_bytes()


def test_a_report_is_not_saved_into_a_file(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError):
        report.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_without_the_extra_saving_says_what_to_install(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.report.save._LIBRARIES", ("nobody_has_this",))
    with pytest.raises(MissingExtraError, match=r"samekind\[report\]"):
        report.save(tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_every_metric_has_a_key_a_label_and_a_unit(report: Report) -> None:
    group = json.loads(report.model_dump_json())["groups"]["unseen"]
    metrics = group["pairs"]["metrics"] | group["trios"]["metrics"] | group["retrieval"]
    for key, found in metrics.items():
        assert " " not in key
        assert found.keys() == {"value", "low", "high", "label", "unit"}
        assert found["unit"] in {"share", "index", "score"}
    assert metrics["naive.ece"]["label"] == "naive rule: ECE"
    assert (metrics["auc"]["unit"], metrics["ece"]["unit"], metrics["far@strict"]["unit"]) == (
        "index", "score", "share",
    )  # fmt: skip


def test_a_report_is_short_in_a_session_and_an_overview_in_a_notebook(tmp_path: Path) -> None:
    write_model(tmp_path / "m.onnx", tiny_network().SerializeToString(), make_card(name="<b>bold</b>"))
    for name in ("red", "blue"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(3):
            save_noise(tmp_path / "data" / name / f"{i}.png", COLOURS[name], i)
    report = evaluate(tmp_path / "m.onnx", tmp_path / "data", **QUICK)
    assert repr(report) == f"<Report: <b>bold</b> on {tmp_path / 'data'}, 6 images>"
    html = report._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;bold" in html
    assert "pairs: FAR at balanced" in html
    assert "trios" not in html  # of two classes there are none
    assert "accuracy at balanced" in report.text()


def test_a_report_can_be_sent_to_another_process(report: Report) -> None:
    assert pickle.loads(pickle.dumps(report)) == report


def test_evaluating_takes_no_library_of_an_extra(tiny_model: Path, colour_folders: Path) -> None:
    code = f"""
import sys
for name in ("sklearn", "scipy", "matplotlib", "jinja2", "torch"):
    sys.modules[name] = None
from samekind.report.evaluate import evaluate
report = evaluate({str(tiny_model)!r}, {str(colour_folders)!r}, trio_count=200, resamples=10)
print(len(report.text()) > 500, len(report._repr_html_()) > 500)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr
