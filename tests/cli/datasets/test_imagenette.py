"""``samekind data imagenette`` as a user types it, with a server of our own in place of the publisher's."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from server import Served, serving
from torchvision.datasets import Imagenette

# Older ones are refused before anything is fetched, which tests/datasets has a test of.
pytestmark = pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="unpacking safely needs Python 3.11.4")
NAME = "imagenette2-160"
# The real command, but with another address, and one image a class.
SCRIPT = """
import sys
from torchvision.datasets import Imagenette
from samekind.datasets import imagenette
Imagenette._ARCHIVES = {"160px": (sys.argv.pop(1), sys.argv.pop(1))}
original = imagenette.Archive
imagenette.Archive = lambda url, md5, classes, images: original(url, md5, classes, 20)
from samekind.cli.main import run
run()
"""


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Class folders of noise, which does not pack, so that the archive has some length."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for part in ("train", "val"):
            for number, name in enumerate(Imagenette._WNID_TO_CLASS):
                info = tarfile.TarInfo(f"{NAME}/{part}/{name}/0.JPEG")
                info.size = 20_000
                tar.addfile(info, io.BytesIO(np.random.default_rng(number).bytes(info.size)))
    return buffer.getvalue()


@pytest.fixture
def served(archive: bytes) -> Iterator[Served]:
    with serving(archive, f"{NAME}.tgz") as server:
        yield server


def start(served: Served, to: Path, md5: str = "") -> subprocess.Popen[str]:
    md5 = md5 or hashlib.md5(served.content, usedforsecurity=False).hexdigest()
    words = [sys.executable, "-c", SCRIPT, served.url, md5, "data", "imagenette", "--to", str(to), "--size", "160"]
    environment = os.environ | {"no_proxy": "*"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_it_is_fetched_once(served: Served, tmp_path: Path) -> None:
    for words in ("written", "there already"):
        command = start(served, tmp_path)
        out, errors = command.communicate(timeout=300)
        assert command.returncode == 0, errors
        assert out == f"{tmp_path / NAME}: {words}, 20 images in train and val\n"
    assert served.asked == [""]


def test_ctrl_c_leaves_a_part_that_the_same_command_goes_on_with(served: Served, tmp_path: Path) -> None:
    served.stall = 200_000
    command = start(served, tmp_path)
    part = tmp_path / f"{NAME}.tgz.part"
    until = time.monotonic() + 300
    while not (part.exists() and part.stat().st_size > 100_000) and time.monotonic() < until:
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=300)
    assert command.returncode == 130, errors
    assert "interrupted. The same command goes on from what is there" in errors
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == [part.name]
    have = part.stat().st_size
    assert part.read_bytes() == served.content[:have]
    served.stall = 0
    assert start(served, tmp_path).wait(timeout=300) == 0
    assert served.asked == ["", f"bytes={have}-"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_wrong_checksum_is_one_line_and_leaves_nothing(served: Served, tmp_path: Path) -> None:
    command = start(served, tmp_path, md5="0" * 32)
    _, errors = command.communicate(timeout=300)
    assert command.returncode == 2
    assert "was removed; try again" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
