from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.datasets.checking.usable import folders_below, refuse_unusable
from samekind.datasets.dataset import read_dataset, read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError


def images(root: Path, **counts: int) -> LabelledImages:
    paths = tuple(root / name / f"{i}.jpg" for name, count in counts.items() for i in range(count))
    labels = np.repeat(np.arange(len(counts)), list(counts.values())).astype(np.int64)
    return LabelledImages(root, paths, labels, tuple(counts))


def test_two_classes_of_two_are_enough() -> None:
    refuse_unusable(images(Path("x"), cat=2, dog=2))


@pytest.mark.parametrize(
    ("counts", "fewest", "message"),
    [
        ({"cat": 9}, 2, r"x: there is one class only \(cat\); add another"),
        ({"cat": 9, "dog": 1}, 2, r"1 class has too few images to be split or measured \(dog: 1\); add images \(2 in"),
        ({"cat": 3, "dog": 3}, 4, r"2 classes have too few images .*\(cat: 3, dog: 3\); add images \(4 different"),
        (dict.fromkeys("abcdef", 1), 2, r"\(a: 1, b: 1, c: 1, and 3 more\)"),
    ],
)
def test_what_is_not_enough_is_named_with_the_remedy(counts: dict[str, int], fewest: int, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        refuse_unusable(images(Path("x"), **counts), fewest=fewest)


@pytest.mark.parametrize("read", [read_dataset, read_test_images])
def test_reading_refuses_before_an_image_is_opened(read, tmp_path: Path) -> None:
    (tmp_path / "ant").mkdir()
    for number in range(12):
        (tmp_path / "ant" / f"{number}.jpg").write_bytes(b"no image")
    with pytest.raises(DatasetError, match="there is one class only"):
        read(tmp_path)


def test_folders_in_class_folders_are_seen(tmp_path: Path) -> None:
    for name in ("a/b", "a/c", "d/e"):
        (tmp_path / name).mkdir(parents=True)
    nested = LabelledImages(
        tmp_path, tuple(tmp_path / n / "1.jpg" for n in ("a/b", "a/c", "d/e")), np.array([0, 0, 1]), ("a", "d")
    )
    assert folders_below(nested) == ("b", "c", "e")
    assert folders_below(images(tmp_path, a=2, d=2)) == ()
