"""HEAD, as health checks send it: what GET would answer, without the body (RFC 9110, section 9.3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an app that knows GET only answer a HEAD request."""

    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    inner = {**scope, "method": "GET"}
    await app(inner, receive, send_without_body)
    for key in ("route", "samekind.path"):  # what the guard counts requests by
        if key in inner:
            scope[key] = inner[key]
