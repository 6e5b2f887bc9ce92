from __future__ import annotations

import hashlib
import io
import logging
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from samekind.datasets.dataset import read_dataset, read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.datasets.sources import SourceRow, read_source
from samekind.errors import DatasetError


def hugging_face() -> ModuleType:
    """The library ``datasets``; without it the folder of these tests has its name."""
    datasets = pytest.importorskip("datasets")
    if not hasattr(datasets, "Features"):
        pytest.skip("Hugging Face's datasets is not installed")
    return datasets


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


ROWS = [(picture(i), "jug" if i % 2 else "mug", "train" if i < 4 else "validation") for i in range(8)]


def content_of(images: LabelledImages) -> list[tuple[bytes, str]]:
    return [(p.read_bytes(), images.classes[label]) for p, label in zip(images.paths, images.labels, strict=True)]


def assert_rows(parts: dict[str, LabelledImages]) -> None:
    assert content_of(parts["train"]) == [(image, label) for image, label, split in ROWS if split == "train"]
    assert content_of(parts["test"]) == [(image, label) for image, label, split in ROWS if split != "train"]


def test_rows_of_bytes_become_files_by_their_content_and_it_is_said(cache: Path, caplog) -> None:
    with caplog.at_level(logging.WARNING, "samekind"):
        parts = read_source(ROWS).parts
    assert_rows(parts)
    assert [path.name for path in parts["train"].paths] == [
        f"{hashlib.sha256(image).hexdigest()}.png" for image, _, split in ROWS if split == "train"
    ]
    assert f"8 images are kept as files in {cache / 'images'}" in caplog.text
    before = sorted(path.stat().st_mtime_ns for path in cache.rglob("*.png"))
    read_source(SourceRow(*row) for row in ROWS)
    assert sorted(path.stat().st_mtime_ns for path in cache.rglob("*.png")) == before


def test_rows_of_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(picture(1))
    parts = read_source([(tmp_path / "1.png", "jug"), (str(tmp_path / "1.png"), "mug")]).parts
    assert parts["train"].paths == (tmp_path / "1.png",) * 2
    with pytest.raises(DatasetError, match="no such file"):
        read_source([(tmp_path / "gone.png", "jug")])


def test_a_pandas_frame_is_read() -> None:
    pandas = pytest.importorskip("pandas")
    assert_rows(read_source(pandas.DataFrame(ROWS, columns=["image", "class", "subset"])).parts)
    with pytest.raises(DatasetError, match=r"<frame>: no column 'label' \(or class, .*; it has image, kind"):
        read_source(pandas.DataFrame(ROWS, columns=["image", "kind", "subset"]))
    with pytest.raises(DatasetError, match="has no label"):
        read_source(pandas.DataFrame([(picture(0), float("nan"))], columns=["image", "label"]))


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    image, label, split = (list(column) for column in zip(*ROWS, strict=True))
    table = pyarrow.table({"image": [{"bytes": b, "path": None} for b in image], "label": label, "split": split})
    parquet.write_table(table, tmp_path / "data.parquet")
    assert_rows(read_dataset(tmp_path / "data.parquet").parts)
    assert len(read_test_images(str(tmp_path / "data.parquet"))) == 4
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match=r"bad\.parquet: not a readable Parquet file"):
        read_dataset(tmp_path / "bad.parquet")


@pytest.mark.slow  # the library `datasets` imports torch
def test_a_folder_of_the_hubs_parquet_files_has_its_splits_and_class_names(tmp_path: Path) -> None:
    datasets = hugging_face()
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["jug", "mug"])})
    for name in ("train", "validation"):
        chosen = [row for row in ROWS if row[2] == name]
        rows = {"image": [{"bytes": row[0], "path": None} for row in chosen], "label": [row[1] for row in chosen]}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / f"{name}-00000-of-00001.parquet")
    assert_rows(read_dataset(tmp_path).parts)


@pytest.mark.slow  # the library `datasets` imports torch
def test_hugging_face_datasets_are_read_encoded_as_they_are() -> None:
    datasets = hugging_face()
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["jug", "mug"])})

    def of(name: str) -> object:
        chosen = [row for row in ROWS if row[2] == name]
        rows = {"image": [{"bytes": row[0], "path": None} for row in chosen], "label": [row[1] for row in chosen]}
        return datasets.Dataset.from_dict(rows, features=features)

    assert_rows(read_source(datasets.DatasetDict(train=of("train"), validation=of("validation"))).parts)
    assert content_of(read_source(of("train")).parts["train"]) == [row[:2] for row in ROWS if row[2] == "train"]


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("label", [".cls", ".txt", ".json"])
def test_tars_of_webdataset_are_read(label: str, tmp_path: Path) -> None:
    for split in ("train", "val"):
        members = {}
        for number, (image, name, part) in enumerate(ROWS):
            if (part == "train") == (split == "train"):
                members[f"{number:04}.png"] = image
                members[f"{number:04}{label}"] = (
                    f'{{"label": "{name}"}}'.encode() if label == ".json" else name.encode()
                )
        write_tar(tmp_path / f"{split}-00000-of-00001.tar", members)
    assert_rows(read_dataset(tmp_path).parts)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"1.png": picture(1)}, r"the sample 1 has no label \(\.cls, \.txt or \.json\); it has \.png"),
        ({"a/1.cls": b"jug"}, "the sample a/1 has no image"),
        ({"1.png": picture(1), "1.json": b"[]"}, "no label|no column"),
        ({}, "holds no images"),
    ],
)
def test_a_tar_that_lacks_something_is_named(members: dict[str, bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        read_source(write_tar(tmp_path / "x.tar", members))


@pytest.mark.parametrize("source", [5, None, {"a": 1}, [1, 2], [("a",)]])
def test_what_is_no_source_is_told_what_would_be(source: object) -> None:
    with pytest.raises(DatasetError, match=r"not labelled images; give|is not \(image, label\)"):
        read_source(source)


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(DatasetError, match="unknown split 'somewhere'; splits are train, held-out, test"):
        read_source([(picture(0), "jug", "somewhere")])
