from __future__ import annotations

import base64
import dataclasses
import io
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.inference.verdict import Verdict
from samekind.recognizer import Recognizer, load

RED, BLUE = (220, 40, 40), (40, 40, 220)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model, threads=1)


@pytest.fixture
def files(photo: Callable[..., Path]) -> list[Path]:
    return [photo("red.png", RED, 1), photo("other.png", RED, 2), photo("blue.png", BLUE, 3)]


def pictures_in(html: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^\"]+)\"", html)]


def test_a_verdict_is_as_true_as_it_says(model: Recognizer, files: list[Path]) -> None:
    red, other, blue = files
    assert model.verify(red, other)
    assert not model.verify(red, blue)
    assert model.verify_trio(red, other, blue)
    assert not model.verify_trio(red, other, blue, threshold=1.0)


def test_reprs_are_short(model: Recognizer, files: list[Path]) -> None:
    assert re.fullmatch(
        r"<Verdict: different, p=0\.\d\d, similarity -?\d\.\d\d>", repr(model.verify(files[0], files[2]))
    )
    trio = repr(model.verify_trio(*files))
    assert re.fullmatch(r"<TrioVerdict: two alike, p=\d\.\d\d, similarities (-?\d\.\d\d(, )?){3}>", trio)
    assert repr(model) == "<Recognizer 'tiny': mean colour, 6 dimensions>"


def test_a_notebook_shows_the_pictures(model: Recognizer, files: list[Path]) -> None:
    red, blue = (
        np.asarray(picture).mean(axis=(0, 1)) for picture in pictures_in(model.verify(files[0], files[2])._repr_html_())
    )
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert len(pictures_in(model.verify_trio(*files)._repr_html_())) == 3
    [listed] = model.verify_pairs([(files[0], files[1])])
    assert len(pictures_in(listed._repr_html_())) == 2  # type: ignore[union-attr]


def test_without_its_pictures_it_shows_the_rest(model: Recognizer, files: list[Path]) -> None:
    rows = model.embed(files)
    html = model.judge_pairs(rows[:1], rows[1:2])[0]._repr_html_()
    assert "<img" not in html
    assert "same" in html
    verdict = model.verify(files[0], files[1])
    files[0].unlink()
    assert len(pictures_in(verdict._repr_html_())) == 1


def test_html_is_escaped() -> None:
    html = Verdict(True, 0.9, 0.5, 0.3, "<b>", "<script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_pictures_are_no_part_of_the_verdict(model: Recognizer, files: list[Path]) -> None:
    verdict = model.verify(files[0], files[1])
    rows = model.embed(files)
    assert verdict == model.judge_pairs(rows[:1], rows[1:2])[0]
    fields = {field.name for field in dataclasses.fields(Verdict)}
    assert set(json.loads(json.dumps(dataclasses.asdict(verdict)))) == fields
    with io.BytesIO(files[0].read_bytes()) as opened:
        assert pickle.loads(pickle.dumps(model.verify(opened, files[1]))) == verdict


def test_a_list_of_verdicts_keeps_no_pixels(model: Recognizer) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    [verdict] = model.verify_pairs([(image, image)])
    assert verdict._pictures == ()  # type: ignore[union-attr]
