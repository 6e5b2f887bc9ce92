"""A service that a proxy shows below a path: the page, its documentation, and what the proxy may do with the path."""

from __future__ import annotations

import re

import pytest

from samekind.errors import ServeError
from samekind.server.http.sub_path import checked_root_path, enter_sub_path, prefix_of

SAYS = {"X-Forwarded-Prefix": "/samekind"}


def scope(path: str, said: str | None = None) -> dict[str, object]:
    headers = [] if said is None else [(b"x-forwarded-prefix", said.encode("latin-1"))]
    return {"type": "http", "path": path, "raw_path": path.encode(), "headers": headers}


@pytest.mark.parametrize(
    ("path", "said", "option", "inner", "prefix"),
    [
        ("/docs", None, "", "/docs", ""),
        ("/docs", "/a/b", "", "/docs", "/a/b"),
        ("/a/b/docs", "/a/b/", "", "/docs", "/a/b"),
        ("/a/b", "/a/b", "", "/", "/a/b"),
        ("/ab/docs", "/a", "", "/ab/docs", "/a"),
        ("/docs", None, "/c", "/docs", "/c"),
        ("/c/docs", None, "/c", "/docs", "/c"),
        ("/docs", "/a", "/c", "/docs", "/a"),
        ("/docs", "https://evil.example", "", "/docs", ""),
        ("/docs", "//evil.example", "/c", "/docs", "/c"),
        ("/docs", '/a"><script>', "", "/docs", ""),
    ],
)
def test_the_path_and_the_prefix(path: str, said: str | None, option: str, inner: str, prefix: str) -> None:
    request = scope(path, said)
    enter_sub_path(request, option)
    assert (request["path"], request["raw_path"], prefix_of(request)) == (inner, inner.encode(), prefix)


@pytest.mark.parametrize("path", ["samekind", "//host", "/a b", "/a?b", "https://host/samekind"])
def test_what_is_no_root_path(path: str) -> None:
    with pytest.raises(ServeError, match="the root path is one such as /samekind"):
        checked_root_path(path)


def test_the_page_names_the_path_below_which_it_is_seen(service) -> None:
    with service.client() as client:
        for address in ("/", "/samekind/"):
            page = client.get(address, headers=SAYS)
            assert re.search(r'"root":"([^"]*)"', page.text)[1] == f"{service.url}/samekind"
            assert page.headers["cache-control"] == "no-store"
        assert re.search(r'"root":"([^"]*)"', client.get("/").text)[1] == service.url


def test_the_page_and_its_documentation_ask_for_nothing_beside_it(service) -> None:
    with service.client() as client:
        for address in ("/", "/docs"):
            text = client.get(address, headers=SAYS).text
            asked = re.findall(r"""(?:src|href|url)[=:]\s?\\?["'](/[^"'\\]*)""", text)
            # Gradio names a manifest for telephones, which the gate lets nobody have.
            assert {path for path in asked if not path.startswith("/samekind/")} <= {"/manifest.json"}
        assert client.get("/openapi.json", headers=SAYS).json()["servers"] == [{"url": "/samekind"}]
        assert "servers" not in client.get("/openapi.json").json()
        found = re.findall(r"""["'](/samekind/[^"']+)""", client.get("/docs", headers=SAYS).text)
        assert len(found) >= 3
        assert [client.get(path, headers=SAYS).status_code for path in found] == [200] * len(found)


def test_the_api_is_there_too(service) -> None:
    with service.client() as client:
        assert client.get("/samekind/api/v1/readyz", headers=SAYS).json() == {"status": "ready"}
        assert client.get("/samekind/api/v1/readyz").status_code == 404
