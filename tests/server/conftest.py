"""Services in processes of their own, as users start them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import command
from copies.conftest import photo as drawn
from PIL import Image, ImageDraw
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


@pytest.fixture(scope="session")
def album(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of 24 pictures, of which each but two has a smaller copy; one has a caption, one another colour."""
    folder = tmp_path_factory.mktemp("album")
    for name in ("photos", "photos/small", "photos/edited"):
        (folder / name).mkdir()
    for seed in range(24):
        picture = drawn(seed, 480, 360)
        picture.save(folder / f"photos/{seed:02}.jpg", quality=92)
        if seed < 22:
            picture.resize((300, 225), Image.Resampling.LANCZOS).save(
                folder / f"photos/small/{seed:02}.jpg", quality=90
            )
    captioned, recoloured = drawn(22, 480, 360), drawn(23, 480, 360)
    ImageDraw.Draw(captioned).text((40, 300), "At the seaside", fill="white", font_size=32)
    captioned.save(folder / "photos/edited/22-caption.jpg", quality=92)
    ImageDraw.Draw(recoloured).rectangle((140, 90, 330, 260), fill=(200, 20, 40))
    recoloured.save(folder / "photos/edited/23-red.jpg", quality=92)
    with Gallery.open(folder / "album.samekind", model=tiny_model) as gallery:
        gallery.sync(folder / "photos")
    return folder / "album.samekind"


@pytest.fixture(scope="session")
def album_service(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """``samekind serve`` with the page and the album."""
    log = tmp_path_factory.mktemp("album-service") / "log.txt"
    running = start(command("serve", "--port", "0", "--gallery", album), log)
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
