from __future__ import annotations

import asyncio
import socket
import time

import pytest
import uvicorn
from uvicorn.server import ServerState

from samekind.errors import ServeError
from samekind.server.limits import Limits
from samekind.server.runner import _protocol, check_uvicorn, run


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(ServeError, match=r"^no\.such\.invalid: no address"):
        run(None, host="no.such.invalid", port=0, limits=Limits())


async def large(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000000")]})
    for _ in range(50):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("reads", [False, True])
def test_a_client_that_does_not_read_is_left_and_one_that_reads_gets_all(reads) -> None:
    async def serve() -> tuple[int, float]:
        loop, state = asyncio.get_running_loop(), ServerState()
        config = uvicorn.Config(large, lifespan="off", log_config=None)
        config.load()
        # Where the client reads, a machine that stands still for a moment must not count against it.
        kind = _protocol(Limits(write_seconds=30 if reads else 0.5))
        server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.setblocking(False)
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received, begun = 0, time.monotonic()
            while not state.connections:
                await asyncio.sleep(0.01)
            while reads and (data := await loop.sock_recv(client, 1_000_000)):
                received += len(data)
            while state.connections:
                await asyncio.sleep(0.01)
            server.close()
            return received, time.monotonic() - begun

    received, seconds = asyncio.run(asyncio.wait_for(serve(), 300))
    assert received > 50_000_000 if reads else seconds >= 0.4


def test_a_uvicorn_that_has_changed_is_named() -> None:
    class Other:
        connection_made = connection_lost = data_received = pause_writing = resume_writing = on_response_complete = None

        def __init__(self, *_: object) -> None:
            pass

    check_uvicorn()
    with pytest.raises(ServeError, match=r'uvicorn .* has no shutdown any more.*pip install "uvicorn>=0\.34,<'):
        check_uvicorn(Other)


def test_an_idle_connection_outlives_that_of_a_balancer() -> None:
    assert Limits().idle_seconds > 60
