"""The guard around an app that is none of ours."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from samekind.server.http.access import Access
from samekind.server.http.guard import Guard
from samekind.server.limits import Limits
from samekind.server.prometheus import Metrics


def test_no_origin_reaches_the_app_and_no_permission_leaves_it() -> None:
    async def echo(scope, receive, send) -> None:
        seen = Request(scope).headers
        headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
        await Response(" ".join(sorted(seen.keys())), headers=headers)(scope, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(echo, Limits(), Access(), Metrics()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/", headers={"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"})

    answer = asyncio.run(ask())
    assert "host" in answer.text.split()
    assert not {"origin", "x-forwarded-host"} & set(answer.text.split())
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("expects", [True, False])
def test_a_client_that_waits_to_be_invited_is_refused_without_an_invitation(expects) -> None:
    headers = [(b"host", b"x"), (b"content-length", b"9000"), *([(b"expect", b"100-continue")] if expects else [])]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/verify", "headers": headers}
    asked, sent = [], []

    async def receive() -> dict[str, object]:
        asked.append(True)
        return {"type": "http.request", "body": bytes(9000), "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(Guard(None, Limits(request_bytes=5000), Access(), Metrics())(scope, receive, send))
    assert (sent[0]["status"], bool(asked)) == (413, not expects)
    assert ((b"connection", b"close") in sent[0]["headers"]) is expects
