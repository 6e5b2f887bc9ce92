"""A service in a process of its own, for the scripts that press it: serve_load, serve_hostile, serve_schemathesis."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil

BOUNDARY = "samekind-boundary"


class Service:
    """``samekind serve --port 0 ARGUMENTS`` while a ``with`` block lasts; SIGTERM ends it.

    Attributes:
        port: The port that it listens on, at 127.0.0.1.
        process: The process.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "samekind", "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        started = self.process.stdout.readline()
        if not (address := re.search(r":(\d+)/", started)):
            self.process.kill()
            raise SystemExit(f"the service did not start: {started!r}")
        self.port = int(address[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def cpu_seconds(self) -> float:
        """Processor time that the process has taken so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Resident memory of the process in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6


def multipart(path: str, files: Mapping[str, bytes], *, kind: str = "image/jpeg") -> bytes:
    """A whole HTTP request that posts files as a multipart form."""
    parts = b"".join(_part(name, content, kind) for name, content in files.items())
    body = parts + f"--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _part(name: str, content: bytes, kind: str) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\nContent-Type: {kind}\r\n\r\n'
    )
    return head.encode() + content + b"\r\n"
