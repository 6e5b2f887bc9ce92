from __future__ import annotations

from pathlib import Path

import pytest

from samekind.datasets.manifest import read_manifest
from samekind.datasets.tables import read_rows
from samekind.errors import DatasetError

PLAIN = "path,label,split\n1.jpg,mug,train\n2.jpg,jug,test\n"


def manifest(folder: Path, content: str | bytes) -> Path:
    for name in ("1.jpg", "2.jpg"):
        (folder / name).touch()
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("\n", "\r\n"),
        "'path','label','split'\n'1.jpg','mug','train'\n'2.jpg','jug','test'\n",
        "\n".join(",".join(f'"{entry}"' for entry in line.split(",")) for line in PLAIN.splitlines()) + "\n",
        PLAIN.replace("path,label,split", "Image,Class,Subset"),
        PLAIN.replace("path,label,split", "file_name,category,set"),
        PLAIN.replace("path,label,split", " PATH , Label ,split"),
        PLAIN.replace("train", "training").replace(",test", ",Testing"),
        PLAIN.replace("1.jpg,", ".\\1.jpg,").replace("2.jpg,", " 2.jpg ,"),
        PLAIN + "\n\n",
        PLAIN.encode("utf-32"),
        PLAIN.replace("\n", "\r"),
        "\n  \r\n" + PLAIN,
        "sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n"),
    ],
)
def test_lists_of_many_makes_are_the_same_list(content: str | bytes, tmp_path: Path) -> None:
    parts = read_manifest(manifest(tmp_path, content)).parts
    assert {split: images.classes for split, images in parts.items()} == {"train": ("mug",), "test": ("jug",)}
    assert [image.name for images in parts.values() for image in images.paths] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize("names", ["path,label,label", "path,Label,label", "path,label, path "])
def test_a_column_that_is_there_twice_is_refused(names: str, tmp_path: Path) -> None:
    path = manifest(tmp_path, f"{names}\n1.jpg,mug,jug\n2.jpg,jug,mug\n")
    with pytest.raises(DatasetError, match=r"2 columns are called '(path|label)' \(columns \d, \d\); rename or remove"):
        read_manifest(path)


def test_a_line_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="line 4 has 1 entry for 2 columns"):
        read_manifest(manifest(tmp_path, "\nsep=,\npath,label\n1.jpg\n"))


def test_a_name_that_was_asked_for_goes_before_a_synonym(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("image,path,class,label\na,b,c,d\n")
    columns, rows = read_rows(tmp_path / "x.csv", ("path", "label"), {"path": ("image",), "label": ("class",)})
    assert columns == ("image", "path", "class", "label")
    assert (rows[0][1]["path"], rows[0][1]["label"]) == ("b", "d")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("photo;kind\na;b\n", r"no column 'path' \(or image, file, .*; it has photo, kind, separated by semicolons"),
        ("1.jpg,mug\n2.jpg,jug\n", r"no column 'path'.*; it has 1\.jpg, mug, separated by commas"),
        ("", "no column 'path'.*; it has nothing"),
        ("path,label\ns3://bucket/1.jpg,mug\n", "addresses are not fetched"),
        ("path,label\n1.jpg,mug,extra\n", "line 2 has 3 entries for 2 columns"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_was_seen(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        read_manifest(manifest(tmp_path, content))


def test_val_is_held_out_where_test_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "3.jpg").touch()
    path = manifest(tmp_path, PLAIN + "3.jpg,mug,valid\n")
    assert list(read_manifest(path).parts) == ["train", "held-out", "test"]


def test_a_field_may_be_long(tmp_path: Path) -> None:
    path = manifest(tmp_path, f"path,label,note\n1.jpg,mug,{'x' * 300_000}\n")
    assert len(read_manifest(path).parts["train"]) == 1
