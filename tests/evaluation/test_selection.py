from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import DatasetError
from samekind.evaluation.selection import at_most, select


@given(st.lists(st.integers(2, 40), min_size=2, max_size=30), st.integers(4, 60), st.integers(0, 99))
def test_the_most_is_a_bound_and_each_class_gives_its_share(sizes: list[int], most: int, seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    names = tuple(f"{i:02}" for i in range(len(sizes)))
    images = LabelledImages(Path("x"), tuple(Path(f"{i}.png") for i in range(len(labels))), labels, names)
    kept = at_most(images, most, seed, frozenset())
    assert len(kept) <= most
    counts = np.bincount(kept.labels, minlength=len(kept.classes))
    assert counts.min() >= 2
    assert len(kept.classes) == min(len(sizes), most // 2 if len(labels) > most else len(sizes))
    assert [names[labels[int(path.stem)]] for path in kept.paths] == [kept.classes[label] for label in kept.labels]
    of = np.array([sizes[int(name)] for name in kept.classes])
    assert (np.diff(counts[np.argsort(of, kind="stable")]) >= 0).all()  # a larger class gives no fewer


def test_copies_are_left_out_and_named_and_the_rest_is_drawn(colour_folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(colour_folders, tmp_path / "copy"))
    shutil.copyfile(folder / "red" / "00.png", folder / "red" / "twin.png")
    chosen = select([], read_class_folders(folder), None, None, most=40, seed=0)
    assert chosen.twins == {folder / "red" / "twin.png": folder / "red" / "00.png"}
    assert len(chosen.hashes) == 97
    assert len(chosen.images) + chosen.left_out == 96
    assert len(chosen.images) <= 40
    assert (chosen.unreadable, chosen.classes_left_out) == ((), 0)


def test_nothing_to_measure_on_is_refused() -> None:
    with pytest.raises(DatasetError, match="there is nothing to measure on"):
        select([], None, None, None, most=40, seed=0)
