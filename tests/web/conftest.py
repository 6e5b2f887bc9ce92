"""The page for the browser, built from its sources, written with a model, and a host for it that can go away."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from samekind.errors import WebPageError
from samekind.web import export

WEB = Path(__file__).parents[2] / "web"


class Host:
    """A host of static files, such as ``python -m http.server``. It remembers what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[tuple[str, str]] = []
        host = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def log_request(self, *_: object) -> None:
                host.requests.append((self.command, self.path))

            def end_headers(self) -> None:
                self.send_header("Access-Control-Allow-Origin", "*")  # nothing but the page's own policy is in the way
                super().end_headers()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hosted() -> Iterator[Callable[[Path], Host]]:
    """Hosts folders until the test ends."""
    hosts: list[Host] = []

    def host(folder: Path) -> Host:
        hosts.append(Host(folder))
        return hosts[-1]

    yield host
    for one in hosts:
        one.stop()


@pytest.fixture(scope="session")
def needs_node() -> None:
    if shutil.which("npx") is None or not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("needs Node.js 20 and its packages (cd web && npm install)")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built page: built anew where Node.js is there, else as it came with the package."""
    if shutil.which("npx") and (WEB / "node_modules" / "vite").is_dir():
        folder = tmp_path_factory.mktemp("web") / "page"
        building = ["npx", "vite", "build", "--outDir", str(folder), "--logLevel", "error"]
        subprocess.run(building, cwd=WEB, check=True, timeout=300)
        return folder
    try:
        return export.built_page()
    except WebPageError:
        pytest.skip("needs the page for the browser (cd web && npm install && npm run build)")


@pytest.fixture
def site(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the page with a model to a folder."""
    monkeypatch.setattr(export, "built_page", lambda: page)

    def written(model: str | Path | None = None, name: str = "site") -> Path:
        return export.export_web(tmp_path / name, model).folder

    return written
