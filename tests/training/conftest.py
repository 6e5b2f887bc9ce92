"""One small training run that several tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from samekind.card import Card
from samekind.training.network import SiameseNetwork
from samekind.training.pipeline import train
from samekind.training.recipe import Recipe
from samekind.training.run import RunSettings

TINY = Recipe(
    input_size=32,
    frozen_stages=5,
    views=2,
    epochs=2,
    classes_per_batch=4,
    images_per_class=4,
    holdout=0.3,
    dropout=0.2,
)


@dataclass(frozen=True)
class Trained:
    settings: RunSettings
    run: Path
    card: Card
    stages: list[tuple[str, int, int]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, colour_folders: Path) -> Trained:
    """The shipped network, trained on for two epochs with coloured squares and written as a model file."""
    folder = tmp_path_factory.mktemp("trained")
    settings = RunSettings(folder=colour_folders, output=folder / "colours.onnx", recipe=TINY, init="imagenette")
    stages: list[tuple[str, int, int]] = []
    card = train(settings, folder / "run", report=lambda *stage: stages.append(stage))
    return Trained(settings, folder / "run", card, stages)


@pytest.fixture(scope="session")
def network() -> SiameseNetwork:
    """An untrained EfficientNet-B0 with five frozen stages, in evaluation mode."""
    return SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=5).eval()
