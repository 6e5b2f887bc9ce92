from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from samekind.datasets import dataset as module
from samekind.errors import DatasetError

# Of so few images that nothing could be trained: how they are listed is what matters here.
read_dataset = partial(module.read_dataset, usable=False)
read_test_images = partial(module.read_test_images, usable=False)


def make_files(root: Path, names: Iterable[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def make_manifest(root: Path, *lines: str, columns: str = "path,label,split") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    make_files(root, [line.split(",")[0] for line in lines])
    (root / "list.csv").write_text("\n".join([columns, *lines]) + "\n")
    return root / "list.csv"


def test_class_folders_are_all_for_training(tmp_path: Path) -> None:
    make_files(tmp_path, ["cat/1.jpg", "dog/1.jpg"])
    dataset = read_dataset(tmp_path)
    assert dataset.train.classes == ("cat", "dog")
    assert (dataset.held_out, dataset.test) == (None, None)
    assert list(dataset.parts) == ["train"]


def test_train_and_val_are_the_parts_of_a_folder(tmp_path: Path) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "train/dog/1.jpg", "val/cat/2.jpg", "val/dog/2.jpg"])
    dataset = read_dataset(str(tmp_path))
    assert dataset.train.root == tmp_path / "train"
    assert dataset.test is not None
    assert dataset.test.root == tmp_path / "val"
    assert dataset.held_out is None
    assert list(dataset.parts) == ["train", "test"]


def test_different_classes_in_a_folders_parts_pass_only_on_request(tmp_path: Path) -> None:
    make_files(tmp_path, ["train/cat/1.jpg", "val/dog/2.jpg"])
    with pytest.raises(DatasetError, match="in only one of train and val"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, same_classes=False).train.classes == ("cat",)


def test_a_manifest_has_its_own_parts_and_classes(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, "1.jpg,cat,train", "2.jpg,dog,held-out", "3.jpg,cow,test")
    dataset = read_dataset(manifest)
    assert {split: images.classes for split, images in dataset.parts.items()} == {
        "train": ("cat",),
        "held-out": ("dog",),
        "test": ("cow",),
    }
    assert dataset.train.root == manifest


def test_a_manifest_without_splits_is_all_for_training(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, "1.jpg,cat", "2.jpg,dog", columns="path,label")
    assert list(read_dataset(manifest).parts) == ["train"]
    assert len(read_dataset(manifest).train) == 2


def test_a_manifest_of_test_images_is_no_training_set(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, "1.jpg,cat,test")
    with pytest.raises(DatasetError, match=r"list\.csv: no line has the split 'train'"):
        read_dataset(manifest)
    assert len(read_test_images(manifest)) == 1


@pytest.mark.parametrize("read", [read_dataset, read_test_images])
@pytest.mark.parametrize("name", ["nowhere", "nowhere.csv"])
def test_what_is_not_there_is_named(read: object, name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=rf"{name}: no such folder, and no such CSV file"):
        read(tmp_path / name)  # type: ignore[operator]


def test_an_image_given_for_a_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match=r"cat\.jpg: no(t a readable (list|CSV)| column)"):
        read_dataset(tmp_path / "cat.jpg")


def test_the_test_images_of_a_manifest(tmp_path: Path) -> None:
    split = make_manifest(tmp_path / "split", "1.jpg,cat,train", "2.jpg,cat,val")
    assert [path.name for path in read_test_images(split).paths] == ["2.jpg"]
    whole = make_manifest(tmp_path / "whole", "1.jpg,cat", "2.jpg,dog", columns="path,label")
    assert len(read_test_images(whole)) == 2
    train_only = make_manifest(tmp_path / "train", "1.jpg,cat,train")
    with pytest.raises(DatasetError, match="no line has the split 'test'"):
        read_test_images(train_only)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "test"])
def test_the_test_folder_goes_by_several_names(tmp_path: Path, name: str) -> None:
    make_files(tmp_path, [f"{part}/{kind}/1.jpg" for part in ("train", name) for kind in "ab"])
    assert read_test_images(tmp_path).root == tmp_path / name


def test_a_training_part_alone_is_not_tested_on(tmp_path: Path) -> None:
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "1.jpg").touch()
    with pytest.raises(DatasetError, match="has train but no val or test"):
        read_test_images(tmp_path)
    assert read_test_images(tmp_path / "train").classes == ("a",)
