"""A web server for tests of downloading: it can break off, know no ranges, or have trouble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass
class Served:
    """What the server gives, and what it was asked.

    Attributes:
        content: The one file.
        ranges: Whether it knows ranges.
        cuts: For each of the first requests, after how many bytes it hangs up, though it promised more.
        statuses: For each of the first requests, an error to answer with instead (0 for none).
        stall: After how many bytes to send nothing more until ``go_on`` is set.
        asked: The Range header of each request, "" for none.
    """

    content: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    stall: int = 0
    go_on: Event = field(default_factory=Event)


@contextmanager
def serving(content: bytes, name: str = "file.bin") -> Iterator[Served]:
    """Serve a file on a port of this machine; every path leads to it."""
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.asked.append(asked)
            if served.statuses and (status := served.statuses.pop(0)):
                self.send_error(status)
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.ranges else 0
            total = len(served.content)
            if start >= total:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(total - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.end_headers()
            body = served.content[start:]
            if served.stall:
                self.wfile.write(body[: served.stall])
                served.go_on.wait(300)
                return
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/{name}"
    try:
        yield served
    finally:
        served.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
