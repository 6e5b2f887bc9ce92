"""What stands in front of the app: bounds on bodies and time, who may ask, and security headers.

Plain ASGI, so that a body is bounded while it arrives, before anything has parsed a byte of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samekind.server.http.access import Access
from samekind.server.http.problems import Problem, busy
from samekind.server.http.sub_path import checked_root_path, enter_sub_path
from samekind.server.limits import Limits
from samekind.server.prometheus import Metrics

_LINGER_SECONDS = 2.0

# Gradio would allow any origin that asks to read its answers, and make its links from whatever host a client names.
_NOT_PASSED_ON = frozenset({b"origin", b"x-forwarded-host"})

# Gradio compiles its templates in the browser, hence unsafe-eval; nothing may be loaded from, or sent to, another host.
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {ancestors}"
)


class Guard:
    """The outermost layer of the service.

    Args:
        app: What it guards.
        limits: The bounds.
        access: Who may ask.
        metrics: Where requests are counted.
        root_path: The path below which a proxy shows the service, such as ``/samekind``.

    Raises:
        ServeError: There can be no such path.

    Attributes:
        draining: Set when the service is about to end: each answer then closes its connection.
        held_bytes: The bytes of all bodies that are being received or judged.
    """

    def __init__(self, app: ASGIApp, limits: Limits, access: Access, metrics: Metrics, root_path: str = "") -> None:
        self.draining = False
        self.held_bytes = 0
        self._app, self._limits, self._access, self._metrics = app, limits, access, metrics
        self._root_path = checked_root_path(root_path)
        ancestors = " ".join(access.frame_ancestors) or "'none'"
        self._headers = {
            "Content-Security-Policy": _PAGE_POLICY.format(ancestors=ancestors),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        if not access.frame_ancestors:
            self._headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is no request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        enter_sub_path(scope, self._root_path)
        body = _Body(scope, receive, self._limits, self._hold)

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                arrived = await body.let_arrive()
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                headers.update(self._headers)
                if scope["path"].startswith("/api/"):
                    headers["Cache-Control"] = "no-store"
                if self.draining or not arrived:
                    headers["Connection"] = "close"
            await send(message)

        try:
            try:
                self._access.check(scope)
                body.check_length()
                scope["headers"] = [header for header in scope["headers"] if header[0] not in _NOT_PASSED_ON]
            except Problem as problem:
                await problem.response()(scope, body, guarded_send)
            else:
                await self._app(scope, body, guarded_send)
        finally:
            self._hold(-body.held)
            path = str(getattr(scope.get("route"), "path", scope.get("samekind.path", "other")))
            self._metrics.count_request(scope["method"], path, status, time.perf_counter() - start)

    def _hold(self, size: int) -> None:
        if size > 0 and self.held_bytes + size > self._limits.held_bytes:
            raise busy("too many uploads at the same time; try again in a moment")
        self.held_bytes += size


class _Body:
    """The receiving side of one request, bounded."""

    def __init__(self, scope: Scope, receive: Receive, limits: Limits, hold: Callable[[int], None]) -> None:
        self.held = 0
        self._headers = Headers(scope=scope)
        self._receive, self._limits, self._hold = receive, limits, hold
        self._arrived = not ("content-length" in self._headers or "transfer-encoding" in self._headers)
        self._slow = False
        # To read from a client that waits to be invited would invite it.
        self._uninvited = not self._arrived and "expect" in self._headers
        self._deadline = asyncio.get_running_loop().time() + limits.body_seconds

    def check_length(self) -> None:
        """Refuse a body that says itself that it is too large."""
        length = self._headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.request_bytes:
            raise self._too_large()

    async def __call__(self) -> Message:
        if self._arrived:
            return await self._receive()
        message = await self._next(self._deadline)
        size = len(message.get("body", b""))
        if self.held + size > self._limits.request_bytes:
            raise self._too_large()
        self._hold(size)
        self.held += size
        return message

    async def let_arrive(self) -> bool:
        """Take in and throw away what is still on its way, for a moment: a client that is sending does not listen."""
        thrown_away, until = 0, asyncio.get_running_loop().time() + _LINGER_SECONDS
        while not (self._arrived or self._slow or self._uninvited) and thrown_away < self._limits.request_bytes:
            try:
                thrown_away += len((await self._next(until)).get("body", b""))
            except Problem:
                break
        return self._arrived

    async def _next(self, deadline: float) -> Message:
        self._uninvited = False
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            self._slow = True
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {self._limits.body_seconds:g} seconds"
            ) from None
        self._arrived = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _too_large(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is larger than {self._limits.request_bytes:,} bytes"
        )
