"""Two replicas over one gallery behind nginx, with the configuration that docs/replicas.md gives."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import save_noise
from postgres import Server, needs_postgres, postgres  # noqa: F401 - the fixture
from services import Running, start

from samekind.gallery import Gallery

pytestmark = [
    needs_postgres,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light"),
    pytest.mark.slow,  # three processes of its own
]
GUIDE = Path(__file__).parents[2] / "docs" / "replicas.md"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replicas") / "photos"
    folder.mkdir()
    for number in range(12):
        save_noise(folder / f"{number}.png", (20 * number, 120, 255 - 20 * number), seed=number)
    return folder


@pytest.fixture(scope="module")
def address(postgres: Server, photos: Path, tiny_model: Path) -> str:  # noqa: F811 - the fixture
    place = postgres.new_schema()
    with Gallery.open(place, model=tiny_model) as gallery:
        gallery.sync(photos)
    return place


@pytest.fixture
def replicas(address: str, tmp_path: Path) -> Iterator[list[Running]]:
    words = [sys.executable, "-m", "samekind", "serve", "--port", "0", "--gallery", address, "--root-path", "/samekind"]
    running = [start(words, tmp_path / f"{number}.log") for number in range(2)]
    yield running
    for replica in running:
        replica.stop()


@pytest.fixture
def front(replicas: list[Running], tmp_path: Path) -> Iterator[str]:
    """nginx, as the guide says but for the ports."""
    [text] = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    port = free_port()
    for ours, theirs in ((8001, replicas[0].port), (8002, replicas[1].port), (8080, port)):
        assert str(ours) in text
        text = text.replace(str(ours), str(theirs))
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} {text} }}"
    )
    words = [shutil.which("nginx") or "nginx", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"]
    process = subprocess.Popen(words)
    url = f"http://127.0.0.1:{port}/samekind"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/api/v1/model")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    yield url
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0


def served(replica: Running) -> float:
    with replica.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(r"\w*requests\w*_total\{.*search", line))


def test_both_answer_alike_below_the_path_and_one_may_go(front: str, replicas: list[Running], photos: Path) -> None:
    image = (photos / "3.png").read_bytes()

    def search(client: httpx.Client) -> httpx.Response:
        return client.post(
            f"{front}/api/v1/search", files={"image": image}, data={"k": "5", "where": "path like 'photos/%'"}
        )

    with httpx.Client(timeout=300) as client:
        hits = search(client).json()["hits"]
        assert hits[0]["path"] == "photos/3.png"
        assert all(search(client).json()["hits"] == hits for _ in range(7))
        assert min(map(served, replicas)) >= 1
        page = client.get(f"{front}/")
        assert page.status_code == 200
        assert f'"root":"{front}"' in page.text
        assert client.get(front).headers["location"].endswith("/samekind/")
        assert [client.get(f"{front}/{name}").status_code for name in ("metrics", "readyz")] == [404, 404]
        statuses: list[int] = []
        going = threading.Event()

        def ask() -> None:
            with httpx.Client(timeout=300) as own:
                while not going.is_set():
                    statuses.append(search(own).status_code)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert replicas[0].stop() == 0  # drained
        before = len(statuses)
        while len(statuses) < before + 5:
            time.sleep(0.05)
        going.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
