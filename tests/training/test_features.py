import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import ImageError, TrainingError
from samekind.training.features import ViewsOfImages, cached_features
from samekind.training.network import SiameseNetwork

SETTINGS = {"size": 32, "views": 2, "seed": 0}


@pytest.fixture
def images(colour_folders: Path) -> LabelledImages:
    return read_class_folders(colour_folders).subset(np.arange(0, 96, 8))


def test_the_cache_holds_the_frozen_stages_outputs(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    cached = cached_features(network, images, tmp_path, **SETTINGS)
    with torch.no_grad():
        expected = network.features(ViewsOfImages(images, 32, 2, 0)[7]).numpy()
    np.testing.assert_allclose(cached[7], expected, rtol=2e-3, atol=2e-3)


def test_a_computation_that_broke_off_goes_on_and_ends_the_same(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    whole = np.array(cached_features(network, images, tmp_path / "whole", **SETTINGS))

    def stop_at_eight(done: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_features(network, images, tmp_path / "broken", on_progress=stop_at_eight, **SETTINGS)
    np.testing.assert_array_equal(cached_features(network, images, tmp_path / "broken", **SETTINGS), whole)


def test_a_finished_cache_is_not_computed_again_but_one_of_other_views_is(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    steps: list[int] = []
    cached_features(network, images, tmp_path, on_progress=steps.append, **SETTINGS)
    assert steps[-1] == len(images)
    steps.clear()
    cached_features(network, images, tmp_path, on_progress=steps.append, **SETTINGS)
    assert steps == []
    cached_features(network, images, tmp_path, on_progress=steps.append, **(SETTINGS | {"views": 1}))
    assert steps[-1] == len(images)


def test_too_little_room_is_said_before_the_work(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(TrainingError, match="are free"):
        cached_features(network, images, tmp_path, **SETTINGS)


def test_an_unreadable_image_is_named(network: SiameseNetwork, colour_folders: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(colour_folders, tmp_path / "copy"))
    (copied / "red" / "03.png").write_bytes(b"not an image")
    images = read_class_folders(copied).only_classes(frozenset({"red"}))
    with pytest.raises(ImageError, match=r"red.03\.png"):
        cached_features(network, images, tmp_path / "cache", **SETTINGS)
