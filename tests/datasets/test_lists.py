from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.datasets.lists import (
    PAIR_COLUMNS,
    TRIO_COLUMNS,
    TRIPLET_COLUMNS,
    pair_rows,
    read_list,
    trio_rows,
    triplet_rows,
)
from samekind.datasets.sampling import Pairs, Trios
from samekind.datasets.tables import write_list
from samekind.errors import DatasetError


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    for name in ("ant", "bee", "cat"):
        for i in range(2):
            path = tmp_path / "pictures" / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{name} {i}".encode())
    return read_class_folders(tmp_path / "pictures")


PAIRS = Pairs(np.array([[0, 1], [0, 4]]), np.array([True, False]))


def test_rows_of_pairs(images: LabelledImages) -> None:
    assert pair_rows("test", images, PAIRS, images.root) == [
        {
            "split": "test",
            "first": "ant/0.png",
            "second": "ant/1.png",
            "same": "1",
            "first_class": "ant",
            "second_class": "ant",
        },
        {
            "split": "test",
            "first": "ant/0.png",
            "second": "cat/0.png",
            "same": "0",
            "first_class": "ant",
            "second_class": "cat",
        },
    ]


def test_rows_of_triplets(images: LabelledImages) -> None:
    assert triplet_rows("train", images, np.array([[2, 3, 5]]), images.root) == [
        {
            "split": "train",
            "anchor": "bee/0.png",
            "positive": "bee/1.png",
            "negative": "cat/1.png",
            "class": "bee",
            "negative_class": "cat",
        }
    ]


def test_rows_of_trios(images: LabelledImages) -> None:
    trios = Trios(np.array([[0, 2, 1], [0, 2, 4]]), np.array(["ABA", "ABC"]))
    rows = trio_rows("test", images, trios, images.root)
    assert [(row["first"], row["second"], row["third"]) for row in rows] == [
        ("ant/0.png", "bee/0.png", "ant/1.png"),
        ("ant/0.png", "bee/0.png", "cat/0.png"),
    ]
    assert [row["same"] for row in rows] == ["1", "0"]
    assert [row["composition"] for row in rows] == ["ABA", "ABC"]
    assert [row["classes"] for row in rows] == ["ant bee ant", "ant bee cat"]


@pytest.mark.parametrize("place", ["pictures", ".", "lists/of/today", "pictures/ant"])
def test_a_list_read_back_finds_its_images_wherever_it_lies(
    tmp_path: Path, images: LabelledImages, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / place / "pairs.csv"
    rows = pair_rows("test", images, PAIRS, path.parent)
    write_list(path, rows)
    monkeypatch.chdir(tmp_path.parent)
    listed = read_list(path, PAIR_COLUMNS)
    assert listed.rows == rows
    assert listed.columns == ("split", "first", "second", "same", "first_class", "second_class")
    assert [item[1].read_bytes() for item in listed.items] == [b"ant 1", b"cat 0"]


def test_a_list_and_its_images_can_move_together(tmp_path: Path, images: LabelledImages) -> None:
    path = tmp_path / "pairs.csv"
    write_list(path, pair_rows("test", images, PAIRS, tmp_path))
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(moved)
    assert read_list(moved / "pairs.csv", PAIR_COLUMNS).items[0][0].read_bytes() == b"ant 0"


def test_a_list_in_a_folder_reached_through_a_link_finds_its_images(tmp_path: Path, images: LabelledImages) -> None:
    (tmp_path / "far" / "away" / "lists").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away" / "lists", target_is_directory=True)
    path = tmp_path / "link" / "pairs.csv"
    write_list(path, pair_rows("test", images, PAIRS, path.parent))
    assert read_list(path, PAIR_COLUMNS).items[0][0].read_bytes() == b"ant 0"


def test_relative_folders_give_the_same_rows(
    tmp_path: Path, images: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = read_class_folders("pictures")
    assert pair_rows("test", relative, PAIRS, Path()) == pair_rows("test", images, PAIRS, tmp_path)


def test_an_absolute_path_stays_as_it_is(tmp_path: Path, images: LabelledImages) -> None:
    write_list(tmp_path / "elsewhere" / "list.csv", [{"first": str(images.paths[0]), "second": str(images.paths[1])}])
    assert read_list(tmp_path / "elsewhere" / "list.csv", PAIR_COLUMNS).items == [images.paths[:2]]


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1)] * 3)))
def test_any_names_survive_the_round_trip(names: list[tuple[str, str, str]]) -> None:
    rows = [dict(zip(TRIPLET_COLUMNS, name, strict=True)) for name in [("a, b", "ü 猫 \n", 'so "called"'), *names]]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        write_list(path, rows)
        assert read_list(path, TRIPLET_COLUMNS).rows == rows


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_image_columns_are_found_by_name_and_others_kept(tmp_path: Path) -> None:
    listed = read_list(write(tmp_path / "x.csv", "note,second,first,same\nhm,b.png,a.png,\n"), PAIR_COLUMNS)
    assert listed.columns == ("note", "second", "first", "same")
    assert listed.rows == [{"note": "hm", "second": "b.png", "first": "a.png", "same": ""}]
    assert listed.items == [(tmp_path / "a.png", tmp_path / "b.png")]


@pytest.mark.parametrize(
    "text",
    ["\ufefffirst,second\na,b\n", "first,second\r\na,b\r\n", "first,second\na,b", "first,second\n\na,b\n\n"],
    ids=["byte order mark", "windows line ends", "no last line end", "blank lines"],
)
def test_lists_as_other_programs_write_them(tmp_path: Path, text: str) -> None:
    listed = read_list(write(tmp_path / "x.csv", text), PAIR_COLUMNS)
    assert listed.rows == [{"first": "a", "second": "b"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'first'"),
        ("one;second\na;b\n", "no column 'first'.*; it has one, second, separated by semicolons"),
        ("first\na\n", "no column 'second'"),
        ("a,b\na,b\n", "must name the columns first, second"),
        ("first,second\n", "no rows"),
        ("first,second\na,b\na\n", "line 3"),
        ("first,second\na,b,c\n", "line 2"),
        ("first,second\na,b\n,b\n", "line 3"),
        ("first,second,same\na,b\n", "line 2"),
        ("first,second\n\n\na,b\n\na\n", "line 6"),
        ('first,second\n"a\na",b\na\n', "line 4"),
    ],
)
def test_a_list_that_is_wrong_is_named_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message) as error:
        read_list(write(tmp_path / "wrong.csv", text), PAIR_COLUMNS)
    assert str(error.value).startswith(str(tmp_path / "wrong.csv"))


def test_a_trio_list_needs_a_third_column(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no column 'third'"):
        read_list(write(tmp_path / "x.csv", "first,second\na,b\n"), TRIO_COLUMNS)


def test_a_missing_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.csv: no such file"):
        read_list(tmp_path / "gone.csv", PAIR_COLUMNS)


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_list(tmp_path, PAIR_COLUMNS)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\xff", "first,second\na,b\n".encode("utf-16")[:-1]])
def test_what_is_no_text_is_no_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.csv: (not a readable (list|CSV file)|no column)"):
        read_list(tmp_path / "x.csv", PAIR_COLUMNS)


def test_a_failed_write_leaves_the_old_list(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "first,second\na,b\n")
    with pytest.raises(ValueError, match="fieldnames"):
        write_list(path, [{"first": "c", "second": "d"}, {"other": "e"}])
    assert path.read_text() == "first,second\na,b\n"
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_path_is_told_by_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("first,second\na.jpg,b.jpg\na.jpg,\n")
    with pytest.raises(DatasetError, match="line 3 has no second; write its path"):
        read_list(tmp_path / "pairs.csv", PAIR_COLUMNS)
