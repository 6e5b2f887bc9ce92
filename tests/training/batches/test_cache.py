import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import ImageError, TrainingError
from samekind.system.hashing import content_hash
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.cache import ViewsOfImages, cache_size, cached_features, frozen_stages
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.recipe import Recipe

RECIPE = Recipe().with_settings(network={"input_size": 32})


@pytest.fixture(scope="module")
def network() -> SiameseNetwork:
    torch.manual_seed(0)
    return SiameseNetwork("test_resnet", 8, frozen_stages=2).eval()


@pytest.fixture
def images(colour_folders: Path) -> LabelledImages:
    return read_class_folders(colour_folders).subset(np.arange(0, 96, 8))


def cache(
    network: SiameseNetwork, images: LabelledImages, folder: Path, *, recipe: Recipe = RECIPE, **arguments: Any
) -> np.ndarray:
    hashes = [content_hash(path) for path in images.paths]
    stages = frozen_stages(network, recipe.network.input_size)
    return cached_features(
        stages, images, hashes, folder, augment=Augmentation.of(recipe), **({"views": 2} | arguments)
    )


def test_the_cache_holds_the_frozen_stages_outputs(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    cached = cache(network, images, tmp_path)
    views = ViewsOfImages(images, Augmentation.of(RECIPE), 2)[7]
    assert isinstance(views, torch.Tensor)
    with torch.no_grad():
        expected = network.features(views).numpy()
    np.testing.assert_allclose(cached[7], expected, rtol=2e-3, atol=2e-3)
    assert cached.dtype == np.float16
    assert not cached.flags.writeable


def test_its_size_is_told_beforehand(network: SiameseNetwork, images: LabelledImages, tmp_path: Path) -> None:
    cache(network, images, tmp_path)
    assert cache_size(network, 32, 2 * len(images)) == (tmp_path / "features.f16").stat().st_size


def test_a_computation_that_broke_off_goes_on_and_ends_the_same(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.training.batches.cache._SAVE_EVERY", 3)
    whole = np.array(cache(network, images, tmp_path / "whole"))

    def stop_at_eight(done: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(network, images, tmp_path / "broken", on_progress=stop_at_eight)
    steps: list[int] = []
    np.testing.assert_array_equal(cache(network, images, tmp_path / "broken", on_progress=steps.append), whole)
    assert steps[0] == 7


@pytest.mark.parametrize(
    "change", [{"views": 1}, {"recipe": RECIPE.with_settings(seed=1)},
               {"recipe": RECIPE.with_settings(augmentation={"grey": 0.5})}],
)  # fmt: skip
def test_a_finished_cache_is_not_computed_again_but_one_of_other_views_is(
    change: dict[str, Any], network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    steps: list[int] = []
    cache(network, images, tmp_path, on_progress=steps.append)
    assert steps == [*range(1, len(images) + 1)]
    steps.clear()
    cache(network, images, tmp_path, on_progress=steps.append)
    assert steps == []
    cache(network, images, tmp_path, on_progress=steps.append, **change)
    assert len(steps) == len(images)


def test_other_weights_and_other_images_are_computed_anew(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    before = np.array(cache(network, images, tmp_path))
    other = SiameseNetwork("test_resnet", 8, frozen_stages=2).eval()
    assert not np.array_equal(cache(other, images, tmp_path), before)
    reverse = images.subset(np.arange(len(images))[::-1])
    np.testing.assert_array_equal(cache(network, reverse, tmp_path, views=1)[::-1], before[:, :1])


@pytest.mark.parametrize("state", [b"", b"{", b"\xff\xfe", b'{"identity": "other", "done": 12}'])
def test_a_broken_note_of_progress_only_costs_the_work(
    state: bytes, network: SiameseNetwork, images: LabelledImages, tmp_path: Path
) -> None:
    whole = np.array(cache(network, images, tmp_path))
    (tmp_path / "features.json").write_bytes(state)
    np.testing.assert_array_equal(cache(network, images, tmp_path), whole)


def test_too_little_room_is_said_before_the_work(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(TrainingError, match="are free"):
        cache(network, images, tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot set room aside")
def test_room_is_set_aside_so_that_the_disk_cannot_fill_up_under_the_mapped_file(
    network: SiameseNetwork, images: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(network, images, tmp_path / "whole")
    data = tmp_path / "whole" / "features.f16"
    assert data.stat().st_blocks * 512 >= data.stat().st_size

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        cache(network, images, tmp_path / "full")


def test_an_unreadable_image_is_named(network: SiameseNetwork, colour_folders: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(colour_folders, tmp_path / "copy"))
    (copied / "red" / "03.png").write_bytes(b"not an image")
    images = read_class_folders(copied).only_classes(frozenset({"red"}))
    with pytest.raises(ImageError, match=r"red.03\.png"):
        cache(network, images, tmp_path / "cache")
