"""A model that nobody has calibrated embeds, searches and clusters; what needs rates says how to get them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from conftest import adaptable_card, make_card, save_noise, tiny_network

import samekind
from samekind.auditing.answers.asking import pairs_to_answer
from samekind.errors import NotCalibratedError
from samekind.gallery import Gallery
from samekind.model_file.file import write_model

HOW = "samekind calibrate MODEL CLASS-FOLDERS"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "foreign.onnx"
    write_model(path, tiny_network().SerializeToString(), make_card(name="foreign", pair=None, trio=None))
    return path


@pytest.fixture
def gallery(foreign: Path, many_colours: Path, tmp_path: Path) -> Path:
    path = tmp_path / "colours.samekind"
    with Gallery.open(path, model=foreign) as made:
        made.sync(many_colours)
    return path


def test_a_gallery_searches_clusters_and_finds_copies_without_a_calibration(gallery: Path, many_colours: Path) -> None:
    picture = next(many_colours.rglob("*.png"))
    with Gallery.open(gallery) as opened:
        hits = opened.search(picture, 3)
        assert [hit.probability for hit in hits] == [None] * 3
        assert hits[0].path.resolve() == picture.resolve()
        assert hits[0].words.startswith("similarity 1.00")
        assert opened.clusters()
        assert opened.clusters("kmeans", k=3)
        assert opened.clusters("agglomerative", threshold=0.9)
        assert opened.duplicates("exact") == []
        assert isinstance(opened.duplicates("same-class", threshold=0.99), list)
        for ask in (
            lambda: opened.search(picture, 3, min_probability=0.5),
            lambda: opened.clusters("agglomerative"),
            lambda: opened.duplicates("same-class"),
        ):
            with pytest.raises(NotCalibratedError, match=HOW):
                ask()


def test_commands_say_how_to_get_verdicts_and_do_what_needs_none(
    foreign: Path, gallery: Path, many_colours: Path, tmp_path: Path
) -> None:
    one, two, three = sorted(many_colours.rglob("*.png"))[:3]
    for refused in (
        ("verify", one, two, "--model", foreign),
        ("trio", one, two, three, "--model", foreign),
        ("explain", one, two, "--model", foreign, "-o", tmp_path / "why.png"),
        ("evaluate", foreign, many_colours),
        ("search", gallery, one, "--min-probability", "0.5"),
        ("duplicates", gallery, "--kind", "same-class"),
    ):
        done = run(*refused)
        assert done.returncode == 2, refused
        assert HOW in done.stderr
    refused_adapt = run("adapt", foreign, many_colours, "-o", tmp_path / "mine.onnx")
    assert (refused_adapt.returncode, "--labelled FOLDER" in refused_adapt.stderr) == (2, True)
    found = json.loads(run("search", gallery, one, "--json").stdout)
    assert found[0]["probability"] is None
    assert "similarity 1.00" in run("search", gallery, one).stdout
    assert run("search", gallery, one, "--html", tmp_path / "found.html").returncode == 0
    for arguments in (("info", foreign), ("info", foreign, "--all")):
        assert "not calibrated" in run(*arguments).stdout
    assert json.loads(run("info", foreign, "--json").stdout)["pair"] is None


def test_pairs_to_answer_are_chosen_and_calibrate_it(foreign: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for channel in range(3):
        for number in range(20):
            colour = rng.integers(10, 120, 3)
            colour[channel] = 230
            path = tmp_path / "pictures" / f"{channel}" / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_noise(path, (int(colour[0]), int(colour[1]), int(colour[2])), seed=number)
    asked = pairs_to_answer(tmp_path / "pictures", model=samekind.load(foreign), count=80)
    same = [pair.first.parent == pair.second.parent for pair in asked]
    assert 10 <= sum(same) <= 70  # by lot a quarter were the same
    lines = ["first,second,same,weight"]
    lines += [f"{p.first},{p.second},{int(s)},{p.weight}" for p, s in zip(asked, same, strict=True)]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    found = samekind.calibrate(foreign, pairs=tmp_path / "pairs.csv")
    assert found.pairs.old is None
    assert found.pairs.new.accuracy > 0.8
    assert found.recognizer().verify(asked[0].first, asked[0].first).same


def test_the_service_embeds_and_searches_and_has_no_verdicts(foreign: Path, gallery: Path, many_colours: Path) -> None:
    testclient = pytest.importorskip("fastapi.testclient")
    from samekind.server.app import create_app

    picture = next(many_colours.rglob("*.png")).read_bytes()
    with Gallery.open(gallery, read_only=True) as opened:
        app = create_app(samekind.load(foreign, threads=1), gallery=opened, page=False)
        with testclient.TestClient(app, base_url="http://127.0.0.1") as client:
            files = {"first": ("a.png", picture), "second": ("b.png", picture)}
            answer = client.post("/api/v1/verify", files=files)
            assert answer.status_code == 404
            assert HOW in answer.text
            assert client.post("/api/v1/embed", files={"images": ("a.png", picture)}).status_code == 200
            hits = client.post("/api/v1/search", files={"image": ("a.png", picture)}).json()["hits"]
            assert hits[0]["probability"] is None
            files = {"image": ("a.png", picture)}
            answer = client.post("/api/v1/search", files=files, data={"min_probability": "0.5"})
            assert (answer.status_code, HOW in answer.text) == (404, True)
            assert client.get("/api/v1/model").json()["pair"] is None


def test_a_model_that_can_be_adapted_says_so_and_how_well(tmp_path: Path) -> None:
    path = tmp_path / "adaptable.onnx"
    write_model(path, tiny_network().SerializeToString(), adaptable_card(pair=None, trio=None))
    for arguments in (("info", path), ("info", path, "--all")):
        said = run(*arguments).stdout
        assert "none until it is adapted: samekind adapt MODEL PICTURES; then FAR" in said
        assert "not calibrated" not in said


def test_pictures_that_are_not_there_are_refused_before_the_labelled_ones_are_looked_at(
    foreign: Path, tmp_path: Path
) -> None:
    labelled = [word for number in range(3) for word in ("--labelled", tmp_path / f"no-folder-{number}")]
    done = run("adapt", foreign, tmp_path / "no-pictures", "-o", tmp_path / "mine.onnx", *labelled)
    assert done.returncode == 2
    assert "no-pictures: no such folder" in done.stderr
