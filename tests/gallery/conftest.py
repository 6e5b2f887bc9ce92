"""A folder of pictures that is old enough to be believed, and a gallery of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from clusters import cluster  # noqa: F401 - the fixture
from conftest import make_card, save_noise, tiny_network
from PIL import Image
from postgres import Server, postgres  # noqa: F401 - the fixture

from samekind.gallery import Gallery
from samekind.model_file.file import write_model

# Well before any test runs: a file written a moment ago is hashed again at the next sync.
LONG_AGO = 1_600_000_000


def age(path: Path, seconds: int = LONG_AGO) -> Path:
    os.utime(path, (seconds, seconds))
    return path


def twelve_photos(place: Path) -> Path:
    for number in range(12):
        name, colour = [("red", (220, 40, 40)), ("green", (40, 200, 40)), ("blue", (40, 40, 220))][number % 3]
        path = place / "photos" / name / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_noise(path, colour, seed=number)
        age(path, LONG_AGO + number)
    return place / "photos"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures in three colours, in subfolders."""
    return twelve_photos(tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    places = getattr(metafunc.module, "RUN_ON", None)
    if places is not None and "gallery_place" in metafunc.fixturenames:
        metafunc.parametrize("gallery_place", places, indirect=True)


@pytest.fixture
def gallery_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a new gallery is made: a file, or a database where the test's module says ``RUN_ON = BOTH_STORES``."""
    if getattr(request, "param", "file") == "file":
        return tmp_path / "photos.samekind"
    server: Server = request.getfixturevalue("postgres")
    return server.new_schema()


@pytest.fixture
def gallery(gallery_place: Path | str, tiny_model: Path) -> Iterator[Gallery]:
    with Gallery.open(gallery_place, model=tiny_model) as opened:
        yield opened


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Gallery]:
    """A gallery of twelve photos that nobody writes, for the tests that only ask."""
    place = tmp_path_factory.mktemp("filled")
    with Gallery.open(place / "photos.samekind", model=tiny_model) as opened:
        opened.sync(twelve_photos(place))
    with Gallery.open(place / "photos.samekind", read_only=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("other") / "other.onnx"
    write_model(path, tiny_network(4).SerializeToString(), make_card(name="other", dimension=4))
    return path


def scene(seed: int, side: int = 96) -> Image.Image:
    """A picture with structure at several scales, so that its copies can be told from other scenes."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)).resize(
                (side, side), Image.Resampling.BICUBIC
            ),
            np.float64,
        )
        for cells in (3, 5, 9)
    ]
    return Image.fromarray(np.mean(layers, axis=0).astype(np.uint8))


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Saves a picture under photos/, long ago."""

    def write(image: Image.Image, name: str, seconds: int = LONG_AGO, **options: object) -> Path:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, **options)
        return age(path, seconds)

    return write
