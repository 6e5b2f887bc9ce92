"""Small training runs that several tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import COLOURS, save_noise
from training.runs import SMALL, TINY, Trained, run_training

from samekind.training.network.siamese import SiameseNetwork
from samekind.training.run.settings import RunSettings


@pytest.fixture(scope="session", autouse=True)
def _traced_once(traced_once: None) -> None:
    """All runs here share the tracing of their networks."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, colour_folders: Path) -> Trained:
    """The pretrained trunk, trained on for two epochs with coloured squares and written as a model file."""
    folder = tmp_path_factory.mktemp("trained")
    settings = RunSettings(folder=colour_folders, output=folder / "colours.onnx", recipe=TINY, init="bundled")
    return run_training(settings, folder / "run")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, shades: Path) -> Trained:
    """A small network trained from noise for three epochs, without an interruption."""
    folder = tmp_path_factory.mktemp("small")
    settings = RunSettings(folder=shades, output=folder / "shades.onnx", recipe=SMALL, init="scratch")
    return run_training(settings, folder / "run")


@pytest.fixture
def again(small: Trained, tmp_path: Path) -> Callable[..., RunSettings]:
    """The settings of ``small`` with another output and, if wanted, another recipe."""

    def settings(**sections: Any) -> RunSettings:
        recipe = small.settings.recipe.with_settings(**sections)
        return small.settings.model_copy(update={"output": tmp_path / "again.onnx", "recipe": recipe})

    return settings


@pytest.fixture(scope="session")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of four colours that overlap, with 24 images each: no network tells them all apart."""
    root = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for i in range(24):
            shade = np.clip(np.array(colour) * 0.5 + 60 + rng.normal(0, 25, 3), 0, 255)
            save_noise(root / name / f"{i:02}.png", tuple(shade), seed=2000 * ord(name[0]) + i)
    return root


@pytest.fixture(scope="session")
def network() -> SiameseNetwork:
    """An untrained EfficientNet-B0 with five frozen stages, in evaluation mode."""
    return SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=5).eval()
