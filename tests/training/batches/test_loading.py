import itertools
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import ImageError
from samekind.images import load_image
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.loading import AugmentedImages, CachedViews, SiameseData
from samekind.training.batches.sampler import Batches
from samekind.training.recipe import Recipe

RECIPE = Recipe().with_settings(network={"input_size": 32}, sampler={"classes": 4, "images": 4})


@pytest.fixture
def images(colour_folders: Path) -> LabelledImages:
    return read_class_folders(colour_folders)


def views(count: int, number: int, labels: np.ndarray | None = None) -> CachedViews:
    """Features that say which image and view they are of."""
    features = np.arange(count * number, dtype=np.float16).reshape(count, number, 1, 1, 1)
    return CachedViews(features, np.arange(count) % 4 if labels is None else labels)


def test_each_epoch_shows_another_view_and_a_batch_mixes_them() -> None:
    cached = views(6, 3)
    shown = np.array([[int(cached[epoch, image][0]) - 3 * image for image in range(6)] for epoch in range(3)])
    assert (np.sort(shown, axis=0) == np.arange(3)[:, None]).all()
    assert all(len(set(row)) == 3 for row in shown.tolist())
    features, label = cached[7, 5]
    assert (features.dtype, features.shape, int(label)) == (torch.float32, (1, 1, 1), 1)


def test_images_come_as_they_are_or_in_a_new_view_each_epoch(images: LabelledImages) -> None:
    plain = load_image(images.paths[30], 32)
    pixels, label = AugmentedImages(images, 32, None)[5, 30]
    np.testing.assert_array_equal(pixels.numpy(), plain)
    assert label == images.labels[30]
    augmented = AugmentedImages(images, 32, Augmentation.of(RECIPE))
    first, again, other = augmented[0, 30][0], augmented[0, 30][0], augmented[1, 30][0]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, pixels)


def attached(data: SiameseData, *, rank: int = 0, processes: int = 1, step: int = 0) -> SiameseData:
    data.trainer = SimpleNamespace(global_rank=rank, world_size=processes, global_step=step)
    return data


def make(train: CachedViews, held_out: CachedViews) -> SiameseData:
    batches = partial(Batches, train.labels, RECIPE.sampler)
    return SiameseData(train, held_out, batches, cached=True)


def test_training_goes_on_at_the_trainers_step() -> None:
    train = views(64, 1)
    data = attached(make(train, views(8, 1)), step=6)
    expected = Batches(train.labels, RECIPE.sampler)
    expected.go_to(6)
    loaded = [features.flatten().long().tolist() for features, _ in data.train_dataloader()]
    assert loaded == [[index for _, index in batch] for batch in expected]
    assert len(loaded) == 2


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_each_held_out_image_is_seen_once_by_one_process(processes: int) -> None:
    shares = []
    for rank in range(processes):
        data = attached(make(views(64, 1), views(71, 1)), rank=rank, processes=processes)
        shares.append([int(value) for features, _ in data.val_dataloader() for value in features.flatten()])
    assert sorted(itertools.chain(*shares)) == [*range(71)]
    assert shares == [[*range(rank, 71, processes)] for rank in range(processes)]


def test_an_image_that_vanished_comes_as_its_error(images: LabelledImages, tmp_path: Path) -> None:
    copied = read_class_folders(shutil.copytree(images.root, tmp_path / "copy"))
    train, held_out = (AugmentedImages(copied, 32, augment) for augment in (Augmentation.of(RECIPE), None))
    batches = partial(Batches, train.labels, RECIPE.sampler)
    data = SiameseData(train, held_out, batches, cached=False)
    copied.paths[3].unlink()
    first, *_ = data.val_dataloader()
    assert isinstance(first, ImageError)
    assert str(copied.paths[3]) in str(first)


def test_worker_processes_leave_interruptions_to_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    from samekind.training.batches.workers import ignore_interrupts

    set_to: dict[int, object] = {}
    record: Callable[[int, object], None] = set_to.__setitem__
    monkeypatch.setattr(signal, "signal", record)
    ignore_interrupts(0)
    assert set_to == {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
