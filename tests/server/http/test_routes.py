from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from samekind.server.http.routes import _unless_gone


def test_work_is_given_up_when_its_client_leaves() -> None:
    async def ask() -> tuple[str, bool]:
        left, given_up = asyncio.Event(), False

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def quick() -> str:
            return "done"

        async def endless() -> None:
            nonlocal given_up
            try:
                await asyncio.Event().wait()
            finally:
                given_up = True

        request = Request({"type": "http"}, receive)
        done = await _unless_gone(request, quick())
        left.set()
        with pytest.raises(ClientDisconnect):
            await _unless_gone(request, endless())
        await asyncio.sleep(0)
        return done, given_up

    assert asyncio.run(asyncio.wait_for(ask(), 60)) == ("done", True)
