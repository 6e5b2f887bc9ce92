from __future__ import annotations

import pytest

from samekind.server.http.access import open_access
from samekind.server.http.problems import Problem


def scope(host: str, method: str = "GET", **headers: str) -> dict[str, object]:
    raw = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": "http",
        "method": method,
        "path": "/api/v1/model",
        "headers": [(name.encode(), value.encode()) for name, value in raw.items()],
    }


@pytest.mark.parametrize(
    ("allowed", "called"),
    [
        ("Photos.Example", "photos.example"),
        ("photos.example:8443", "PHOTOS.example:8443"),
        ("photos.example", "photos.example:80"),
        ("fd00::A", "[fd00::a]:8000"),
        ("[fd00::a]:8000", "[fd00::a]"),
    ],
)
def test_an_allowed_host_is_known_in_any_case_and_at_any_port(allowed, called) -> None:
    access = open_access("127.0.0.1", hosts=[allowed])
    access.check(scope(called))
    with pytest.raises(Problem, match="does not answer"):
        access.check(scope("other.example"))


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://public.example"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"origin": "http://LOCALHOST:8000"}, True),
        ({"origin": "http://localhost:9000"}, False),
        ({"sec_fetch_site": "same-site", "origin": "http://localhost:9000"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_what_a_page_elsewhere_makes_a_browser_send_is_refused(headers, passes) -> None:
    access = open_access("127.0.0.1")
    access.check(scope("localhost:8000", **headers))  # to read is for the browser to forbid
    if passes:
        access.check(scope("localhost:8000", "POST", **headers))
    else:
        with pytest.raises(Problem) as caught:
            access.check(scope("localhost:8000", "POST", **headers))
        assert caught.value.status == 403
