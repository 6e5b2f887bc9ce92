"""Running the service: one process, bounded connections, and an end that loses nothing that was accepted."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from samekind.errors import ServeError
from samekind.server.http.guard import Guard
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits

# While draining, clients learn from each answer to close their connection, and balancers from /readyz to stay away.
_DRAIN_SECONDS = 1.0
_LAST_CALL_SECONDS = 0.5
_FINISH_SECONDS = 30
_BACKLOG = 512


def run(
    app: Guard,
    *,
    host: str,
    port: int,
    limits: Limits,
    access_log: bool = False,
    on_listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what was accepted.

    Args:
        app: From ``create_app``.
        host: The address to listen on.
        port: The port; 0 picks a free one.
        limits: Those of the app.
        access_log: Whether to write a line for each request.
        on_listening: Called with the address of the service, as a browser on this machine can open it.

    Raises:
        ServeError: The host has no address, or uvicorn is not as it was.
        OSError: The address cannot be listened on.
    """
    check_uvicorn()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_protocol(limits),
        ws="none",
        lifespan="on",
        # Warnings tell of what strangers send wrongly; they would fill the log, and the strangers are told.
        log_level="info" if access_log else "error",
        access_log=access_log,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        timeout_keep_alive=limits.idle_seconds,
    )
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    print(f"samekind serves at {_address(host, port)}", flush=True)  # noqa: T201 - for a person
    on_listening(_address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port))  # noqa: S104 - not listened on
    for ending in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn has its own handlers while it serves; when all is done it raises the signal again.
        signal.signal(ending, _leave)
    _Server(config, app).run(sockets=[listener])


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _leave(*_: object) -> None:
    """To end when asked is no failure."""
    sys.exit(0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServeError(f"{host}: no address of this machine ({getattr(error, 'strerror', error)})") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)  # from here on clients wait rather than being refused
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on port {port} ({error.strerror})", host) from error
    return listener


class _Server(uvicorn.Server):
    """Before it closes anything, lets the clients of open connections finish and go."""

    def __init__(self, config: uvicorn.Config, app: Guard) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.draining = True
        until = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        while asyncio.get_running_loop().time() < until and not self.force_exit:
            await asyncio.sleep(0.05)
        # Closing a listener resets the connections that wait to be accepted, so they are taken in right before.
        taken = [
            asyncio.ensure_future(self._take_in(each)) for listener in sockets or () for each in _waiting(listener)
        ]
        await super().shutdown(sockets)
        await asyncio.gather(*taken, return_exceptions=True)

    async def _take_in(self, connection: socket.socket) -> None:
        def protocol() -> asyncio.Protocol:
            kind: Any = self.config.http_protocol_class
            made: asyncio.Protocol = kind(self.config, self.server_state, self.lifespan.state)
            return made

        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that a listener, which does not block, has not handed out yet."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # of which BlockingIOError is one: there are no more
            return
        connection.setblocking(False)
        yield connection


# What BoundedProtocol and _Server extend or read; uvicorn does not promise that it stays.
_NEEDED = (
    *("connection_made", "connection_lost", "data_received", "pause_writing", "resume_writing"),
    *("on_response_complete", "shutdown", "send_400_response"),
    *("conn", "connections", "transport", "loop", "timeout_keep_alive_task"),
)


def check_uvicorn(protocol: Callable[..., H11Protocol] = H11Protocol) -> None:
    """Make sure that uvicorn still is as the bounds on connections need it.

    Raises:
        ServeError: It is not; the message says what is gone.
    """
    no_app, no_loop = object(), object()
    made = protocol(uvicorn.Config(no_app, log_config=None), ServerState(), {}, no_loop)  # type: ignore[arg-type]
    if gone := [name for name in _NEEDED if not hasattr(made, name)]:
        raise ServeError(
            f"uvicorn {uvicorn.__version__}: its protocol has no {gone[0]} any more, by which connections are bounded; "
            'install a version that samekind was tested with: pip install "uvicorn>=0.34,<0.60"'
        )


def _protocol(limits: Limits) -> type[H11Protocol]:
    class BoundedProtocol(H11Protocol):
        """Closes connections beyond the limit, and those of clients that send a head or take an answer too slowly."""

        _head_timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transport.set_write_buffer_limits(high=0)  # to be told of every byte that the client does not take
            if len(self.connections) > limits.connections:
                self._make_room()
            self._time_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            self._stop_write_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # Idle is what a client is called that has not sent a whole head; between requests keep-alive watches.
            if self.conn.their_state is h11.IDLE:
                self._time_head()
            else:
                self._stop_timer()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stop_write_timer()
            self._write_timer = self.loop.call_later(limits.write_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_write_timer()
            super().resume_writing()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
                self._time_head()

        def _make_room(self) -> None:
            """Close a connection between two of its requests, or else this one: idle ones must not keep others out."""
            others: Any = self.connections - {self}
            next((other for other in others if other.timeout_keep_alive_task), self).transport.abort()

        def shutdown(self) -> None:
            # A request may be on its way on a connection that looks idle; it has a moment to arrive.
            self.loop.call_later(_LAST_CALL_SECONDS, self._close)

        def _close(self) -> None:
            if not self.transport.is_closing():
                super().shutdown()

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message says less
            document = Problem(HTTPStatus.BAD_REQUEST, "this is not HTTP as RFC 9112 has it").response()
            headers: list[tuple[Any, Any]] = [*document.raw_headers, (b"connection", b"close")]
            reply = h11.Response(status_code=HTTPStatus.BAD_REQUEST, headers=headers, reason=b"Bad Request")
            for event in (reply, h11.Data(data=bytes(document.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _time_head(self) -> None:
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(limits.header_seconds, self.transport.abort)

        def _stop_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _stop_write_timer(self) -> None:
            if self._write_timer is not None:
                self._write_timer.cancel()
                self._write_timer = None

    return BoundedProtocol
