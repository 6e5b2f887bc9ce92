from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.datasets.splits import refuse_shared_images, stratified_holdout
from samekind.errors import DatasetError
from samekind.system.hashing import content_hash, split_digest

Contents = dict[str, list[int]]


def folder_of(root: Path, contents: Contents, name: str = "{:03}.png") -> LabelledImages:
    """Class folders whose files hold the given numbers as text."""
    for label, numbers in contents.items():
        (root / label).mkdir(parents=True)
        for i, number in enumerate(numbers):
            (root / label / name.format(i)).write_text(str(number))
    return read_class_folders(root)


def held_contents(images: LabelledImages) -> list[tuple[str, str]]:
    return sorted((path.parent.name, path.read_text()) for path in images.paths)


@pytest.fixture
def plain(tmp_path: Path) -> LabelledImages:
    return folder_of(tmp_path / "plain", {"a": [*range(40)], "b": [*range(100, 120)], "c": [*range(200, 205)]})


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"bytes")
    assert content_hash(tmp_path / "x") == hashlib.sha256(b"bytes").hexdigest()


def test_a_file_that_cannot_be_hashed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.png: cannot be read"):
        content_hash(tmp_path / "gone.png")


@given(st.lists(st.text("abc", max_size=3)), st.randoms())
def test_the_digest_of_a_set_forgets_its_order(hashes: list[str], random: object) -> None:
    shuffled = list(hashes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split_digest(iter(shuffled)) == split_digest(hashes)


@pytest.mark.parametrize("other", [["a"], ["a", "b", "b"], ["a", "c"], ["ab"], []])
def test_the_digest_tells_sets_apart(other: list[str]) -> None:
    assert split_digest(other) != split_digest(["a", "b"])


@pytest.mark.parametrize(("fraction", "held"), [(0.1, [4, 2, 2]), (0.25, [10, 5, 2]), (0.5, [20, 10, 2])])
def test_the_fraction_holds_for_each_class_and_at_least_two(
    plain: LabelledImages, fraction: float, held: list[int]
) -> None:
    kept, held_out = stratified_holdout(plain, fraction, seed=0)
    assert np.bincount(held_out.labels).tolist() == held
    assert np.bincount(kept.labels).tolist() == [40 - held[0], 20 - held[1], 5 - held[2]]


def test_two_images_of_each_class_are_kept_whatever_the_fraction(plain: LabelledImages) -> None:
    kept, _ = stratified_holdout(plain, 0.999, seed=0)
    assert np.bincount(kept.labels).tolist() == [2, 2, 2]


def test_the_parts_make_up_the_whole(plain: LabelledImages) -> None:
    kept, held_out = stratified_holdout(plain, 0.2, seed=0)
    assert sorted(kept.paths + held_out.paths) == sorted(plain.paths)
    assert kept.classes == held_out.classes == plain.classes
    for part in (kept, held_out):
        assert [part.classes[label] for label in part.labels] == [path.parent.name for path in part.paths]


def test_a_seed_decides_the_split(plain: LabelledImages) -> None:
    assert stratified_holdout(plain, 0.2, seed=7)[1].paths == stratified_holdout(plain, 0.2, seed=7)[1].paths
    assert stratified_holdout(plain, 0.2, seed=7)[1].paths != stratified_holdout(plain, 0.2, seed=8)[1].paths


def test_file_names_and_their_order_do_not_change_the_split(tmp_path: Path) -> None:
    numbers = list(range(30))
    one = folder_of(tmp_path / "one", {"a": numbers, "b": [n + 100 for n in numbers]})
    other = folder_of(tmp_path / "other", {"a": numbers[::-1], "b": [n + 100 for n in numbers[::-1]]}, "photo-{}.jpg")
    for seed in range(3):
        first, second = (stratified_holdout(images, 0.2, seed)[1] for images in (one, other))
        assert held_contents(first) == held_contents(second)


def contents_with_copies() -> st.SearchStrategy[Contents]:
    """Classes with at least four different images of their own, with copies within and across classes."""

    @st.composite
    def build(draw: st.DrawFn) -> Contents:
        contents: Contents = {}
        for i, label in enumerate("abc"[: draw(st.integers(1, 3))]):
            own = [1000 * (i + 1) + j for j in range(draw(st.integers(4, 8)))]
            copies = draw(st.lists(st.sampled_from(own), max_size=8))
            shared = draw(st.lists(st.integers(0, 3), max_size=4))
            contents[label] = draw(st.permutations(own + copies + shared))
        return contents

    return build()


@given(contents_with_copies(), st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.integers(0, 3))
def test_the_same_bytes_never_straddle_and_each_side_has_two_different_images_of_each_class(
    contents: Contents, fraction: float, seed: int
) -> None:
    with TemporaryDirectory() as folder:
        kept, held_out = stratified_holdout(folder_of(Path(folder) / "x", contents), fraction, seed)
        sides = [held_contents(kept), held_contents(held_out)]
    kept_bytes, held_bytes = ({content for _, content in side} for side in sides)
    assert not kept_bytes & held_bytes
    assert len(sides[0]) + len(sides[1]) == sum(map(len, contents.values()))
    for side in sides:
        for label in contents:
            assert len({content for name, content in side if name == label}) >= 2


def test_copies_count_towards_the_fraction(tmp_path: Path) -> None:
    copies = folder_of(tmp_path / "x", {"a": [n // 5 for n in range(100)], "b": [*range(200, 300)]})
    _, held_out = stratified_holdout(copies, 0.2, seed=0)
    assert np.bincount(held_out.labels).tolist() == [20, 20]


@pytest.mark.parametrize("numbers", [[1, 2, 3], [1, 1, 2, 2, 3, 3], [10, 11, 12, 13]])
def test_a_class_with_too_few_different_images_of_its_own_is_named(tmp_path: Path, numbers: list[int]) -> None:
    images = folder_of(tmp_path / "x", {"many": [*range(10, 30)], "scarce": numbers})
    with pytest.raises(DatasetError, match=r"'scarce' has \d different images.*at least 4"):
        stratified_holdout(images, 0.2, seed=0)


def test_an_image_on_both_sides_is_refused_by_name(tmp_path: Path) -> None:
    for name, content in (
        ("train/a/1.jpg", b"1"),
        ("train/a/2.jpg", b"2"),
        ("val/a/3.jpg", b"3"),
        ("val/a/4.jpg", b"1"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    train, val = read_class_folders(tmp_path / "train"), read_class_folders(tmp_path / "val")
    with pytest.raises(DatasetError, match=r"val.a.4\.jpg is the same image as .*train.a.1\.jpg"):
        refuse_shared_images(train, val)
    refuse_shared_images(train, val.subset(np.array([0])))
