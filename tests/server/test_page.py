"""What the page does without a browser: the gate in front of Gradio, the pictures it gets, the rates it shows."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.card import MeasuredOn, OperatingPoint, PairLink, TrioLink
from samekind.server.limits import Limits
from samekind.server.page.answers import apology, picture_grid, triangle, verdict_card
from samekind.server.page.tradeoff import slider_range, trade_at
from samekind.server.page.wells import pictures_of
from samekind.server.problems import Problem

MEASURED = MeasuredOn(description="a test", images=10, classes=3, positives=20, negatives=25)
POINTS = {
    "balanced": OperatingPoint(threshold=0.4012, far=0.02, tar=0.97),
    "strict": OperatingPoint(threshold=0.8, far=0.01, tar=0.9),
}
LINKS = [
    PairLink(scale=10.0, bias=-4.0, operating_points=POINTS, measured_on=MEASURED),
    TrioLink(weights=(10.0, 1.0, 0.5), bias=-6.0, operating_points=POINTS, measured_on=MEASURED),
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
    ],
)
def test_an_event_that_is_none_or_names_a_file_is_refused(service, body, status) -> None:
    with service.client() as client:
        answer = client.post("/gradio_api/run/predict", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_an_event_is_answered_with_a_sentence_when_it_makes_no_sense(service) -> None:
    with service.client() as client:
        functions = client.get("/config").json()["dependencies"]
        first = next(f["id"] for f in functions if [target[1] for target in f["targets"]] == ["submit"])
        event = {"data": [{"images": ["data:image/png;base64,eA==", "nonsense"]}, 0.3], "fn_index": first}
        answer = client.post("/gradio_api/run/predict", json=event | {"session_hash": "abc"}).json()
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


@pytest.mark.parametrize("link", LINKS, ids=["pair", "trio"])
def test_the_rates_are_the_measured_ones_where_there_are_any(link) -> None:
    for name, point in POINTS.items():
        trade = trade_at(link, round(point.threshold, 2))
        assert (trade.threshold, trade.measured_at) == (point.threshold, name)
        assert (trade.false_alarms, trade.misses) == (point.far, 1 - point.tar)
    assert trade_at(link, 0.6).measured_at is None


@pytest.mark.parametrize("link", LINKS, ids=["pair", "trio"])
def test_a_higher_threshold_has_fewer_false_alarms_and_more_misses(link) -> None:
    lowest, highest, start, step = slider_range(link)
    assert lowest < start < highest
    trades = [trade_at(link, position) for position in np.arange(lowest, highest + step / 2, step)]
    assert (np.diff([trade.false_alarms for trade in trades]) <= 1e-12).all()
    assert (np.diff([trade.misses for trade in trades]) >= -1e-12).all()


def test_what_is_not_ours_is_escaped() -> None:
    evil = '<script>alert("x")</script>'
    made = [
        verdict_card(True, evil, 0.5, evil, evil),
        apology(evil),
        picture_grid([(evil, None, evil)]),
        triangle((0.1, 0.2, 0.3), (0, 1)),
    ]
    assert all("<script" not in html for html in made)
