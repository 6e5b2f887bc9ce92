from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import (
    LabelledImages,
    SplitFolders,
    find_splits,
    read_class_folders,
)
from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver


def train_and_test(folder: Path, *, same_classes: bool = True) -> tuple[LabelledImages, LabelledImages | None]:
    found = read_dataset(folder, usable=False, same_classes=same_classes)
    return found.train, found.test


def make_files(root: Path, names: Iterable[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def names_in(images: LabelledImages) -> list[str]:
    return [path.relative_to(images.root).as_posix() for path in images.paths]


def test_images_come_by_class_then_by_name(tmp_path: Path) -> None:
    make_files(tmp_path, ["dog/b.png", "cat/2.jpg", "dog/a.png", "cat/10.jpg", "ant/z.png"])
    images = read_class_folders(tmp_path)
    assert names_in(images) == ["ant/z.png", "cat/10.jpg", "cat/2.jpg", "dog/a.png", "dog/b.png"]
    assert images.classes == ("ant", "cat", "dog")
    assert images.labels.tolist() == [0, 1, 1, 2, 2]
    assert images.labels.dtype == np.int64
    assert len(images) == 5
    assert images.root == tmp_path


def test_the_folder_may_be_given_as_text(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat/1.jpg"])
    assert read_class_folders(str(tmp_path)).paths == (tmp_path / "cat" / "1.jpg",)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.Png", "a.webp", "a.tif", "a.b.bmp", "with space.gif", "ü.png"])
def test_files_with_the_suffix_of_an_image_count(tmp_path: Path, name: str) -> None:
    make_files(tmp_path, [f"cat/{name}"])
    assert names_in(read_class_folders(tmp_path)) == [f"cat/{name}"]


@pytest.mark.parametrize(
    "name",
    [
        "cat/.hidden.png",
        "cat/._1.jpg",
        "cat/notes.txt",
        "cat/jpg",
        "cat/Thumbs.db",
        "cat/folder.png/readme",
        "cat/.thumbnails/1.jpg",
        "cat/more/.ipynb_checkpoints/1.jpg",
        ".git/1.jpg",
        "stray.jpg",
    ],
)
def test_what_is_hidden_or_no_image_is_passed_over(tmp_path: Path, name: str) -> None:
    make_files(tmp_path, ["cat/1.jpg", name])
    images = read_class_folders(tmp_path)
    assert names_in(images) == ["cat/1.jpg"]
    assert images.classes == ("cat",)


def test_what_systems_keep_and_what_is_excluded_is_no_class_and_no_image(tmp_path: Path) -> None:
    make_files(
        tmp_path, ["cat/1.jpg", "cat/@eaDir/1.jpg/thumb.jpg", "lost+found/2.jpg", "raw/3.jpg", "cat/4_small.jpg"]
    )
    make_files(tmp_path, ["5.jpg"])
    passed = PassedOver()
    images = read_class_folders(tmp_path, exclude=["raw/", "*_small.jpg"], passed=passed)
    assert names_in(images) == ["cat/1.jpg"]
    assert passed.system.total() == 2
    assert (passed.excluded, passed.without_class) == (2, 1)
    (tmp_path / ".samekindignore").write_text("raw/\n*_small.jpg\n")
    assert names_in(read_class_folders(tmp_path)) == ["cat/1.jpg"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_classes_may_be_links_to_elsewhere(tmp_path: Path) -> None:
    make_files(tmp_path / "all", ["cat/1.jpg", "dog/2.jpg", "cow/3.jpg"])
    (tmp_path / "some" / "cow").mkdir(parents=True)
    (tmp_path / "some" / "cat").symlink_to(tmp_path / "all" / "cat")
    (tmp_path / "some" / "cow" / "3.jpg").symlink_to(tmp_path / "all" / "cow" / "3.jpg")
    (tmp_path / "some" / "again").symlink_to("cow")
    images = read_class_folders(tmp_path / "some")
    assert names_in(images) == ["cat/1.jpg", "cow/3.jpg"]


def test_a_class_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_files(tmp_path, ["cat/1.jpg", "dog/2.jpg"])
    scandir = os.scandir

    def refusing(place: object) -> object:
        if str(place).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr("samekind.images.folder_contents.os.scandir", refusing)
    with pytest.raises(DatasetError, match=r"dog.* cannot be listed \(Permission denied\)"):
        read_class_folders(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take only Unicode")
def test_a_class_whose_name_is_no_utf8_is_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9") / "1.jpg").touch()
    assert read_class_folders(tmp_path).classes == (os.fsdecode(b"caf\xe9"),)


def test_a_hidden_folder_above_the_class_folders_hides_nothing(tmp_path: Path) -> None:
    make_files(tmp_path / ".cache", ["cat/1.jpg"])
    assert names_in(read_class_folders(tmp_path / ".cache")) == ["cat/1.jpg"]


def test_images_in_subfolders_belong_to_the_class_above(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat/1.jpg", "cat/indoor/2.jpg", "cat/indoor/night/3.jpg", "dog/puppy/1.jpg"])
    images = read_class_folders(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 0, 0, 1]


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat/1.jpg", "dog/notes.txt"])
    with pytest.raises(DatasetError, match=r"dog.*class without images"):
        read_class_folders(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere.*no such folder"):
        read_class_folders(tmp_path / "nowhere")


def test_a_file_given_as_the_folder_is_an_error(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat.jpg"])
    with pytest.raises(DatasetError, match=r"cat\.jpg.*no such folder"):
        read_class_folders(tmp_path / "cat.jpg")


@pytest.mark.parametrize("names", [[], ["1.jpg", "2.jpg"], [".hidden/1.jpg"]])
def test_a_folder_without_class_folders_is_an_error(tmp_path: Path, names: list[str]) -> None:
    make_files(tmp_path, names)
    with pytest.raises(DatasetError, match="no class folders"):
        read_class_folders(tmp_path)


def test_a_folder_that_is_not_split_has_no_test_images(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat/1.jpg", "dog/1.jpg"])
    train, test = train_and_test(tmp_path)
    assert names_in(train) == ["cat/1.jpg", "dog/1.jpg"]
    assert test is None


@pytest.mark.parametrize("part", ["val", "test"])
def test_train_and_test_images_are_read_apart(tmp_path: Path, part: str) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "train/dog/2.jpg", f"{part}/cat/3.jpg", f"{part}/dog/4.jpg"])
    train, test = train_and_test(tmp_path)
    assert test is not None
    assert names_in(train) == ["cat/1.jpg", "dog/2.jpg"]
    assert names_in(test) == ["cat/3.jpg", "dog/4.jpg"]
    assert test.root == tmp_path / part


def test_beside_test_val_is_held_out(tmp_path: Path) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "Valid/cat/2.jpg", "test/cat/3.jpg", "unlabelled/x/4.jpg"])
    found = find_splits(tmp_path)
    assert found == SplitFolders(tmp_path / "train", tmp_path / "Valid", tmp_path / "test", ("unlabelled",))
    _, test = train_and_test(tmp_path)
    assert test is not None
    assert test.root == tmp_path / "test"


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "val/cat/2.jpg", "validation/cat/3.jpg"])
    with pytest.raises(DatasetError, match="holds val and validation, which mean the same part"):
        find_splits(tmp_path)


def test_train_without_val_has_no_test_images(tmp_path: Path) -> None:
    make_files(tmp_path, ["train/cat/1.jpg"])
    train, test = train_and_test(tmp_path)
    assert names_in(train) == ["cat/1.jpg"]
    assert test is None


@pytest.mark.parametrize("extra", ["train", "val"])
def test_a_class_in_only_one_part_is_named(tmp_path: Path, extra: str) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "val/cat/1.jpg", f"{extra}/dog/1.jpg"])
    with pytest.raises(DatasetError, match="'dog' is in only one of train and val"):
        train_and_test(tmp_path)
    train, test = train_and_test(tmp_path, same_classes=False)
    assert test is not None
    assert "dog" in (train if extra == "train" else test).classes


@pytest.fixture
def three_classes(tmp_path: Path) -> LabelledImages:
    make_files(tmp_path, [f"{name}/{i}.jpg" for name in ("ant", "cat", "dog") for i in range(2)])
    return read_class_folders(tmp_path)


def test_a_subset_keeps_classes_and_the_order_asked_for(three_classes: LabelledImages) -> None:
    subset = three_classes.subset(np.array([5, 0, 4]))
    assert names_in(subset) == ["dog/1.jpg", "ant/0.jpg", "dog/0.jpg"]
    assert subset.labels.tolist() == [2, 0, 2]
    assert subset.classes == three_classes.classes


def test_only_some_classes_are_numbered_anew(three_classes: LabelledImages) -> None:
    chosen = three_classes.only_classes(frozenset({"dog", "ant"}))
    assert names_in(chosen) == ["ant/0.jpg", "ant/1.jpg", "dog/0.jpg", "dog/1.jpg"]
    assert chosen.labels.tolist() == [0, 0, 1, 1]
    assert chosen.labels.dtype == np.int64
    assert chosen.classes == ("ant", "dog")


def test_only_classes_names_the_unknown_one(three_classes: LabelledImages) -> None:
    with pytest.raises(DatasetError, match="no class 'cow'; classes are ant, cat, dog"):
        three_classes.only_classes(frozenset({"cow", "cat"}))


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    images, test = train_and_test(tmp_path)
    assert images.classes == ("bus", "train")
    assert test is None


def test_where_all_is_excluded_that_is_said(colour_folders: Path) -> None:
    with pytest.raises(DatasetError, match="everything in it is excluded"):
        read_class_folders(colour_folders, exclude=["*"])
