"""The guard around an app that is none of ours."""

from __future__ import annotations

import asyncio

import httpx
from starlette.requests import Request
from starlette.responses import Response

from samekind.server.access import Access
from samekind.server.guard import Guard
from samekind.server.limits import Limits
from samekind.server.metrics import Metrics


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
