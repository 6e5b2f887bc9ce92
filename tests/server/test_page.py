"""What the page does without a browser: the gate in front of Gradio, the pictures it gets, the rates it shows."""

from __future__ import annotations

import asyncio
import base64
import os
import tracemalloc
from collections.abc import Iterator

import gradio
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

import samekind
from samekind.model_file.calibration import MeasuredOn, OperatingPoint, PairCalibration, TrioCalibration
from samekind.server.app import create_app
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits
from samekind.server.page.events import discreet
from samekind.server.page.gallery.markup import Shown, names_list, pager, pair, picture_grid
from samekind.server.page.markup import context_note, error_box, triangle, verdict_card
from samekind.server.page.mount import Page
from samekind.server.page.payload import read_event
from samekind.server.page.picture_inputs import others_of, pictures_of
from samekind.server.page.tradeoff import same_strictness, slider_range, trade_at

EVENTS = "/gradio_api/run/predict"
MEASURED = MeasuredOn(description="a test", images=10, classes=3, positives=20, negatives=25)
POINTS = {
    "balanced": OperatingPoint(threshold=0.4012, far=0.02, tar=0.97),
    "strict": OperatingPoint(threshold=0.8, far=0.01, tar=0.9),
}
CALIBRATIONS = [
    PairCalibration(scale=10.0, bias=-4.0, operating_points=POINTS, measured_on=MEASURED),
    TrioCalibration(weights=(10.0, 1.0, 0.5), bias=-6.0, operating_points=POINTS, measured_on=MEASURED),
]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/queue/join"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/proxy=https://example.org"),
        ("GET", "/gradio_api/info"),
        ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/heartbeat/abc"),
        ("GET", "/file=/etc/passwd"),
        ("POST", "/run/predict"),
        ("GET", "/assets/../../../etc/passwd"),
        ("GET", "/static/..%2f..%2f..%2fetc%2fpasswd"),
        ("POST", "/"),
    ],
)
def test_the_rest_of_gradio_cannot_be_reached(service, method, path) -> None:
    with service.client() as client:
        answer = client.request(method, path, json={"data": []} if method == "POST" else None)
    assert answer.status_code in {403, 404, 405}
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[1]", 400),
        (b"[" * 100_000, 400),
        (b'{"data": {}}', 400),
        (b'{"data": ["' + b"a" * 24_000_000 + b'"]}', 413),
        (b'{"data": [{"path": "http://127.0.0.1/x", "meta": {"_type": "gradio.FileData"}}], "fn_index": 0}', 422),
        (b'{"data": [[{"p\\u0061th": "/etc/passwd"}], 0.3], "fn_index": 0}', 422),
        (b'{"data": [null, 0.3], "fn_index": 0, "x": [' + b"{}," * 100 + b"{}]}", 400),
        (b'{"data": [' + b"[" * 600 + b"]" * 600 + b', 0.3], "fn_index": 0}', 400),
        (b'{"data": [null, 0.3], "fn_index": 99}', 422),
        (b'{"data": [null, 0.3], "fn_index": true}', 422),
        (b'{"data": [null, 0.3], "fn_index": ["secret"]}', 422),
        (b'{"data": [null], "fn_index": 0}', 422),
        (b'{"data": [null, "secret"], "fn_index": 0}', 422),
        (b'{"data": [null, 9], "fn_index": 0}', 422),
        (b'{"data": [null, NaN], "fn_index": 0}', 422),
        (b'{"data": ["secret", 0.3], "fn_index": 0}', 422),
    ],
)
def test_an_event_that_is_none_or_names_a_file_is_refused(service, body, status) -> None:
    with service.client() as client:
        answer = client.post(EVENTS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in answer.text


def test_an_event_of_great_structure_costs_little() -> None:
    body = b'{"fn_index": 0, "data": [' + b"{}," * 1_000_000 + b"{}]}"
    tracemalloc.start()
    try:
        with pytest.raises(Problem, match="not an event"):
            read_event(body, {0: []})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_no_event_repeats_the_pictures_that_it_does_not_take(service) -> None:
    picture = "data:image/png;base64,c2VjcmV0"
    with service.client() as client:
        events = client.get("/config").json()["dependencies"]
        for event in events:
            for values in ([{"images": [picture] * 3}], [{"images": [picture]}, 0.5], [{"score": picture}, 0.5]):
                answer = client.post(EVENTS, json={"data": values, "fn_index": event["id"]})
                assert answer.status_code in {200, 422}
                assert "c2VjcmV0" not in answer.text
    assert "c2VjcmV0" not in service.log.read_text()


def test_what_the_slider_sends_back_is_checked(service) -> None:
    found = {"score": 0.4, "probability": 0.7, "similarities": [0.1, 0.2, 0.3], "most_alike": [1, 2]}
    with service.client() as client:
        events = client.get("/config").json()["dependencies"]
        for move in [f["id"] for f in events if [t[1] for t in f["targets"]] == ["change"]][:2]:
            said = client.post(EVENTS, json={"data": [found, 0.3], "fn_index": move}).json()["data"][0]
            assert "sk-verdict" in said
            for broken in ({"score": "x"}, found | {"probability": None}, found | {"most_alike": [1, 10**400]}):
                said = client.post(EVENTS, json={"data": [broken, 0.3], "fn_index": move}).json()["data"][0]
                assert "did not come back whole" in said


def test_a_failure_of_the_page_says_nothing_of_what_it_was_given(caplog) -> None:
    @discreet
    async def fail(value: str) -> None:
        raise ValueError(value)

    with pytest.raises(gradio.Error) as caught:
        asyncio.run(fail("secret"))
    assert caught.value.print_exception is False
    assert "ValueError" in caplog.text
    assert "test_page.py" in caplog.text
    assert "secret" not in f"{caught.value}{caplog.text}"


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "raised"])
def test_an_error_of_gradio_becomes_a_problem_without_its_words(answers, caplog) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if answers:
            await JSONResponse({"error": scope["query_string"].decode()}, 500)(scope, receive, send)
        raise ValueError(scope["query_string"])

    answer = TestClient(Page(broken, {})).get("/config?secret")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text + caplog.text
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("path", ["/static/..%2f..%2fmount.py", "/assets/", "/static/none.js"])
def test_what_is_no_file_of_the_page_is_a_problem(service, path) -> None:
    with service.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_event_is_json_and_says_so(service) -> None:
    with service.client() as client:
        answer = client.post(EVENTS, content=b'{"data": ["secret"]}', headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:samekind:problem:unsupported-media-type")
    assert "secret" not in answer.text


def test_no_other_site_is_allowed_in_and_none_names_the_page() -> None:
    host = FastAPI()
    with gradio.Blocks() as blocks:
        gradio.HTML("a page")
    gradio.mount_gradio_app(host, blocks, path="/", ssr_mode=False)
    client = TestClient(Page(host, {}), base_url="http://example.org")
    names = {"Origin": "http://evil.test", "X-Forwarded-Host": "evil.test", "X-Gradio-Server": "http://evil.test"}
    for path in ("/", "/config"):
        answer = client.get(path, headers=names | {"X-Forwarded-Proto": "https"})
        assert answer.status_code == 200
        assert "evil.test" not in answer.text + str(answer.headers)
        assert "https://example.org" in answer.text
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cache-control"] == "no-store"


def test_an_event_is_answered_with_a_sentence_when_it_makes_no_sense(service) -> None:
    with service.client() as client:
        functions = client.get("/config").json()["dependencies"]
        first = next(f["id"] for f in functions if [target[1] for target in f["targets"]] == ["submit"])
        event = {"data": [{"images": ["data:image/png;base64,eA==", "nonsense"]}, 0.3], "fn_index": first}
        answer = client.post(EVENTS, json=event | {"session_hash": "abc"}).json()
    assert "Second picture: did not arrive whole." in answer["data"][1]


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        {},
        {"images": None},
        {"images": ["data:,"]},
        {"images": [None, None]},
        {"images": ["/etc/passwd"] * 2},
        {"images": ["data:image/png;base64,eA==", "http://127.0.0.1/"]},
        {"images": ["data:image/png;base64,é"] * 2},
    ],
)
def test_values_that_hold_no_pictures_are_refused(value) -> None:
    with pytest.raises(Problem):
        pictures_of(value, 2, Limits())


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_pictures_arrive_as_they_were(first: bytes, second: bytes) -> None:
    urls = [f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in (first, second)]
    assert list(pictures_of({"images": urls}, 2, Limits()).values()) == [first, second]


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=["pair", "trio"])
def test_the_rates_are_the_measured_ones_where_there_are_any(calibration) -> None:
    for name, point in POINTS.items():
        trade = trade_at(calibration, round(point.threshold, 2))
        assert (trade.threshold, trade.measured_at) == (point.threshold, name)
        assert (trade.false_alarms, trade.misses) == (point.far, 1 - point.tar)
    assert trade_at(calibration, 0.6).measured_at is None


@pytest.mark.parametrize("others", [3, ["data:,"], [None] * 10, ["data:image/png;base64,eA=="] * 27, ["http://x/"]])
def test_values_that_hold_no_other_pictures_are_refused(others) -> None:
    with pytest.raises(Problem):
        others_of({"images": [], "among": others}, Limits())


def test_other_pictures_arrive_as_they_were() -> None:
    urls = [f"data:image/png;base64,{base64.b64encode(bytes([number])).decode()}" for number in range(26)]
    assert others_of({"among": urls}, Limits()) == [bytes([number]) for number in range(26)]
    assert others_of({"images": urls}, Limits()) == others_of({"among": []}, Limits()) == []


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=["pair", "trio"])
def test_a_slider_is_as_strict_in_a_context_as_without(calibration) -> None:
    points = {
        "balanced": OperatingPoint(threshold=0.2, far=0.05, tar=0.9),
        "strict": OperatingPoint(threshold=0.3, far=0.02, tar=0.7),
    }
    context = calibration.model_copy(update={"operating_points": points})
    for name, point in POINTS.items():
        assert same_strictness(round(point.threshold, 2), calibration, context) == points[name].threshold
    lowest, highest, _, step = slider_range(calibration)
    moved = [same_strictness(at, calibration, context) for at in np.arange(lowest, highest + step / 2, step)]
    assert (np.diff(moved) >= -1e-12).all()
    assert moved[-1] == pytest.approx(1.0)
    assert same_strictness(0.6, calibration, calibration) == pytest.approx(0.6)


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=["pair", "trio"])
def test_a_higher_threshold_has_fewer_false_alarms_and_more_misses(calibration) -> None:
    lowest, highest, start, step = slider_range(calibration)
    assert lowest < start < highest
    trades = [trade_at(calibration, position) for position in np.arange(lowest, highest + step / 2, step)]
    assert (np.diff([trade.false_alarms for trade in trades]) <= 1e-12).all()
    assert (np.diff([trade.misses for trade in trades]) >= -1e-12).all()


def test_what_is_not_ours_is_escaped() -> None:
    evil = '<script>alert("x")</script>'
    made = [
        verdict_card(True, evil, 0.5, evil, evil),
        error_box(evil),
        context_note(20, evil, evil),
        picture_grid([Shown(evil, evil, evil, evil, evil), Shown(evil, None, evil)]),
        pair(Shown(evil, evil, evil, evil, evil), Shown(evil, None, evil), None, "", evil),
        names_list([evil]),
        pager(1, 3, evil),
        triangle((0.1, 0.2, 0.3), (0, 1)),
    ]
    assert all("<script" not in html for html in made)


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is_one() -> None:
    html = picture_grid(
        Shown(name, "", "50 %", address="gallery/1") for name in (os.fsdecode(b"colours/caf\xe9.png"), "é.png")
    )
    assert html.encode()
    assert ">caf\\xe9.png<" in html
    assert ">é.png<" in html


@pytest.fixture
def adaptable_page(adaptable_model) -> Iterator[TestClient]:
    app = create_app(samekind.load(adaptable_model, threads=1))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def test_the_page_judges_among_twenty_other_pictures(adaptable_page, adaptable_model, many_colours) -> None:
    contents = [path.read_bytes() for path in sorted(many_colours.glob("*/*.png"))]
    urls = [f"data:image/png;base64,{base64.b64encode(content).decode()}" for content in contents]
    bare = samekind.load(adaptable_model)
    mine = bare.adapt(contents[3:])
    events = adaptable_page.get("/config").json()["dependencies"]
    judge = [event["id"] for event in events if [target[1] for target in event["targets"]] == ["submit"]]
    move = [event["id"] for event in events if [target[1] for target in event["targets"]] == ["change"]]
    for count, verdicts, point in (
        (2, (bare.verify(*contents[:2]), mine.verify(*contents[:2])), mine.card.pair.balanced),
        (3, (bare.verify_trio(*contents[:3]), mine.verify_trio(*contents[:3])), mine.card.trio.balanced),
    ):
        for among, verdict in zip(([], urls[3:]), verdicts, strict=True):
            value = {"images": urls[:count], "among": among}
            event = {"data": [value, 0.5], "fn_index": judge[count - 2], "session_hash": "a", "event_data": None}
            found, said, traded = adaptable_page.post(EVENTS, json=event | {"trigger_id": 3}).json()["data"]
            assert found["probability"] == pytest.approx(verdict.probability, abs=1e-5)
            assert ("sk-yes" in said) == verdict.same
            assert (f"was measured on {verdict.rates_from}." in said, verdict.rates_from in traded) == (True, True)
            assert ("Judged among 21 pictures" in said) == bool(among)
            event = {"data": [found, 0.5], "fn_index": move[count - 2]}
            assert adaptable_page.post(EVENTS, json=event).json()["data"] == [said, traded]
        assert f"Threshold {point.threshold:.2f}; measured at the setting <b>balanced</b>" in traded
        event = {"data": [{"images": urls[:count], "among": urls[:9]}, 0.5], "fn_index": judge[count - 2]}
        assert "Among: 9 readable pictures; at least 10" in adaptable_page.post(EVENTS, json=event).json()["data"][1]


def test_where_a_model_cannot_be_adapted_the_page_does_not_offer_it(service, adaptable_page) -> None:
    with service.client() as client:
        assert "Judge among your own pictures" not in client.get("/config").text
    assert adaptable_page.get("/config").text.count("Judge among your own pictures") == 2
