from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightning.fabric.utilities.data import _set_sampler_epoch
from torch.utils.data import DataLoader

from samekind.datasets.folders import LabelledImages
from samekind.errors import TrainingError
from samekind.training.batches.sampler import Batches, sources_of
from samekind.training.recipe.sections import SamplerSection

LABELS = np.repeat(np.arange(6), 10)


def sampler(**changes: Any) -> SamplerSection:
    return SamplerSection(**({"classes": 3, "images": 4} | changes))


def of_epoch(batches: Batches, epoch: int) -> list[list[tuple[int, int]]]:
    batches.set_epoch(epoch)
    return list(batches)


def test_a_batch_has_p_classes_of_k_images() -> None:
    batches = Batches(LABELS, sampler())
    assert len(batches) == 60 // 12
    for batch in of_epoch(batches, 2):
        assert {epoch for epoch, _ in batch} == {2}
        indices = [index for _, index in batch]
        assert sorted(Counter(LABELS[indices].tolist()).values()) == [4, 4, 4]
        assert len(set(indices)) == 12


def test_all_classes_are_taken_where_there_are_fewer_than_p() -> None:
    batches = Batches(LABELS, sampler(classes=50))
    assert len(batches) == 2
    assert all(len({LABELS[index] for _, index in batch}) == 6 for batch in batches)


def test_a_class_of_fewer_than_k_images_shows_some_twice() -> None:
    labels = np.repeat(np.arange(3), [2, 10, 10])
    batches = Batches(labels, sampler())
    for batch in batches:
        assert Counter(int(labels[index]) for _, index in batch) == {0: 4, 1: 4, 2: 4}


@given(st.integers(0, 2**32 - 1), st.integers(0, 1000))
def test_the_order_depends_on_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    chosen = sampler()
    expected = of_epoch(Batches(LABELS, chosen, seed=seed), epoch)
    np.random.seed(1)  # noqa: NPY002 - whatever other code has done to the global generator
    used = Batches(LABELS, chosen, seed=seed)
    of_epoch(used, epoch + 3)
    assert of_epoch(used, epoch) == expected
    assert of_epoch(used, epoch + 1) != expected
    other = [[index for _, index in batch] for batch in of_epoch(used, epoch + 1)]
    assert other != [[index for _, index in batch] for batch in expected]


def test_seeds_differ() -> None:
    assert list(Batches(LABELS, sampler())) != list(Batches(LABELS, sampler(), seed=1))


@given(st.integers(0, 4 * 5))
def test_a_run_that_goes_on_at_a_step_sees_what_it_would_have_seen(step: int) -> None:
    whole = Batches(LABELS, sampler())
    expected = [batch for epoch in range(5) for batch in of_epoch(whole, epoch)]
    resumed = Batches(LABELS, sampler())
    resumed.go_to(step)
    seen = []
    for epoch in range(step // 5, 5):
        seen += of_epoch(resumed, epoch)
        assert len(resumed) == 5
    assert seen == expected[step:]


def test_lightning_can_tell_it_the_epoch() -> None:
    batches = Batches(LABELS, sampler())
    loader = DataLoader(list(range(60)), batch_sampler=batches)
    first = list(batches)
    _set_sampler_epoch(loader, 1)
    assert list(batches) == of_epoch(Batches(LABELS, sampler()), 1) != first


LISTED = np.random.default_rng(0).integers(0, 60, (24, 2))


@given(st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(0, 50), st.booleans())
def test_the_shares_of_processes_are_together_the_batch(processes: int, epoch: int, of_list: bool) -> None:
    chosen = sampler(kind="pairs", items=12) if of_list else sampler()
    listed = LISTED if of_list else None
    whole = of_epoch(Batches(LABELS, chosen, listed), epoch)
    shares = [
        of_epoch(Batches(LABELS, chosen, listed, rank=rank, processes=processes), epoch) for rank in range(processes)
    ]
    width = 2 if of_list else 1
    for batch, *parts in zip(whole, *shares, strict=True):
        items = [tuple(batch[i : i + width]) for i in range(0, len(batch), width)]
        divided = [tuple(part[i : i + width]) for part in parts for i in range(0, len(part), width)]
        assert Counter(divided) == Counter(items)
        assert len({len(part) for part in parts}) == 1


@pytest.mark.parametrize("width", [2, 3])
def test_each_item_of_a_list_comes_once_an_epoch_in_one_piece(width: int) -> None:
    listed = np.arange(20 * width).reshape(20, width)
    kind = {2: "pairs", 3: "triplets"}[width]
    chosen = sampler(kind=kind, items=5)
    batches = Batches(LABELS, chosen, listed)
    assert len(batches) == 4
    for epoch in (0, 1):
        indices = np.array([index for batch in of_epoch(batches, epoch) for _, index in batch]).reshape(-1, width)
        assert not np.array_equal(indices, listed)
        np.testing.assert_array_equal(indices[np.argsort(indices[:, 0])], listed)


def test_a_list_shorter_than_a_batch_is_one_batch() -> None:
    assert [len(batch) for batch in Batches(LABELS, sampler(kind="pairs", items=40), LISTED)] == [48]


def test_too_few_images_for_a_batch_are_refused_with_a_setting_that_works() -> None:
    with pytest.raises(TrainingError, match="60 training images do not fill one batch of 300") as error:
        Batches(LABELS, sampler(classes=6, images=50))
    advice = str(error.value).rpartition("sampler.images=")[2]
    assert len(Batches(LABELS, sampler(classes=6, images=int(advice)))) >= 1
    with pytest.raises(TrainingError, match="the list is empty"):
        Batches(LABELS, sampler(kind="pairs"), np.zeros((0, 2), np.int64))


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(TrainingError, match="a batch of 12 cannot be divided among 5 processes"):
        Batches(LABELS, sampler(), rank=0, processes=5)


# Three data sets of 6, 2 and 3 classes; the second has few images.
SEVERAL = np.concatenate([np.repeat(np.arange(6), 20), np.repeat([6, 7], 4), np.repeat([8, 9, 10], 40)])
SOURCES = np.repeat([0, 1, 2], [6, 2, 3])


def test_a_batch_has_as_many_of_each_data_set_that_is_kept_apart() -> None:
    batches = Batches(SEVERAL, sampler(classes=6, images=4), sources=SOURCES)
    assert len(batches) == len(SEVERAL) // (3 * 24)
    found = of_epoch(batches, 1)
    assert len(found) == len(batches)
    for batch in found:
        labels = SEVERAL[[index for _, index in batch]]
        # Of fewer classes than P there are more images of each.
        for source, images in ((0, 4), (1, 12), (2, 8)):
            own = labels[SOURCES[labels] == source]
            assert len(own) == 24
            assert set(Counter(own.tolist()).values()) == {images}
    batches.go_to(len(batches) + 2)
    assert list(batches) == found[2:]


def test_one_data_set_is_as_none() -> None:
    assert list(Batches(LABELS, sampler(), sources=np.zeros(6, np.int64))) == list(Batches(LABELS, sampler()))


@given(st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(0, 50))
def test_each_process_has_its_share_of_each_data_set(processes: int, epoch: int) -> None:
    chosen = sampler(classes=6, images=4)
    whole = of_epoch(Batches(SEVERAL, chosen, sources=SOURCES), epoch)
    shares = [
        of_epoch(Batches(SEVERAL, chosen, sources=SOURCES, rank=rank, processes=processes), epoch)
        for rank in range(processes)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert Counter(item for part in parts for item in part) == Counter(batch)
        for part in parts:
            counts = Counter(int(SOURCES[SEVERAL[index]]) for _, index in part)
            assert counts == dict.fromkeys(range(3), 24 // processes)


def test_batches_of_data_sets_that_cannot_be_divided_are_refused() -> None:
    labels, sources = np.repeat(np.arange(7), 10), np.repeat([0, 1], [4, 3])
    Batches(labels, sampler(classes=4, images=4), processes=4)
    with pytest.raises(TrainingError, match="a batch of 15 cannot be divided among 4 processes"):
        Batches(labels, sampler(classes=4, images=4), sources=sources, processes=4)


def test_too_few_images_for_several_data_sets_are_refused_with_a_setting_that_works() -> None:
    with pytest.raises(TrainingError, match=r"of each of 3 folders .*sampler\.apart=false"):
        Batches(SEVERAL, sampler(classes=6, images=20), sources=SOURCES)
    assert len(Batches(SEVERAL, sampler(classes=6, images=20))) == 2


def of_manifest(*names: str) -> list[int]:
    classes = tuple(sorted({Path(name).parent.name for name in names}))
    labels = np.array([classes.index(Path(name).parent.name) for name in names])
    return sources_of(LabelledImages(Path("all.csv"), tuple(map(Path, names)), labels, classes)).tolist()


def test_classes_of_one_folder_are_one_data_set() -> None:
    names = ("a/cat/1.jpg", "a/dog/1.jpg", "b/fox/1.jpg", "b/owl/1.jpg")
    assert of_manifest(*names) == [0, 0, 1, 1]
    # Numbered by their classes, however their paths are written.
    assert of_manifest(*("z" + name if name[0] == "a" else name for name in names)) == [0, 0, 1, 1]


def test_a_class_in_two_folders_is_of_the_first() -> None:
    # What is left of the second has then nothing to tell apart.
    assert of_manifest("b/cat/1.jpg", "a/cat/1.jpg", "b/dog/1.jpg", "a/fox/1.jpg") == [0, 0, 0]


def test_folders_of_one_class_are_one_data_set_together() -> None:
    names = "a/cat/1.jpg", "c/dog/1.jpg", "c/emu/1.jpg", "b/fox/1.jpg", "d/owl/1.jpg", "d/pug/1.jpg"
    assert of_manifest(*names) == [2, 0, 0, 2, 1, 1]
    assert of_manifest("a/cat/1.jpg", "b/dog/1.jpg") == [0, 0]
