"""Services in processes of their own, as users start them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import command
from services import Running, start

from samekind.gallery import Gallery

# Starts a service whose limits are small enough to reach in a test.
_LIMITED = """
import json, sys
from samekind.recognizer import load
from samekind.server.app import create_app
from samekind.server.limits import Limits
from samekind.server.runner import run
limits = Limits(**json.loads(sys.argv[2]))
run(create_app(load(sys.argv[1], threads=1), limits=limits, page=False), host="127.0.0.1", port=0, limits=limits)
"""


@pytest.fixture(scope="session")
def gallery_file(tiny_model: Path, colour_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of the four colours, made with the tiny model; one image is there twice."""
    folder = tmp_path_factory.mktemp("gallery")
    shutil.copytree(colour_folders, folder / "colours")
    shutil.copy(folder / "colours/red/00.png", folder / "colours/red/copy.png")
    path = folder / "colours.samekind"
    with Gallery.open(path, model=tiny_model) as gallery:
        gallery.sync(folder / "colours")
    return path


@pytest.fixture(scope="session")
def service(gallery_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """``samekind serve`` with the page and a gallery."""
    log = tmp_path_factory.mktemp("service") / "log.txt"
    running = start(command("serve", "--port", "0", "--gallery", gallery_file), log)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in log.read_text()


@pytest.fixture
def limited(tiny_model: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a service with the limits that it is given."""
    started = []

    def serve(**limits: object) -> Running:
        words = [sys.executable, "-c", _LIMITED, str(tiny_model), json.dumps(limits)]
        started.append(start(words, tmp_path / f"log{len(started)}.txt"))
        return started[-1]

    yield serve
    for running in started:
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text()
