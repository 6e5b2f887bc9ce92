from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError
from samekind.training.batches.listed import draw_list, groups_found, groups_known_alike
from samekind.training.recipe import Recipe


def images(classes: int, per_class: int) -> LabelledImages:
    labels = np.repeat(np.arange(classes), per_class)
    paths = tuple(Path(f"{label}/{i}.jpg") for i, label in enumerate(labels))
    return LabelledImages(Path("root"), paths, labels, tuple(f"class {i}" for i in range(classes)))


def recipe(kind: str, per_class: int = 40, seed: int = 0) -> Recipe:
    loss = {"pairs": "pairs", "triplets": "triplet"}[kind]
    return Recipe().with_settings(
        seed=seed, sampler={"kind": kind, "per_class": per_class}, objectives=[{"loss": loss}]
    )


def own_hashes(given_images: LabelledImages) -> dict[Path, str]:
    return {path: str(path) for path in given_images.paths}


@given(st.sampled_from(["pairs", "triplets"]), st.integers(0, 10_000))
def test_nothing_but_the_list_is_used_and_held_out_images_are_in_no_item_that_is_trained_on(kind, seed) -> None:
    source = images(4, 400)
    # Of so long a list every one of these seeds leaves enough; with 40 a class, 4 in 10,000 are rightly refused.
    listed = draw_list(source, recipe(kind, per_class=80, seed=seed), own_hashes(source))
    assert len(listed.items) == 4 * 80 - 4 * (round(0.12 * 40) * 2 if kind == "pairs" else round(0.12 * 80))
    assert set(listed.train.paths).isdisjoint(listed.held_out.paths)
    assert set(np.unique(listed.items)) == set(range(len(listed.train)))
    assert np.bincount(listed.held_out.labels, minlength=4).min() >= 2


def test_items_are_still_what_they_were_drawn_as() -> None:
    source = images(4, 400)
    pairs = draw_list(source, recipe("pairs"), own_hashes(source))
    same = pairs.train.labels[pairs.items[:, 0]] == pairs.train.labels[pairs.items[:, 1]]
    assert same.mean() == 0.5
    triplets = draw_list(source, recipe("triplets"), own_hashes(source))
    anchor, positive, negative = triplets.train.labels[triplets.items].T
    assert (anchor == positive).all()
    assert (anchor != negative).all()


def test_the_same_picture_in_two_files_is_not_on_both_sides() -> None:
    source = images(4, 400)
    hashes = {path: str(i // 2) for i, path in enumerate(source.paths)}
    listed = draw_list(source, recipe("pairs"), hashes)
    trained = {hashes[path] for path in listed.train.paths}
    assert trained.isdisjoint(hashes[path] for path in listed.held_out.paths)


def test_too_short_a_list_says_so() -> None:
    source = images(3, 10)
    with pytest.raises(DatasetError, match=r"sampler\.per_class"):
        draw_list(source, recipe("pairs", per_class=8), own_hashes(source))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20), st.integers(0, 99))
def test_what_a_list_says_is_alike_is_what_follows_from_its_answers(pairs: list[tuple[int, int]], seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, 10)
    found = groups_known_alike(np.array(pairs), labels)
    alike = np.eye(10, dtype=bool)
    for first, second in pairs:
        if labels[first] == labels[second]:
            alike[first, second] = alike[second, first] = True
    for _ in range(10):
        alike |= alike @ alike
    assert ((found[:, None] == found[None, :]) == alike).all()


def test_of_a_triplet_only_the_first_two_are_alike() -> None:
    groups = groups_known_alike(np.array([[0, 1, 2], [3, 1, 4]]), np.array([0, 0, 1, 0, 2]))
    assert groups.tolist() == [0, 0, 1, 0, 2]


def around(directions: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings near so many directions at right angles, and which each is near to."""
    kinds = np.repeat(np.arange(directions), each)
    rows = np.eye(directions)[kinds] + np.random.default_rng(seed).normal(0, 0.1, (len(kinds), directions))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), kinds


def test_groups_are_what_lies_together() -> None:
    rows, kinds = around(5, 30, seed=0)
    found = groups_found(rows, np.arange(150), 5)
    assert ((found[:, None] == found[None, :]) == (kinds[:, None] == kinds[None, :])).all()


def test_an_image_goes_where_most_of_those_known_to_be_like_it_are() -> None:
    rows, kinds = around(2, 10, seed=1)
    known = np.arange(20)
    known[[0, 1, 15]] = 0  # two of the first kind, and one that only the list knows to be of it
    found = groups_found(rows, known, 2)
    assert found[15] == found[0] == found[2] != found[16]
    assert np.array_equal(np.delete(found, 15) == found[0], np.delete(kinds, 15) == 0)


@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 99))
def test_groups_keep_together_what_is_known_and_are_numbered_without_gaps(images: int, groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.eye(3, dtype=np.float32), images)  # most are the same as others
    known = rng.integers(0, 4, images)
    found = groups_found(rows, known, groups)
    assert np.array_equal(np.unique(found), np.arange(found.max() + 1))
    assert found.max() < min(groups, images)
    for group in np.unique(known):
        assert len(np.unique(found[known == group])) == 1
