"""The button “Why?” of the page, and the explanation behind it."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

import samekind
from samekind.explain.explanation import Explanation
from samekind.gallery import Gallery
from samekind.recognizer import Recognizer
from samekind.server.app import create_app
from samekind.server.batcher import Batcher
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits
from samekind.server.service import Service

EVENTS = "/gradio_api/run/predict"


@pytest.fixture(scope="module")
def model() -> Recognizer:
    return samekind.load(threads=1)


@pytest.fixture(scope="module")
def contents(many_colours: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(many_colours.glob("*/*.png"))]


def explained(model: Recognizer, images: list[bytes], gallery: Gallery | None = None, **options) -> Explanation:
    service = Service(model, Batcher(model.encoder, Limits(), workers=1, decoders=1), gallery)
    names = ("first picture", "second picture", "third picture")
    try:
        return asyncio.run(service.explain(dict(zip(names, images, strict=False)), **options))
    finally:
        service.close()


@pytest.mark.parametrize("count", [2, 3])
def test_it_explains_what_it_judges_also_among_other_pictures(
    model: Recognizer, contents: list[bytes], count: int
) -> None:
    for among, judge in (((), model), (contents[3:], model.adapt(contents[3:]))):
        found, expected = explained(model, contents[:count], among=among), judge.explain(*contents[:count])
        assert found.verdict.probability == pytest.approx(expected.verdict.probability, abs=1e-4)
        for pair, same in zip(found.pairs, expected.pairs, strict=True):
            assert pair.similarity == pytest.approx(same.similarity, abs=1e-4)
            assert pair.maps[0].sum() == pytest.approx(same.similarity, abs=1e-4)
    assert found.names[0] == "first picture"


def test_it_explains_among_the_pictures_of_its_gallery(
    model: Recognizer, contents: list[bytes], many_colours: Path, tmp_path: Path
) -> None:
    with Gallery.open(tmp_path / "g.samekind", recognizer=model) as gallery:
        gallery.sync(many_colours)
        found = explained(model, contents[:2], gallery)
        expected = model.adapt(gallery).similarity(*contents[:2])
    assert found.pairs[0].similarity == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_read_is_named(model: Recognizer, contents: list[bytes]) -> None:
    with pytest.raises(Problem) as caught:
        explained(model, [contents[0], b"no picture"])
    assert list(caught.value.errors) == ["second picture"]
    with pytest.raises(Problem) as caught:
        explained(model, contents[:2], among=contents[3:8])
    assert list(caught.value.errors) == ["among"]


@pytest.fixture(scope="module")
def page(model: Recognizer) -> Iterator[TestClient]:
    with TestClient(create_app(model), base_url="http://127.0.0.1") as client:
        yield client


def test_the_button_brings_a_picture_and_new_pictures_take_it_away(page: TestClient, contents: list[bytes]) -> None:
    events = page.get("/config").json()["dependencies"]
    ids = {
        kind: [event["id"] for event in events if [target[1] for target in event["targets"]] == [kind]]
        for kind in ("click", "submit")
    }
    urls = [f"data:image/png;base64,{base64.b64encode(content).decode()}" for content in contents]
    for count in (2, 3):
        value = {"images": urls[:count], "among": []}
        event = {"data": [value], "fn_index": ids["click"][count - 2]}
        [html] = page.post(EVENTS, json=event).json()["data"]
        [encoded] = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as shown:
            assert shown.width > 800
        event = {"data": [value, 0.5], "fn_index": ids["submit"][count - 2]}
        *_, reason = page.post(EVENTS, json=event).json()["data"]
        assert reason == ""
    event = {"data": [{"images": urls[:1]}], "fn_index": ids["click"][0]}
    assert "Please give 2 pictures" in page.post(EVENTS, json=event).json()["data"][0]


def test_where_it_would_take_a_hundred_runs_there_is_no_button(page: TestClient, tiny_model: Path) -> None:
    assert page.get("/config").text.count('"Why?"') == 2
    with TestClient(create_app(samekind.load(tiny_model)), base_url="http://127.0.0.1") as client:
        assert '"Why?"' not in client.get("/config").text
