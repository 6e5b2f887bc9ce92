"""Gradio behind a gate: only what the page itself uses gets through.

Gradio brings routes that take files to disk, fetch addresses, stream and proxy. The page needs none of them, so none
of them can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import gradio
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from samekind.errors import ServeError
from samekind.server.http.problems import Problem
from samekind.server.http.sub_path import prefix_of
from samekind.server.limits import Limits
from samekind.server.page.blocks import build_blocks
from samekind.server.page.events import log_without_data
from samekind.server.page.payload import read_event
from samekind.server.service import Service

_EVENTS = "/gradio_api/run/predict"
_FILES = frozenset({"/", "/config", "/theme.css", "/favicon.ico"})
_FOLDERS = ("/assets/", "/static/")
# The rest stays outside: Gradio would answer to any Origin, and take the page's address from X-Forwarded-Host.
_HEADERS = frozenset(
    b"host accept accept-encoding accept-language content-type if-match if-none-match if-modified-since if-range range "
    b"x-forwarded-proto".split()
)


class Page:
    """The page as an ASGI app that takes its own addresses only.

    Args:
        app: Gradio.
        inputs: The components whose values each event brings, by its number.
    """

    def __init__(self, app: FastAPI, inputs: Mapping[int, list[Any]]) -> None:
        self._app, self._inputs = app, inputs

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
        prefix = prefix_of(scope)
        inner = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] in _HEADERS]}
        inner |= {"root_path": prefix, "path": prefix + scope["path"]}
        answer = _Answer(scope, receive, send)
        try:
            if scope["method"] == "POST":
                body = await self._event(Request(scope, receive))
                inner["headers"].append((b"content-length", str(len(body)).encode()))
                receive = _again(body, receive)
            await self._app(inner, receive, answer)
        except Problem as problem:
            await answer.refuse(problem)
        except ClientDisconnect:
            return
        except Exception as error:
            log_without_data(error)
            await answer.refuse(_broken())

    async def _event(self, request: Request) -> bytes:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "an event of the page is application/json")
        return await run_in_threadpool(read_event, await request.body(), self._inputs)


class _Answer:
    """The sending side of one request: errors become problem documents."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._started = self._refused = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._started:
            if message["status"] >= HTTPStatus.BAD_REQUEST:
                self._refused = True
                await self.refuse(self._problem(HTTPStatus(message["status"]), Headers(raw=message["headers"])))
                return
            self._started = True
            headers = MutableHeaders(raw=[pair for pair in message["headers"] if not _allows_origins(pair[0])])
            if self._scope["path"] in {"/", "/config"}:  # they hold the address by which they were asked for
                headers["Cache-Control"] = "no-store"
            message = {**message, "headers": headers.raw}
        if not self._refused:
            await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless there is an answer already."""
        if not self._started:
            self._started = True
            await problem.response()(self._scope, self._receive, self._send)

    def _problem(self, status: HTTPStatus, headers: Headers) -> Problem:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return _broken()
        if self._scope["method"] != "POST" and status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
            status = HTTPStatus.NOT_FOUND  # it was no path of a file
        detail = f"{self._scope['path']}: {status.phrase.lower()}; /docs lists what there is"
        return Problem(status, detail, headers={n: headers[n] for n in ("allow", "content-range") if n in headers})


def build_page(service: Service, limits: Limits) -> Page:
    """The page for a service.

    Raises:
        ServeError: Gradio is not as it was.
    """
    host = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    blocks, look = build_blocks(service, limits)
    gradio.mount_gradio_app(
        host, blocks, path="/", run_history=False, footer_links=[], ssr_mode=False, show_error=False, **look
    )
    try:
        inputs = {number: list(event.inputs) for number, event in blocks.fns.items()}
    except AttributeError as error:
        raise ServeError(
            f"gradio {gradio.__version__}: events do not name their inputs as they did ({error}); "
            'install a version that samekind was tested with: pip install "gradio>=6.31,<7"'
        ) from error
    return Page(host, inputs)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that was taken in already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _allows_origins(header: bytes) -> bool:
    return header.lower().startswith(b"access-control-")


def _broken() -> Problem:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the page failed at this request; the service's log says how")
