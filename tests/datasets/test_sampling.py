from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.sampling import (
    TRIO_COMPOSITIONS,
    Indices,
    Pairs,
    Trios,
    sample_at_most,
    sample_pairs,
    sample_trios,
    sample_triplets,
)
from samekind.errors import DatasetError

SAMPLERS = (sample_pairs, sample_triplets, sample_trios)
every_sampler = pytest.mark.parametrize("sample", SAMPLERS)
even = st.integers(0, 4).map(lambda half: 2 * half)
seeds = st.integers(0, 2**32 - 1)


def labels_of(*sizes: int) -> Indices:
    return np.repeat(np.arange(len(sizes)), sizes)


def labels(fewest_classes: int) -> st.SearchStrategy[Indices]:
    """Labels in any order, of classes with enough images for what these tests ask."""
    sizes = st.lists(st.integers(6, 10), min_size=fewest_classes, max_size=6)
    return sizes.flatmap(lambda n: st.permutations(labels_of(*n).tolist())).map(partial(np.array, dtype=np.int64))


def images_of(sample: Pairs | Trios | Indices) -> list[list[int]]:
    return (sample if isinstance(sample, np.ndarray) else sample.images).tolist()


def no_image_with_itself(items: Indices) -> bool:
    return all(len(set(item)) == len(item) for item in items.tolist())


def no_item_twice(items: Indices) -> bool:
    return len({frozenset(item) for item in items.tolist()}) == len(items)


@given(labels(2), even, seeds)
def test_pairs_are_half_genuine_for_each_class(labels: Indices, per_class: int, seed: int) -> None:
    pairs = sample_pairs(labels, per_class, seed)
    classes = int(labels.max()) + 1
    assert pairs.images.shape == (per_class * classes, 2)
    assert pairs.same.tolist() == ([True] * (per_class // 2) + [False] * (per_class // 2)) * classes
    assert (labels[pairs.images[:, 0]] == np.repeat(np.arange(classes), per_class)).all()


@given(labels(2), even, seeds)
def test_pairs_say_whether_they_share_a_class_and_never_come_twice(labels: Indices, per_class: int, seed: int) -> None:
    pairs = sample_pairs(labels, per_class, seed)
    assert ((labels[pairs.images[:, 0]] == labels[pairs.images[:, 1]]) == pairs.same).all()
    assert no_image_with_itself(pairs.images)
    assert no_item_twice(pairs.images)


@given(labels(2), st.integers(0, 9), seeds)
def test_triplets_have_two_of_the_anchors_class_and_one_of_another(labels: Indices, per_class: int, seed: int) -> None:
    triplets = sample_triplets(labels, per_class, seed)
    classes = int(labels.max()) + 1
    assert triplets.shape == (per_class * classes, 3)
    anchor, positive, negative = labels[triplets].T
    assert (anchor == np.repeat(np.arange(classes), per_class)).all()
    assert (anchor == positive).all()
    assert (anchor != negative).all()
    assert no_image_with_itself(triplets)
    assert no_item_twice(triplets)


@given(labels(3), even, seeds)
def test_trios_are_what_their_letters_say(labels: Indices, per_class: int, seed: int) -> None:
    trios = sample_trios(labels, per_class, seed)
    drawn_for = np.repeat(np.arange(int(labels.max()) + 1), per_class)
    for item, composition, a in zip(trios.images, trios.composition, drawn_for, strict=True):
        class_of = dict(zip(composition, labels[item].tolist(), strict=True))
        assert [class_of[letter] for letter in composition] == labels[item].tolist()
        assert len(set(class_of.values())) == len(class_of)
        assert class_of["A"] == a
    assert no_image_with_itself(trios.images)
    assert no_item_twice(trios.images)


@given(labels(3), even, seeds)
def test_half_of_the_trios_have_the_answer_no(labels: Indices, per_class: int, seed: int) -> None:
    trios = sample_trios(labels, per_class, seed)
    classes = int(labels.max()) + 1
    assert trios.images.shape == (per_class * classes, 3)
    answers = [len(set(labels[item])) < 3 for item in trios.images]
    assert trios.same.dtype == np.bool_
    assert trios.same.tolist() == answers
    assert sum(answers) == per_class * classes // 2


@pytest.mark.parametrize(
    ("per_class", "alike"),
    [
        (2, {"AAB": 1}),
        (4, {"AAB": 1, "ABA": 1}),
        (6, {"AAB": 1, "ABA": 1, "BAA": 1}),
        (8, {"AAB": 1, "ABA": 1, "BAA": 1, "AAA": 1}),
        (10, {"AAB": 2, "ABA": 1, "BAA": 1, "AAA": 1}),
        (32, {"AAB": 4, "ABA": 4, "BAA": 4, "AAA": 4}),
    ],
)
def test_the_other_half_is_split_over_the_compositions(per_class: int, alike: dict[str, int]) -> None:
    trios = sample_trios(labels_of(9, 9, 9), per_class, seed=0)
    for one_class in trios.composition.reshape(3, per_class):
        assert Counter(one_class.tolist()) == {"ABC": per_class // 2, **alike}


def test_every_other_class_comes_as_the_impostor() -> None:
    labels = labels_of(*[20] * 5)
    impostors = sample_pairs(labels, 80, seed=0)
    others = labels[impostors.images[~impostors.same & (labels[impostors.images[:, 0]] == 2)][:, 1]]
    assert set(others.tolist()) == {0, 1, 3, 4}


@every_sampler
def test_a_seed_decides_the_sample(sample: Callable[..., Any]) -> None:
    labels = labels_of(20, 20, 20)
    assert images_of(sample(labels, 16, 5)) == images_of(sample(labels, 16, 5))
    assert images_of(sample(labels, 16, 5)) != images_of(sample(labels, 16, 6))


@every_sampler
def test_a_sample_of_none_is_empty(sample: Callable[..., Any]) -> None:
    assert images_of(sample(labels_of(5, 5, 5), 0, 0)) == []


@pytest.mark.parametrize("sample", [sample_pairs, sample_trios])
def test_an_odd_number_cannot_be_half_and_half(sample: Callable[..., Any]) -> None:
    with pytest.raises(DatasetError, match="per class must be even"):
        sample(labels_of(9, 9, 9), 5, 0)


@every_sampler
@pytest.mark.parametrize("labels", [labels_of(9), labels_of()])
def test_one_class_is_too_few(sample: Callable[..., Any], labels: Indices) -> None:
    with pytest.raises(DatasetError, match="at least two classes"):
        sample(labels, 2, 0)


def test_two_classes_are_too_few_for_trios() -> None:
    with pytest.raises(DatasetError, match="at least three classes"):
        sample_trios(labels_of(9, 9), 2, 0)


@every_sampler
@pytest.mark.parametrize("per_class", [1_000, 1_000_000])
def test_more_than_there_is_ends_in_an_error(sample: Callable[..., Any], per_class: int) -> None:
    with pytest.raises(DatasetError, match=r"only \d+ of \d+ different .* found; ask for fewer or add images"):
        sample(labels_of(4, 4, 4), per_class, 0)


@every_sampler
def test_a_class_of_one_image_has_nothing_alike(sample: Callable[..., Any]) -> None:
    with pytest.raises(DatasetError, match="class number 1 has 1 images; 2 are needed"):
        sample(labels_of(4, 1, 4), 2, 0)


def test_all_there_is_can_be_drawn() -> None:
    pairs = sample_pairs(labels_of(4, 4), 12, seed=0)
    assert {frozenset(pair) for pair in pairs.images[pairs.same].tolist()} == {
        frozenset({i + start, j + start}) for start in (0, 4) for i in range(4) for j in range(i)
    }


@pytest.mark.parametrize(("sample", "total"), [(sample_pairs, 240), (sample_trios, 240), (sample_pairs, 263)])
def test_at_most_gives_the_total_where_it_can(sample: Callable[..., Any], total: int) -> None:
    assert len(sample_at_most(sample, labels_of(30, 30, 30), total, 0).images) == 240


@pytest.mark.parametrize("sample", [sample_pairs, sample_trios])
def test_at_most_gives_fewer_where_it_must(sample: Callable[..., Any]) -> None:
    labels = labels_of(30, 4, 30)
    found = sample_at_most(sample, labels, 3_000, 0)
    assert 6 <= len(found.images) < 3_000
    assert found.same.mean() == 0.5


@pytest.mark.parametrize("sample", [sample_pairs, sample_trios])
@pytest.mark.parametrize("tiny", [1, 2])
def test_a_tiny_class_takes_nothing_from_the_others(sample: Callable[..., Any], tiny: int) -> None:
    found = sample_at_most(sample, labels_of(40, tiny, 40, 40), 800, 0)
    assert len(found.images) >= 600
    assert found.same.mean() == 0.5


def test_at_most_finds_all_that_two_images_of_each_class_give() -> None:
    labels = labels_of(2, 2, 2)
    assert len(sample_at_most(sample_pairs, labels, 1_000, 0).images) == 6
    trios = sample_at_most(sample_trios, labels, 1_000, 0)
    assert (trios.same.sum(), (~trios.same).sum()) == (8, 8)


@pytest.mark.parametrize("sizes", [(10, 2), (100, 2), (30, 2, 2), (100, 3, 3)])
def test_at_most_is_balanced_whatever_runs_out(sizes: tuple[int, ...]) -> None:
    for sample in (sample_pairs, sample_trios)[: len(sizes) - 1]:
        assert sample_at_most(sample, labels_of(*sizes), 20_000, 0).same.mean() == 0.5


@pytest.mark.parametrize("labels", [labels_of(1, 1, 1), labels_of(9), labels_of()])
@pytest.mark.parametrize("sample", [sample_pairs, sample_trios])
def test_at_most_gives_up_where_nothing_can_be_drawn(sample: Callable[..., Any], labels: Indices) -> None:
    with pytest.raises(DatasetError):
        sample_at_most(sample, labels, 100, 0)


@pytest.fixture(scope="module")
def imagenette(shared: Path) -> tuple[LabelledImages, LabelledImages]:
    found = read_dataset(shared / "data" / "imagenette2-224")
    assert found.test is not None
    return found.train, found.test


@every_sampler
def test_the_protocol_on_imagenette_is_1280_to_train_and_320_to_test(
    imagenette: tuple[LabelledImages, LabelledImages], sample: Callable[..., Any]
) -> None:
    for images, per_class, total in zip(imagenette, (128, 32), (1280, 320), strict=True):
        items = np.array(images_of(sample(images.labels, per_class, 0)))
        assert len(items) == total
        assert no_image_with_itself(items)
        assert no_item_twice(items)


def test_the_trios_of_the_protocol_are_balanced(imagenette: tuple[LabelledImages, LabelledImages]) -> None:
    trios = sample_trios(imagenette[1].labels, 32, 0)
    assert Counter(trios.composition.tolist()) == {name: 160 if name == "ABC" else 40 for name in TRIO_COMPOSITIONS}


def test_every_process_draws_the_same(shared: Path) -> None:
    script = (
        "import sys, numpy as np\n"
        "from samekind.datasets.folders import read_class_folders\n"
        "from samekind.datasets.sampling import sample_pairs, sample_trios, sample_triplets\n"
        "images = read_class_folders(sys.argv[1])\n"
        "samples = [s(images.labels, 32, 0) for s in (sample_pairs, sample_triplets, sample_trios)]\n"
        "items = np.concatenate([getattr(s, 'images', s).ravel() for s in samples])\n"
        "print([images.paths[i].name for i in items])\n"
    )
    folder = str(shared / "data" / "imagenette2-224" / "val")
    first, second = (
        subprocess.run(
            [sys.executable, "-c", script, folder],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    )
    assert first == second
    assert first.count(".") >= 320 * 8
