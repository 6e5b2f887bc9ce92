"""Keeping what the network that training starts from makes of images."""

import itertools
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from safetensors.torch import save_file
from strategies import unit_rows
from training.runs import SMALL, assert_same_weights, fit_only, manifest_of_two_folders, split_folder

from samekind.errors import TrainingError
from samekind.images import load_image
from samekind.training.batches.plan import BatchPlan
from samekind.training.loop.distillation import Distillation
from samekind.training.loop.module import SiameseTraining
from samekind.training.loop.objectives import make_objective
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import keep_split, read_split

# Without batch norms that learn, whose running statistics move by themselves.
WHITENED = SMALL.with_settings(
    network={"head_start": "whitened", "dropout": 0.0}, augmentation={"views": 1}, freezing={"stages": 4}
)


@pytest.fixture(scope="module")
def network() -> SiameseNetwork:
    return SiameseNetwork.of(SMALL)


def distilled(weight: float, **section: object) -> Recipe:
    return WHITENED.with_settings(distillation={"weight": weight} | section, optimizer={"pretrained_lr": 1e-2})


@given(unit_rows(5), unit_rows(5))
def test_it_is_the_mean_squared_change_over_all_pairs(now: np.ndarray, before: np.ndarray) -> None:
    distillation = Distillation(SiameseNetwork.of(SMALL)).double()
    changes = [
        (float(now[i].astype(float) @ now[j]) - float(before[i].astype(float) @ before[j])) ** 2
        for i, j in itertools.combinations(range(5), 2)
    ]
    found = distillation(torch.from_numpy(now).double(), torch.from_numpy(before).double())
    assert float(found) == pytest.approx(np.mean(changes), abs=1e-6)


def test_the_start_stays_as_it_was_and_has_no_dropout(network: SiameseNetwork) -> None:
    features = network.features(torch.arange(3 * 32 * 32 * 3).view(3, 32, 32, 3).to(torch.uint8))
    distillation = Distillation(network).train()
    with torch.no_grad():
        expected = network.eval().embed_features(features)
        network.head.weight.add_(1.0)
    torch.testing.assert_close(distillation.start(features), expected)
    assert not distillation.start(features).requires_grad
    assert not [name for name, parameter in distillation.named_parameters() if parameter.requires_grad]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A backbone to start from: a head of its own it has not."""
    path = tmp_path_factory.mktemp("weights") / "resnet.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=0).state_dict(), path)
    return str(path)


@pytest.fixture
def fitted(shades: Path, weights: str, tmp_path: Path) -> Callable[..., SiameseNetwork]:
    def fitted(name: str, recipe: Recipe, **arguments: Any) -> SiameseNetwork:
        settings = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=recipe, init=weights)
        return fit_only(settings, tmp_path / name, **arguments).network.eval()

    return fitted


def test_a_run_changes_less_the_more_it_weighs(fitted: Callable[..., SiameseNetwork], tmp_path: Path) -> None:
    still = distilled(0.0).with_settings(optimizer={"lr": 1e-12, "pretrained_lr": 0.0})
    runs = [fitted(name, recipe) for name, recipe in (("0", still), ("1", distilled(0.0)), ("2", distilled(1e3)))]
    pixels = torch.from_numpy(
        np.stack([load_image(path, 32) for path in read_split(RunFolder(tmp_path / "0")).train.paths])
    )
    with torch.no_grad():
        start, free, held = (rows @ rows.T for rows in (network(pixels) for network in runs))
    assert (held - start).square().mean() < (free - start).square().mean() / 4


def test_data_sets_of_too_few_classes_are_left_out(fitted: Callable[..., SiameseNetwork], tmp_path: Path) -> None:
    fitted("none", distilled(0.0))
    fitted("left-out", distilled(1e3, least_classes=5))
    assert_same_weights(tmp_path / "left-out", tmp_path / "none")


def test_a_run_that_was_stopped_goes_on_from_the_same_start(
    fitted: Callable[..., SiameseNetwork], tmp_path: Path
) -> None:
    fitted("whole", distilled(10.0))

    def interrupt(stage: str, done: int, _: int) -> None:
        if stage == "training steps" and done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitted("broken", distilled(10.0), report=interrupt)
    fitted("broken", distilled(10.0))
    assert_same_weights(tmp_path / "broken", tmp_path / "whole")


def test_a_head_of_noise_has_nothing_to_keep(fitted: Callable[..., SiameseNetwork]) -> None:
    with pytest.raises(TrainingError, match=r"network\.head_start=whitened"):
        fitted("run", SMALL.with_settings(distillation={"weight": 1.0}))


@pytest.fixture
def two_folders(shades: Path, tmp_path: Path) -> Path:
    """A manifest of the four classes, two in one folder and two in another."""
    return manifest_of_two_folders(shades, tmp_path)


def test_what_is_left_out_counts_as_no_change() -> None:
    recipe = distilled(1.0, least_classes=3)
    network, sources = SiameseNetwork.of(recipe), np.array([0, 0, 0, 1, 1])
    objective = make_objective(recipe.objectives, classes=5, dimension=16, listed=False)
    module = SiameseTraining(network, objective, recipe, set(), steps_per_epoch=1, sources=sources)
    now, before = torch.nn.functional.normalize(
        torch.randn(2, 10, 16, generator=torch.Generator().manual_seed(0)), dim=2
    )
    labels = torch.arange(10) % 5
    kept = labels < 3
    assert module.distillation
    found = module._change(module.distillation, now, before, torch.from_numpy(sources)[labels])
    torch.testing.assert_close(found, module.distillation(now[kept], before[kept]) / 2)
    assert not {"_sources", "_distilled"} & set(module.state_dict())


@pytest.mark.parametrize("nested", [False, True])
def test_a_run_that_goes_on_has_the_data_sets_that_it_began_with(
    two_folders: Path, weights: str, tmp_path: Path, nested: bool
) -> None:
    folder = two_folders
    if nested:  # class folders in one folder, of which two hold theirs one level deeper
        folder = tmp_path / "all"
        for home in (*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()):
            shutil.copytree(home, folder / home.name / ("x" if home.parent.name == "b" else ""))
    recipe = WHITENED.with_settings(sampler={"apart": True, "classes": 2})
    settings = RunSettings(folder=folder, output=tmp_path / "m.onnx", recipe=recipe, init=weights)
    parts = split_folder(folder, recipe)
    keep_split(parts, RunFolder(tmp_path))
    both = (parts, read_split(RunFolder(tmp_path)))
    started, resumed = (BatchPlan.of(recipe, found, in_folders=settings.folder.is_dir()).sources for found in both)
    assert started.tolist() == resumed.tolist() == ([0, 0, 0, 0] if nested else [0, 0, 1, 1])
