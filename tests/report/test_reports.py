"""Reports: seen and unseen classes, lists, comparisons, what is refused, JSON, page and pictures."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from commands import run, told
from conftest import COLOURS, make_card, save_noise, tiny_network
from PIL import Image

from samekind.datasets.folders import read_class_folders
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import read_pairs, read_trios
from samekind.evaluation.measure import measure
from samekind.evaluation.metrics import retrieval
from samekind.evaluation.metrics.metric import far_at, tar_at
from samekind.evaluation.results import Evaluation
from samekind.model_file.file import write_model
from samekind.recognizer import Recognizer, load
from samekind.report import agreement
from samekind.report.build import build_report
from samekind.report.page.figures import draw_all
from samekind.report.page.render import render
from samekind.report.schema.contents import Report
from samekind.report.sentences import notes

QUICK = {"trio_count": 800, "resamples": 20}


@pytest.fixture(scope="module")
def many_colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine classes of eight images, some of them close to each other, one picture in the wrong folder."""
    root = tmp_path_factory.mktemp("many")
    shades = COLOURS | {
        "cyan": (40, 200, 220),
        "grey": (120, 118, 122),
        "orange": (230, 120, 30),
        "pink": (230, 90, 150),
        "yellow": (220, 220, 40),
    }
    for number, (name, colour) in enumerate(shades.items()):
        (root / name).mkdir()
        for i in range(8):
            wrong = name == "red" and i == 0
            save_noise(root / name / f"{i}.png", COLOURS["blue"] if wrong else colour, 100 * number + i)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """Knows three of the classes."""
    path = tmp_path_factory.mktemp("model") / "knows-three.onnx"
    training = make_card().training.model_copy(update={"classes": ("red", "green", "blue")})
    write_model(path, tiny_network().SerializeToString(), make_card(name="knows-three", training=training))
    return load(path)


@pytest.fixture(scope="module")
def result(model: Recognizer, many_colours: Path) -> Evaluation:
    return measure(model, read_class_folders(many_colours), **QUICK)


@pytest.fixture(scope="module")
def written(result: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "report"
    build_report(result).save(folder)
    return folder


def write_list(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_classes_seen_and_unseen_are_told_apart(result: Evaluation) -> None:
    groups = result.judged.groups
    assert {name: len(group.images) for name, group in groups.items()} == {"all": 72, "seen": 24, "unseen": 48}
    assert result.classes_seen == ("blue", "green", "red")
    assert {name: group.whole_classes for name, group in groups.items()} == {"all": True, "seen": False, "unseen": True}
    # A picture in the wrong folder is among the classes that were seen.
    assert groups["seen"].pairs is not None
    assert groups["unseen"].pairs is not None
    assert groups["seen"].pairs.metrics[tar_at("balanced")].value < 1
    assert groups["unseen"].pairs.metrics[tar_at("balanced")].value == 1
    told = " ".join(build_report(result).notes)
    assert "3 of these 9 classes are among those the model was trained on: blue, green, red" in told
    assert "have seen all the same" in told
    assert "whole classes" in told


def test_classes_seen_can_be_named_otherwise(model: Recognizer, many_colours: Path) -> None:
    found = measure(model, read_class_folders(many_colours), classes_seen={"pink"}, **QUICK)
    assert list(found.judged.groups) == ["all", "unseen"]  # of one class there are no impostor pairs
    assert found.classes_seen == ("pink",)


def test_fewer_resamples_behind_retrieval_and_clusters_are_told(result: Evaluation, undrawn: None) -> None:
    found = replace(result, resamples=500)
    assert any("95 % intervals, of 500 resamples, 100 for retrieval." in note for note in notes(found))
    assert any("95 % intervals, of 20 resamples." in note for note in notes(result))
    report = build_report(found)
    assert "500 bootstrap resamples of images or classes (100 behind retrieval, 200 behind AMI)" in render(
        report, draw_all(report)
    )
    told = " ".join(run("evaluate", "--help").stdout.replace("│", "").split())
    assert "at most 100 for retrieval and 200 for clusters (AMI)" in told
    assert (retrieval.MOST_RESAMPLES, agreement.MOST_RESAMPLES) == (100, 200)


def test_the_summary_can_be_read_by_a_layman(result: Evaluation) -> None:
    sentences = build_report(result).summary
    assert re.match(
        r"All classes: In 1,000 pairs of different kinds, [\d.]+ \([\d.]+ to [\d.]+\) are called the same; "
        r"in 1,000 pairs of the same kind, [\d.]+ \([\d.]+ to [\d.]+\) are called different\.",
        sentences[0],
    )
    promises = ("Among these pictures", "`samekind ")  # test_promises.py
    assert len([sentence for sentence in sentences if not sentence.startswith(promises)]) == 9


def test_the_picture_in_the_wrong_folder_is_among_the_mistakes(result: Evaluation) -> None:
    mistakes = build_report(result).mistakes
    assert any(path.endswith("red/0.png") for found in mistakes.pairs_taken_for_same for path in found.images)
    first = mistakes.pairs_taken_for_different[0]
    assert any(path.endswith("red/0.png") for path in first.images)
    assert first.classes == ("red", "red")
    assert first.probability < 0.5
    for found in (mistakes.pairs_taken_for_same, mistakes.pairs_taken_for_different):
        shown = [path for mistake in found for path in mistake.images]
        assert len(shown) == len(set(shown))


def test_counts_of_the_confusion_are_those_of_judging_each_pair(result: Evaluation, model: Recognizer) -> None:
    task = build_report(result).groups["all"].pairs
    assert task is not None
    first, second = np.triu_indices(len(result.paths), 1)
    said = [v.same for v in model.judge_pairs(result.judged.embeddings[first], result.judged.embeddings[second])]
    same = result.labels[first] == result.labels[second]
    counted = task.confusion["balanced"]
    assert counted.true_accepts == (same & said).sum()
    assert counted.false_accepts == (~same & said).sum()
    assert counted.false_rejects + counted.true_rejects == len(said) - sum(said)


def test_classes_by_themselves_add_up_to_all(result: Evaluation) -> None:
    report = build_report(result)
    task = report.groups["all"].pairs
    assert task is not None
    of_classes = [found.tar.value for found in report.classes]
    assert np.mean(of_classes) == pytest.approx(task.metrics["tar@balanced"].value)  # classes of one size
    assert np.mean([found.far.value for found in report.classes]) == pytest.approx(task.metrics["far@balanced"].value)
    similarity = np.array(report.class_similarity)
    np.testing.assert_allclose(similarity, similarity.T, atol=1e-6)
    members = [result.judged.embeddings[result.labels == label] for label in (0, 1)]
    assert similarity[0, 1] == pytest.approx(float((members[0] @ members[1].T).mean()), abs=1e-5)
    inside = members[0] @ members[0].T
    assert similarity[0, 0] == pytest.approx(float(inside[np.triu_indices(8, 1)].mean()), abs=1e-5)


def test_the_report_is_a_page_json_with_its_schema_and_pictures(written: Path, result: Evaluation) -> None:
    contents = json.loads((written / "report.json").read_text())
    schema = json.loads((written / "report.schema.json").read_text())
    jsonschema.validate(contents, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(contents | {"images": "many"}, schema)
    assert Report.model_validate(contents).summary == build_report(result).summary
    for group in contents["groups"].values():
        assert 0 < group["ami"]["value"] <= 1
    for picture in (written / "figures").iterdir():
        with Image.open(picture) as image:
            assert min(image.size) > 150
    names = {picture.stem for picture in (written / "figures").iterdir()}
    assert {"roc-pairs", "det-trios", "scores-pairs-unseen", "reliability-trios-all", "classes", "map"} <= names
    assert "pairs-taken-for-different" in names


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.without_alt = 0
        self.headers = self.tables = self.captions = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "xlink:href")]
        self.ids += [found["id"] or ""] if "id" in found else []
        self.without_alt += tag == "img" and not found.get("alt")
        self.without_alt += found.get("role") == "img" and not found.get("aria-label")
        self.headers += tag == "th" and "scope" in found
        self.tables += tag == "table"
        self.captions += tag == "caption"


def test_the_page_stands_alone_and_can_be_read_aloud(written: Path) -> None:
    text = (written / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not re.search(r"url\((?!#)|@import|<script|<iframe|<link(?! rel=\"icon\")", text)
    assert len(page.ids) == len(set(page.ids))
    assert page.without_alt == 0
    assert page.tables == page.captions > 5
    assert page.headers > 50
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert 'name="viewport"' in text


def test_file_names_and_classes_cannot_write_to_the_page(model: Recognizer, tmp_path: Path) -> None:
    # The last is none of TeX's formulas either.
    names = {"<b>one</b>": (200, 0, 0), "two & <i>": (210, 30, 20), r"cost $\frac$": (0, 0, 200)}
    for name, colour in names.items():
        # A folder may not have a slash in its name.
        folder = tmp_path / "data" / name.replace("/", "")
        folder.mkdir(parents=True)
        for i in range(4):
            save_noise(folder / f"<script>{i}.png", colour, i)
    found = measure(model, read_class_folders(tmp_path / "data"), **QUICK)
    build_report(found).save(tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text()
    assert "<script" not in text
    assert "<b>one" not in text
    assert r"cost $\frac$</text>" in text
    assert "&lt;script&gt;0.png" in text


def test_the_same_evaluation_gives_the_same_report(result: Evaluation, written: Path, tmp_path: Path) -> None:
    build_report(result).save(tmp_path)
    for path in sorted(written.rglob("*")):
        if path.is_file():
            assert (tmp_path / path.relative_to(written)).read_bytes() == path.read_bytes(), path.name


def test_another_model_is_compared_on_the_same_items(
    model: Recognizer, many_colours: Path, tmp_path: Path, undrawn: None
) -> None:
    card = make_card(name="stricter")
    points = {name: p.model_copy(update={"threshold": 0.97}) for name, p in card.pair.operating_points.items()}
    pair = card.pair.model_copy(update={"operating_points": points})
    write_model(tmp_path / "m.onnx", tiny_network().SerializeToString(), card.model_copy(update={"pair": pair}))
    found = measure(model, read_class_folders(many_colours), compare=load(tmp_path / "m.onnx"), **QUICK)
    comparison = build_report(found).comparison
    assert comparison is not None
    assert comparison.model.name == "stricter"
    differences = comparison.pairs["all"]
    assert differences["auc"].difference.value == differences["auc"].difference.high == 0
    assert not differences["auc"].clear
    far = differences["far@balanced"]
    assert far.this is not None
    assert far.other is not None
    assert far.this > far.other
    assert far.difference.value == pytest.approx(far.this - far.other)
    assert far.clear
    build_report(found).save(tmp_path / "report")
    first, second, third = build_report(found).text().splitlines()[:3]
    accuracy = differences["accuracy@balanced"]
    assert first.startswith(f"{model.card.name:<11}  accuracy at balanced {accuracy.this:.4f}, EER ")
    assert second.startswith(f"stricter     accuracy at balanced {accuracy.other:.4f}, EER ")
    better = "stricter" if (accuracy.difference.value or 0) < 0 else model.card.name
    assert third.startswith(
        f"{better} is clearly better (accuracy on pairs " if accuracy.clear else "neither is clearly"
    )
    assert "Beside “stricter”" in (tmp_path / "report" / "report.html").read_text()


def test_what_the_other_model_was_trained_on_is_told_if_it_differs(
    model: Recognizer, many_colours: Path, tmp_path: Path
) -> None:
    card = make_card(name="elsewhere")
    training = card.training.model_copy(update={"data": "paints", "classes": ("cyan", "red", "teal")})
    write_model(tmp_path / "m.onnx", tiny_network().SerializeToString(), card.model_copy(update={"training": training}))
    images = read_class_folders(many_colours)
    found = measure(model, images, compare=load(tmp_path / "m.onnx"), **QUICK)
    report = build_report(found)
    assert report.comparison is not None
    assert (report.classes_seen, report.comparison.classes_seen) == (("blue", "green", "red"), ("cyan", "red"))
    (told,) = (note for note in report.notes if "elsewhere" in note)
    assert "elsewhere, was trained on paints" in told
    assert "Of these classes it was trained on: cyan, red." in told
    assert "what the first model, knows-three, was trained on" in told
    same = build_report(measure(model, images, compare=model, **QUICK))
    assert not any("other model" in note for note in same.notes)
    assert same.text().splitlines()[1].startswith("knows-three (the other)  accuracy at balanced")
    assert same.text().splitlines()[2].startswith("neither is clearly better (accuracy on pairs +0.0000")


@pytest.fixture
def pairs_list(many_colours: Path, tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str, name: str = "pairs.csv") -> Path:
        shutil.copytree(many_colours, tmp_path, dirs_exist_ok=True)
        return write_list(tmp_path / name, "first,second,same", *rows)

    return write


def test_listed_pairs_are_judged_as_they_are_answered(model: Recognizer, pairs_list: Callable[..., Path]) -> None:
    path = pairs_list(
        *(f"green/{i}.png,green/{i + 1}.png,yes" for i in range(4)),
        *(f"green/{i}.png,blue/{i}.png,0" for i in range(4)),
        "blue/0.png,red/0.png,different",  # the picture in the wrong folder
    )
    found = measure(model, None, pairs=read_pairs(path), **QUICK)
    (group,) = found.judged.groups.values()
    assert group.pairs is not None
    assert group.pairs.counts == {"genuine": 4, "impostor": 5}
    assert group.pairs.metrics[far_at("balanced")].value == pytest.approx(1 / 5)
    report = build_report(found)
    assert report.groups["listed"].pairs is not None
    assert "tar@far=0.1" in report.groups["listed"].pairs.not_measured
    assert report.mistakes.pairs_taken_for_same[0].images[1].endswith("red/0.png")
    assert report.classes == ()


def test_listed_trios_within_a_folder_are_told_apart_by_class(
    model: Recognizer, many_colours: Path, tmp_path: Path
) -> None:
    def rows(*names: str) -> list[str]:
        a, b, c = (many_colours / name for name in names)
        return [
            row
            for i in range(4)
            for row in (f"{a}/{i}.png,{a}/{i + 1}.png,{b}/{i}.png,1", f"{a}/{i}.png,{b}/{i}.png,{c}/{i}.png,0")
        ]

    path = write_list(
        tmp_path / "trios.csv",
        "first,second,third,same",
        *rows("green", "blue", "red"),
        *rows("cyan", "pink", "yellow"),
    )
    found = measure(model, read_class_folders(many_colours), trios=read_trios(path), **QUICK)
    counts = {name: group.trios.counts for name, group in found.judged.groups.items() if group.trios}
    assert counts == {"all": {"ABC": 8, "alike": 8}, "seen": {"ABC": 4, "alike": 4}, "unseen": {"ABC": 4, "alike": 4}}
    assert found.whole.pairs is not None
    assert sum(found.whole.pairs.counts.values()) == 72 * 71 // 2  # pairs are all pairs still


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["red/1.png,red/2.png,1", "red/1.png,nowhere.png,0", "a.png,b.png,0"],
            "line 3: no such file .*nowhere.png, and 2",
        ),
        (["red/1.png,red/2.png,1", "red/2.png,red/3.png,1"], "all 2 answers are yes; error rates need items of both"),
        (["red/1.png,blue/2.png,0"], "all 1 answers are no"),
        (["red/1.png,red/2.png,maybe"], "line 2 has the answer 'maybe'; write 1 or 0"),
        (["red/1.png,red/1.png,1"], "line 2 has one image twice"),
    ],
)
def test_a_list_that_cannot_be_measured_on_is_refused(
    rows: list[str], message: str, pairs_list: Callable[..., Path]
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_pairs(pairs_list(*rows))


def test_a_list_without_answers_is_refused(pairs_list: Callable[..., Path]) -> None:
    path = pairs_list("x,y,1")
    path.write_text("first,second\nred/1.png,red/2.png\n")
    with pytest.raises(DatasetError, match="no column 'same'"):
        read_pairs(path)


def test_listed_images_outside_the_folder_are_refused(
    model: Recognizer, colour_folders: Path, pairs_list: Callable[..., Path]
) -> None:
    path = pairs_list("red/1.png,red/2.png,1", "red/1.png,blue/2.png,0")
    with pytest.raises(DatasetError, match="not among the images of"):
        measure(model, read_class_folders(colour_folders), pairs=read_pairs(path), **QUICK)


def test_a_list_all_of_whose_noes_are_unreadable_is_refused(model: Recognizer, pairs_list: Callable[..., Path]) -> None:
    path = pairs_list("red/1.png,red/2.png,1", "red/1.png,blue/2.png,0")
    (path.parent / "blue" / "2.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match="all 1 answers are yes"):
        measure(model, None, pairs=read_pairs(path), **QUICK)


def test_of_too_many_images_each_class_gives_its_share(model: Recognizer, many_colours: Path) -> None:
    found = measure(model, read_class_folders(many_colours), most_images=40, **QUICK)
    assert np.bincount(found.labels).tolist() == [4] * 9
    assert found.left_out == 36
    assert any("36 drawn at random were left out" in note for note in build_report(found).notes)


def test_of_too_many_classes_some_are_drawn(model: Recognizer, many_colours: Path) -> None:
    found = measure(model, read_class_folders(many_colours), most_images=11, **QUICK)
    assert np.bincount(found.labels).tolist() == [2] * 5
    assert (found.left_out, found.classes_left_out) == (62, 4)
    assert {path.parent.name for path in found.paths} == set(found.classes)
    assert any("among them 4 of 9 classes as a whole" in note for note in build_report(found).notes)


def test_a_list_names_the_classes_that_are_not_left_out(model: Recognizer, pairs_list: Callable[..., Path]) -> None:
    path = pairs_list(*(f"yellow/{i}.png,pink/{i}.png,0" for i in range(3)), "yellow/0.png,yellow/1.png,1")
    images = read_class_folders(path.parent)
    found = measure(model, images, pairs=read_pairs(path), most_images=4, **QUICK)
    assert found.classes == ("pink", "yellow")
    assert len(found.paths) >= 6
    assert found.whole.pairs is not None
    assert found.whole.pairs.counts == {"genuine": 1, "impostor": 3}


def test_the_matrix_of_many_classes_is_not_given(
    result: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> None:
    build_report(result).save(tmp_path / "whole")
    assert (tmp_path / "whole" / "figures" / "classes.png").exists()
    monkeypatch.setattr("samekind.report.schema.parts.MOST_IN_MATRIX", 8)
    monkeypatch.setattr("samekind.report.page.render.MOST_IN_MATRIX", 8)
    report = build_report(result).save(tmp_path)
    assert (len(report.classes), report.class_similarity) == (9, ())
    assert "shown for up to 8 classes" in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "figures" / "classes.png").exists()


def test_the_command_writes_a_report_and_says_where(
    many_colours: Path, tiny_model: Path, tmp_path: Path, undrawn: None
) -> None:
    options = ("--resamples", "10", "--trio-count", "200", "--classes-seen", "red,green,blue")
    done = run("evaluate", tiny_model, many_colours, "--report", tmp_path / "r", *options)
    assert done.returncode == 0, done.stderr
    assert "report.html: open it in a browser" in done.stderr
    assert "== Classes that the model was not trained on: 48 images" in done.stdout
    assert (tmp_path / "r" / "report.html").read_text().count("<svg></svg>") > 10


def test_a_model_may_have_been_trained_on_other_classes_too(
    many_colours: Path, tiny_model: Path, tmp_path: Path
) -> None:
    trained_on, elsewhere = tmp_path / "trained-on.txt", tmp_path / "elsewhere.txt"
    trained_on.write_text("mauve\nred\ngreen\nteal\n")
    elsewhere.write_text("mauve\n")
    options = ("--resamples", "10", "--trio-count", "200", "--json")
    for given, seen, others in (
        (trained_on, ["green", "red"], "mauve, teal"),
        (elsewhere, [], "mauve"),
        ("red,green,mauve", ["green", "red"], "mauve"),
    ):
        done = run("evaluate", tiny_model, many_colours, "--classes-seen", given, *options)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["classes_seen"] == seen
        assert f"--classes-seen: not among the classes of {many_colours}: {others}\n" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a folder of classes, or a list"),
        (("FOLDER", "--classes-seen", "teal,mauve"), "no class 'mauve'"),
        (("--pairs", "nowhere.csv"), "nowhere.csv: no such file"),
        (("FOLDER", "--report", "MODEL"), "is a file; name a folder"),
    ],
)
def test_wrong_use_is_refused_with_the_reason(
    arguments: tuple[str, ...], message: str, many_colours: Path, tiny_model: Path
) -> None:
    named = {"FOLDER": str(many_colours), "MODEL": str(tiny_model)}
    done = run("evaluate", tiny_model, *(named.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert message in told(done)
    assert "Traceback" not in done.stderr
