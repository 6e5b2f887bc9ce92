from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets import dataset as module
from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.datasets.manifest import SPLITS, read_manifest, write_manifest
from samekind.errors import DatasetError

# Of so few images that nothing could be trained: how they are listed is what matters here.
read_dataset = partial(module.read_dataset, usable=False)


def manifest_of(folder: Path, text: str, files: str = "1.jpg 2.jpg 3.jpg") -> Path:
    for name in files.split():
        (folder / name).touch()
    (folder / "list.csv").write_text(text)
    return folder / "list.csv"


def test_images_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = manifest_of(tmp_path, "path,label,split\n3.jpg,mug,train\n1.jpg,jug,train\n2.jpg,mug,train\n")
    images = read_manifest(path).parts["train"]
    assert [image.name for image in images.paths] == ["3.jpg", "1.jpg", "2.jpg"]
    assert images.classes == ("jug", "mug")
    assert images.labels.tolist() == [1, 0, 1]
    assert images.labels.dtype == np.int64
    assert images.root == path


@pytest.mark.parametrize("name", ["test", "val", "valid", "validation", "Test", " val "])
def test_the_test_split_goes_by_several_names(name: str, tmp_path: Path) -> None:
    path = manifest_of(tmp_path, f"path,label,split\n1.jpg,mug,train\n2.jpg,mug,{name}\n")
    assert list(read_manifest(path).parts) == ["train", "test"]


def test_columns_come_in_any_order_among_others(tmp_path: Path) -> None:
    path = manifest_of(tmp_path, "photographer,split,label,path\nAnn,held-out,mug,1.jpg\n,train,jug,2.jpg\n")
    parts = read_manifest(path).parts
    assert {split: images.classes for split, images in parts.items()} == {"train": ("jug",), "held-out": ("mug",)}


def test_paths_are_relative_to_the_manifest_not_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest_of(tmp_path, "path,label\n1.jpg,mug\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_manifest("../list.csv").parts["train"].paths[0].exists()


def test_a_byte_order_mark_and_quotes_are_no_part_of_names(tmp_path: Path) -> None:
    path = manifest_of(tmp_path, '\ufeff"path","label"\n"1.jpg","mug, blue"\n')
    assert read_manifest(path).parts["train"].classes == ("mug, blue",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "path,split\n1.jpg,train\n",
            "no column 'label' .or class, .*must name the columns path, label; it has path, split",
        ),
        ("where;label\n1.jpg;mug\n", "no column 'path'.*; it has where, label, separated by semicolons"),
        ("", "no column 'path'"),
        ("path,label\n", "no rows"),
        ("path,label,split\n1.jpg,mug,train\n2.jpg,mug,tran\n", "line 3 has the unknown split 'tran'; is 'train'"),
        ("path,label,split\n1.jpg,mug,heldout\n", "line 2 has the unknown split 'heldout'; is 'held_out' meant"),
        ("path,label,split\n1.jpg,mug,5\n", "line 2 has the unknown split '5'; splits are train, held-out, test"),
        ("path,label,split\n1.jpg,mug,\n", "line 2 has no split; write train, held-out or test"),
        ("path,label\n1.jpg,mug\n2.jpg,  \n", r"line 3 has no label for 2\.jpg"),
        ("path,label\n1.jpg,mug\n,mug\n", "line 3 has no path"),
        ("path,label\n1.jpg,mug\n2.jpg,mug\n./1.jpg,jug\n", r"line 4 has \./1\.jpg again, first on line 2"),
        ("path,label\n1.jpg,mug\n8.jpg,mug\n9.jpg,mug\n", r"line 3: no such file .*8\.jpg, and 1 more of 3"),
        ("path,label\n1.jpg,mug\n.,mug\n", "line 3: no such file"),
        ("path,label\n1.jpg,mug\n2.jpg\n", "line 3 has 1 entry for 2 columns"),
        ("path,label\n1.jpg,mug,train\n", "line 2 has 3 entries for 2 columns"),
        ('path,label\n"1.jpg\n\nmore",mug\n2.jpg,\n', r"line 5 has no label for 2\.jpg"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=rf"list\.csv: {message}"):
        read_manifest(manifest_of(tmp_path, text))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_a_dataset_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        for start in (b"", b"path,label,split\n"):
            Path(folder, "list.csv").write_bytes(start + content)
            with pytest.raises(DatasetError, match=r"list\.csv"):  # none of the paths exists
                read_manifest(f"{folder}/list.csv")


def names() -> st.SearchStrategy[str]:
    """What may be a name of a file or class: any text without separator and zero, and bytes that are not UTF-8."""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="/\0")
    odd = st.sampled_from(["a,b", '"', "\r", "\n", "\r\n", "\udcff", "\udc80x", "ü", " a", "a ", "#", "'", "﻿a"])
    return st.one_of(st.text(letters, min_size=1, max_size=6), odd).filter(lambda name: name.strip(" .") != "")


@st.composite
def labelled_names(draw: st.DrawFn) -> dict[str, list[tuple[str, str]]]:
    """For some of the splits, (file name, label) of each image."""
    files = draw(st.lists(names(), min_size=1, max_size=12, unique=True))
    labels = names().filter(lambda name: name.strip() != "")
    parts: dict[str, list[tuple[str, str]]] = {"train": [(files[0], draw(labels))]}
    for name in files[1:]:
        parts.setdefault(draw(st.sampled_from(SPLITS)), []).append((name, draw(labels)))
    return parts


@given(labelled_names(), st.sampled_from(["list.csv", "run/list.csv", "pictures/list.csv"]))
def test_a_manifest_that_is_written_reads_back_as_the_same(parts: dict[str, list[tuple[str, str]]], place: str) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder, "pictures")
        root.mkdir()
        written = {}
        for split, rows in parts.items():
            for name, _ in rows:
                try:
                    (root / f"{name}.png").touch()
                except OSError:  # this file system does not take such a name
                    return
            classes = tuple(sorted({label for _, label in rows}))
            labels = np.array([classes.index(label) for _, label in rows], np.int64)
            written[split] = LabelledImages(root, tuple(root / f"{name}.png" for name, _ in rows), labels, classes)
        write_manifest(Path(folder, place), written)
        dataset = read_dataset(Path(folder, place))
        assert dataset.parts.keys() == written.keys()
        for split, images in dataset.parts.items():
            assert [path.resolve() for path in images.paths] == [path.resolve() for path in written[split].paths]
            assert images.labels.tolist() == written[split].labels.tolist()
            assert images.classes == written[split].classes


@pytest.fixture
def pictures(tmp_path: Path) -> LabelledImages:
    for name in ("ant", "bee", "cat"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "1.png").write_text(name)
    return read_class_folders(tmp_path / "pictures")


def test_a_class_without_images_is_forgotten(pictures: LabelledImages, tmp_path: Path) -> None:
    write_manifest(tmp_path / "list.csv", {"train": pictures.subset(np.array([2, 0]))})
    images = read_dataset(tmp_path / "list.csv").train
    assert images.classes == ("ant", "cat")
    assert images.labels.tolist() == [1, 0]


def test_a_manifest_and_its_images_can_move_together(pictures: LabelledImages, tmp_path: Path) -> None:
    write_manifest(tmp_path / "pictures" / "list.csv", {"train": pictures})
    moved = shutil.move(tmp_path / "pictures", tmp_path / "moved")
    assert [path.read_text() for path in read_dataset(Path(moved) / "list.csv").train.paths] == ["ant", "bee", "cat"]


def test_a_manifest_of_another_split_is_not_written(pictures: LabelledImages, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown split 'trian'; is 'train' meant"):
        write_manifest(tmp_path / "list.csv", {"trian": pictures})
    assert not (tmp_path / "list.csv").exists()
