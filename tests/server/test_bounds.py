"""Limits on bytes, time, connections; hosts, keys, the end: pressed over plain sockets."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from commands import command, run
from PIL import Image
from services import start

HEAD = "POST /api/v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"


def until(what: str, true: Callable[[], bool]) -> None:
    """Wait for something, for longer than any machine takes to get there."""
    patience = time.monotonic() + 300
    while not true():
        assert time.monotonic() < patience, f"never came: {what}"
        time.sleep(0.05)


def part(name: str, content: bytes) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\nContent-Type: image/png\r\n\r\n'
    return head.encode() + content + b"\r\n"


def verify_request(photo: Path) -> bytes:
    body = part("first", photo.read_bytes()) + part("second", photo.read_bytes()) + b"--x--\r\n"
    return f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body


def talk(port: int, *pieces: bytes, pause: float = 0.0, patience: float = 300) -> bytes:
    """Send the pieces, and meanwhile read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:

        def send() -> None:
            with contextlib.suppress(OSError):
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)

        sender = threading.Thread(target=send)
        sender.start()
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                received += data
    sender.join()
    return received


def problem_in(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    return json.loads(body)


def test_a_body_too_large_by_its_own_word_is_refused_at_once(limited) -> None:
    running = limited(request_bytes=5000)
    answer = talk(running.port, f"{HEAD}Content-Length: 6000\r\nConnection: close\r\n\r\n".encode() + b"a" * 6000)
    assert problem_in(answer)["type"] == "urn:samekind:problem:too-large"


def test_a_body_that_turns_out_too_large_is_refused_while_it_arrives(limited) -> None:
    running = limited(request_bytes=5000)
    chunk = b"400\r\n" + b"a" * 1024 + b"\r\n"
    first = part("first", b"a")[:-2]
    start = f"{HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{len(first):x}\r\n".encode()
    answer = talk(running.port, start + first + b"\r\n", *[chunk] * 10, b"0\r\n\r\n")
    problem = problem_in(answer)
    assert (problem["status"], problem["detail"]) == (413, "the request is larger than 5,000 bytes")


def test_one_file_too_large_is_named(limited, photo) -> None:
    running = limited(image_bytes=300)
    with running.client() as client:
        answer = client.post("/api/v1/verify", files={"first": b"small", "second": photo().read_bytes()})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (413, "second")


def test_one_file_too_large_is_refused_while_it_arrives(limited) -> None:
    running = limited(image_bytes=300, body_seconds=600)
    # The rest of the body never comes, and the answer does not wait for it.
    answer = talk(running.port, f"{HEAD}Content-Length: 100000\r\n\r\n".encode() + part("first", b"a" * 400))
    assert problem_in(answer)["errors"] == [{"field": "first", "detail": "larger than 300 bytes"}]


def test_a_slow_head_is_cut_off(limited) -> None:
    running = limited(header_seconds=0.5)
    # One that is not cut off waits for the rest of the head until ``talk`` loses patience, which is an error.
    assert talk(running.port, b"GET / HT", *[b"T"] * 4, pause=0.4) == b""
    with running.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_slow_head_is_cut_off_on_a_connection_that_was_used(limited) -> None:
    running = limited(header_seconds=2)
    whole = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    # Between these bytes less time passes than keep-alive allows.
    answer = talk(running.port, whole, b"GET /he", *[b"a"] * 6, pause=0.6)
    assert answer.count(b"HTTP/1.1 200") == 1


def test_a_slow_body_gets_408(limited) -> None:
    running = limited(body_seconds=0.5)
    start = f"{HEAD}Content-Length: 1000\r\n\r\n".encode() + part("first", b"")
    answer = talk(running.port, start, *[b"a"] * 4, pause=0.3)
    assert problem_in(answer)["status"] == 408


def test_bodies_held_at_the_same_time_are_bounded(limited) -> None:
    running = limited(held_bytes=100_000, body_seconds=600)
    start = f"{HEAD}Content-Length: 80000\r\n\r\n".encode() + b"a" * 70_000
    with socket.create_connection(("127.0.0.1", running.port)) as first:
        first.sendall(start)
        with running.client() as client:
            until("what the first has sent was read", lambda: "held_bytes 70000.0" in client.get("/metrics").text)
            answer = client.post("/api/v1/verify", files={"first": b"a" * 60_000, "second": b"b"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    with running.client() as client:
        until("the first has gone", lambda: "samekind_held_bytes 0.0" in client.get("/metrics").text)
        assert client.post("/api/v1/verify", files={"first": b"a" * 60_000, "second": b"b"}).status_code == 422


def test_connections_are_bounded(limited) -> None:
    running = limited(connections=5, header_seconds=600)
    held = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(8)]

    def refused(connection: socket.socket) -> bool:
        connection.setblocking(False)
        try:
            return connection.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def is_answered() -> bool:
        with running.client() as client, contextlib.suppress(httpx.TransportError):
            return client.get("/healthz").status_code == 200
        return False

    try:
        until("three are refused", lambda: sum(map(refused, held)) >= 3)
        time.sleep(0.3)  # and no more than these
        assert sum(map(refused, held)) == 3
    finally:
        for connection in held:
            connection.close()
    until("the service has seen them go", is_answered)


def test_what_is_no_http_gets_a_problem_document(limited) -> None:
    running = limited()
    assert problem_in(talk(running.port, b"\x16\x03\x01\x02\x00 hello\r\n\r\n"))["status"] == 400


def test_a_key_is_asked_for_and_compared(tiny_model, tmp_path) -> None:
    key = "correct-horse-battery"
    (tmp_path / "key.txt").write_text(key + "\n")
    words = command("serve", "--port", "0", "-m", tiny_model, "--no-page", "--api-key-file", tmp_path / "key.txt")
    running = start(words, tmp_path / "log.txt")
    try:
        with running.client() as client:
            refused = client.get("/api/v1/model")
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
            assert "Basic" in refused.headers["www-authenticate"]
            assert client.get("/api/v1/model", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
            assert client.get("/api/v1/model", headers={"Authorization": "Basic !!"}).status_code == 401
            assert client.get("/metrics").status_code == 401
            assert client.get("/healthz").status_code == 200
            assert client.get("/api/v1/model", headers={"Authorization": f"Bearer {key}"}).status_code == 200
            assert client.get("/api/v1/model", headers={"X-API-Key": key}).status_code == 200
            assert client.get("/api/v1/model", auth=("anyone", key)).status_code == 200
            assert client.get("/openapi.json", headers={"X-API-Key": key}).json()["security"] == [{"key": []}]
    finally:
        assert running.stop() == 0


def test_sigterm_under_load_loses_nothing_that_was_accepted(limited, photo) -> None:
    running = limited()
    request = verify_request(photo())
    answered, lost, stop = [], [], threading.Event()

    def client(number: int) -> None:
        while not stop.is_set():
            dawdled, since = False, time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", running.port), timeout=300) as connection:
                    closing = False
                    while not stop.is_set() and not closing:
                        try:
                            connection.sendall(request)
                        finally:
                            # An idle connection stays open for half a second at the end. A client that the machine
                            # held up for longer may find it closed, and nothing that was accepted is lost.
                            dawdled = time.monotonic() - since > 0.4
                        head, _, body = _answer(connection)
                        since = time.monotonic()
                        if head.startswith(b"HTTP/1.1 200") and body:
                            answered.append(number)
                        else:
                            lost.append(head)
                        closing = b"connection: close" in head.lower()
            except ConnectionRefusedError:
                return  # it has ended, and says so to newcomers
            except OSError as error:
                if not dawdled:
                    lost.append(repr(error))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    until("all clients are being served", lambda: len(answered) > 40 and set(answered) == set(range(8)))
    before = len(answered)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(300) == 0
    stop.set()
    for thread in clients:
        thread.join(300)
    assert len(answered) > before
    assert lost == []


def _answer(connection: socket.socket) -> tuple[bytes, bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (data := connection.recv(65536)):
            raise ConnectionError("closed without an answer")
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        if not (data := connection.recv(65536)):
            raise ConnectionError("closed amid an answer")
        body += data
    return head, b"", body


# Runs a service in this process and tells what it opened for writing and where it connected to.
_WATCHED = """
import asyncio, os, sys
touched = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        if isinstance(arguments[0], (str, bytes)) and "__pycache__" not in os.fsdecode(arguments[0]):
            touched.append(("open", os.fsdecode(arguments[0])))
    if event in ("os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp"):
        touched.append((event, str(arguments[0])))
    if event in ("socket.connect", "socket.getaddrinfo"):
        touched.append((event, str(arguments)))
sys.addaudithook(watch)
import httpx
from samekind.recognizer import load
from samekind.server.app import create_app
app = create_app(load(sys.argv[1], threads=1))
picture = open(sys.argv[2], "rb").read()
async def ask():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for _ in range(3):
            files = {"first": picture, "second": picture}
            assert (await client.post("/api/v1/verify", files=files)).status_code == 200
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/config")).status_code == 200
asyncio.run(ask())
print(touched)
"""


def test_nothing_is_written_and_nobody_is_asked(tiny_model, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1100, 1100, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")  # over a megabyte, where Starlette would begin to spool
    assert (tmp_path / "large.png").stat().st_size > 3_000_000
    words = [sys.executable, "-c", _WATCHED, str(tiny_model), str(tmp_path / "large.png")]
    # The one folder that Gradio would make, empty, in the folder for temporary files.
    (tmp_path / "gradio" / "vibe_edit_history").mkdir(parents=True)
    environment = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path / "gradio")}
    result = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    touched = ast.literal_eval(result.stdout.strip().splitlines()[-1])
    assert [event for event in touched if event != ("os.mkdir", str(tmp_path / "gradio" / "vibe_edit_history"))] == []


def test_a_port_in_use_is_named(tiny_model) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--no-page", "-m", tiny_model, "--port", taken.getsockname()[1])
    assert result.returncode == 2
    assert "cannot listen on port" in result.stderr
    assert "Traceback" not in result.stderr


def test_idle_connections_stay_as_long_as_they_may_and_keep_nobody_out(limited) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    running = limited(connections=3, idle_seconds=600)
    idle = []
    for _ in range(6):
        idle.append(socket.create_connection(("127.0.0.1", running.port), timeout=300))
        idle[-1].sendall(request)
        assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200")
    for connection in idle:
        connection.close()

    running = limited(idle_seconds=1)
    with socket.create_connection(("127.0.0.1", running.port), timeout=300) as connection:
        begun = time.monotonic()  # before the request: this process may be held up after it
        connection.sendall(request)
        while connection.recv(4096):
            pass
        assert time.monotonic() - begun >= 0.9
