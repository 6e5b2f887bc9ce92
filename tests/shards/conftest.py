"""A folder of odd files, and the shards of it that an uninterrupted run makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import cluster  # noqa: F401 - the fixture
from embedding.odd_files import odd_files

import samekind


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 22 images and 4 files that are none, in two subfolders."""
    folder = tmp_path_factory.mktemp("odd") / "photos"
    odd_files(folder / "one", good=9)
    odd_files(folder / "two", good=7)
    return folder


@pytest.fixture(scope="session")
def whole(odd: Path, tiny_model: Path) -> Path:
    """The shards of that folder, of four images each."""
    samekind.embed(odd, odd.parent / "whole", model=tiny_model, rows=4)
    return odd.parent / "whole"


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder of shards, hidden files left out."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if not file.name.startswith(".")}
