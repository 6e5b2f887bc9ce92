from __future__ import annotations

import io
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.errors import ArgumentError
from samekind.inference.arguments import image_items, image_list
from samekind.recognizer import Recognizer, load

Frame = type("DataFrame", (), {"columns": ("first", "second"), "__iter__": lambda self: iter(self.columns)})
Point = namedtuple("Point", "first second")
IMAGE = np.zeros((5, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("a.jpg", r"give a list of pairs, such as \[\(\"a.jpg\", \"b.jpg\"\)\], not 'a.jpg'"),
        (Path("a.jpg"), "give a list of pairs"),
        (b"ab", "give a list of pairs"),
        (7, "give a list of pairs"),
        (IMAGE, "not one ndarray"),
        ({"a.jpg": "b.jpg"}, "not one dict"),
        (["a.jpg", "b.jpg"], "item 0 is 'a.jpg', which is no pair"),
        ([("a", "b"), Path("ab")], "item 1 is 'ab'"),
        ([IMAGE, IMAGE], "item 0 is one ndarray"),
        ([Image.new("RGB", (2, 2))] * 2, "item 0 is one Image"),
        ([io.BytesIO(b"ab")], "item 0 is one BytesIO"),
        ([("a", "b", "c")], "item 0 has 3 images; a pair has 2"),
        ([("a", "b"), ("a",)], "item 1 has 1 images; a pair has 2"),
        ([{"first": "a", "second": "b"}], "item 0 is one dict"),
        ([7], "item 0 is one int"),
        (Frame(), r"itertuples\(index=False, name=None\)"),
    ],
)
def test_what_holds_no_pairs_is_refused(given: object, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        image_items(given, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        [("a", "b")],
        [["a", "b"]],
        [Point("a", "b")],
        (pair for pair in [("a", "b")]),
        [iter(("a", "b"))],
        np.array([["a", "b"]]),
    ],
)
def test_pairs_may_come_in_many_forms(given: object) -> None:
    assert image_items(given, 2) == [("a", "b")]  # type: ignore[arg-type]


def test_an_array_of_pairs_is_pairs() -> None:
    [(first, second)] = image_items(np.stack([IMAGE, IMAGE + 1])[None], 2)
    assert (first == IMAGE).all()
    assert (second == IMAGE + 1).all()


def test_real_tables_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"first": ["a"], "second": ["b"]})
    with pytest.raises(ArgumentError, match="iterated by its columns"):
        image_items(table, 2)
    assert image_items(table[["first", "second"]].itertuples(index=False, name=None), 2) == [("a", "b")]


@pytest.mark.parametrize("given", [{"a": "b"}, Frame()])
def test_images_are_no_table(given: object) -> None:
    with pytest.raises(ArgumentError, match="one column of it as a list"):
        image_list(given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model, threads=1)


def test_the_recognizer_refuses_before_it_reads(model: Recognizer) -> None:
    for judge in (model.verify_pairs, model.verify_trios):
        with pytest.raises(ArgumentError, match="give a list of"):
            judge("gone.jpg")  # type: ignore[arg-type]
