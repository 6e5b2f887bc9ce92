"""Embeddings with classes, and folders of pictures in which something is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings


def clustered(
    classes: int, each: int, *, noise: float = 0.12, dimension: int = 24, seed: int = 0
) -> tuple[Embeddings, NDArray[np.int64]]:
    """Unit rows around as many centres as there are classes, and their labels."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), each)
    rows = centres[labels] + rng.normal(0, noise, (len(labels), dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.fixture
def photos(colour_folders: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_folders, tmp_path / "photos"))
