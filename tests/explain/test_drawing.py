from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import samekind
from samekind.errors import ArgumentError
from samekind.explain.drawing import overlaid, scale_of
from samekind.explain.explanation import ExplainedPair, Explanation, upsampled
from samekind.recognizer import Recognizer


@pytest.fixture(scope="module")
def model() -> Recognizer:
    return samekind.load()


@pytest.fixture
def explanation(model: Recognizer, pictures: np.ndarray) -> Explanation:
    return model.explain(*pictures[:2])


def test_a_map_colours_warm_what_adds_and_cool_what_takes_away() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    found = np.zeros((4, 4), np.float32)
    found[0, 0], found[3, 3] = 1, -1
    red, green, blue = np.asarray(overlaid(grey, found, (80, 80), 1.0)).astype(int).transpose(2, 0, 1)
    assert red[8, 8] > green[8, 8] > blue[8, 8]
    assert blue[72, 72] > green[72, 72] > red[72, 72]
    assert abs(red[8, 72] - blue[8, 72]) < 8


def test_two_pictures_that_have_little_in_common_are_pale() -> None:
    faint = np.full((7, 7), 1e-4, np.float32)
    assert scale_of(faint, 0.3) == pytest.approx(3 * 0.3 / 49)
    assert scale_of(100 * faint + 0.5, 0.3) == pytest.approx(0.51)
    assert scale_of(np.zeros((7, 7), np.float32), 0.0) > 0


def test_upsampling_keeps_each_place_where_it_was() -> None:
    found = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    large = upsampled(found, 7 * 9, 5 * 9)
    assert large.dtype == np.float32
    np.testing.assert_allclose(large[4::9, 4::9], found, atol=1e-5)
    pair = ExplainedPair((0, 1), 0.5, (found, found))
    assert [one.shape for one in pair.upsampled(224, 100)] == [(224, 100)] * 2


@pytest.mark.parametrize(("ending", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), ("", "PNG")])
def test_it_is_saved_as_its_ending_says(explanation: Explanation, tmp_path: Path, ending: str, kind: str) -> None:
    path = tmp_path / f"why{ending}"
    explanation.save(path)
    with Image.open(path) as saved:
        assert saved.format == kind
        assert saved.size == explanation.image().size
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_names_another_kind_of_file_is_refused(explanation: Explanation, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="must end as that of a picture does"):
        explanation.save(tmp_path / "why.psd")
    assert list(tmp_path.iterdir()) == []


def test_pictures_keep_their_proportions_and_three_have_three_rows(model: Recognizer) -> None:
    wide, tall = np.zeros((20, 80, 3), np.uint8), np.full((80, 20, 3), 200, np.uint8)
    two, three = model.explain(wide, wide).image(), model.explain(wide, tall, tall).image()
    assert two.height < 300 < 3 * 360 < three.height


def test_odd_names_are_drawn(model: Recognizer, pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"{'鳥' * 60}.png"
    Image.fromarray(pictures[0]).save(path)
    assert model.explain(path, pictures[1]).names == (path.name, "b")
    model.explain(path, path).image()


def test_a_notebook_shows_the_picture_and_says_the_verdict(explanation: Explanation) -> None:
    html = explanation._repr_html_()
    found = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert found
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as shown:
        assert shown.size == explanation.image().size
    assert "similarity" in html
    assert "&lt;Verdict" in html


def test_json_has_the_verdict_the_maps_and_the_correspondences(explanation: Explanation) -> None:
    read = json.loads(json.dumps(explanation.as_json()))
    [pair] = read["pairs"]
    assert read["method"] == "contributions"
    assert read["verdict"]["similarity"] == pytest.approx(pair["similarity"])
    assert np.sum(pair["maps"][0]) == pytest.approx(pair["similarity"], abs=1e-4)
    assert len(pair["correspondences"]) == len(explanation.pairs[0].correspondences)
