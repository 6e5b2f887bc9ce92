"""A service in a process of its own, as users start it."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest


@dataclass
class Running:
    """A service that runs."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=300, **options)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=300)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def start(words: list[str], log: Path) -> Running:
    with log.open("w") as errors:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True)
    line = process.stdout.readline()
    port = re.search(r":(\d+)/", line)
    if not port:
        process.wait(timeout=300)
        pytest.fail(f"the service did not start: {line} {log.read_text()}")
    return Running(process, int(port[1]), log)
