from __future__ import annotations

import pytest


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/readyz", "/metrics", "/api/v1/model", "/docs", "/"])
def test_head_is_get_without_the_body(service, path: str) -> None:
    with service.client() as client:
        head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize(("path", "status"), [("/api/v1/verify", 405), ("/nothing", 404)])
def test_head_of_what_get_refuses_is_refused(service, path: str, status: int) -> None:
    with service.client() as client:
        assert client.head(path).status_code == status
        assert client.get("/healthz").status_code == 200  # the connection is as it was
