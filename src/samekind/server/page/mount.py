"""Gradio behind a gate: only what the page itself uses gets through.

Gradio brings routes that take files to disk, fetch addresses, stream and proxy. The page needs none of them, so none
of them can be reached.
"""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import gradio
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from samekind.server.limits import Limits
from samekind.server.page.blocks import build_blocks
from samekind.server.problems import Problem
from samekind.server.service import Service

_EVENTS = "/gradio_api/run/predict"
# Three pictures as the wells send them at most; JSON is parsed whole, and twice.
_EVENT_BYTES = 24_000_000
_FILES = frozenset({"/", "/config", "/theme.css", "/favicon.ico"})
_FOLDERS = ("/assets/", "/static/")


class Page:
    """The page as an ASGI app that takes its own addresses only."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """What must be entered while the page is served."""
        return self._app.router.lifespan_context(self._app)

    def takes(self, scope: Scope) -> bool:
        """Whether a request is for the page."""
        if scope["method"] == "POST":
            return bool(scope["path"] == _EVENTS)
        path: str = scope["path"]
        return scope["method"] in {"GET", "HEAD"} and (path in _FILES or path.startswith(_FOLDERS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that the page takes."""
        scope["samekind.path"] = "page"
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            body = _stateless(await Request(scope, receive).body())
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        except ClientDisconnect:
            return
        length = (b"content-length", str(len(body)).encode())
        headers = [pair for pair in scope["headers"] if pair[0] not in {b"content-length", b"transfer-encoding"}]
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app({**scope, "headers": [*headers, length]}, receive_again, send)


def build_page(service: Service, limits: Limits) -> Page:
    """The page for a service."""
    host = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    blocks, look = build_blocks(service, limits)
    gradio.mount_gradio_app(host, blocks, path="/", run_history=False, footer_links=[], ssr_mode=False, **look)
    return Page(host)


def _stateless(body: bytes) -> bytes:
    """An event of the page without its session, for which Gradio would keep memory; and without files.

    Raises:
        Problem: It is no event, or holds what Gradio would take for a file: it would fetch or copy what it names.
    """
    if len(body) > _EVENT_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "these pictures are too large for the page")
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("data"), list):
        raise Problem(HTTPStatus.BAD_REQUEST, "this is not an event of the page")
    if _names_a_file(event["data"]):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "pictures are sent as such, not as the names of files")
    kept = {key: event[key] for key in ("data", "fn_index", "trigger_id") if key in event}
    return json.dumps(kept).encode()


def _names_a_file(value: Any) -> bool:
    if isinstance(value, dict):
        return "path" in value or "meta" in value or any(map(_names_a_file, value.values()))
    return isinstance(value, list) and any(map(_names_a_file, value))
