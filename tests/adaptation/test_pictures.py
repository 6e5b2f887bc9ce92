"""Which pictures a model is adapted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.adaptation.pictures import are_embeddings, pictures_of, spread_out
from samekind.errors import AdaptationError


def test_a_folder_is_looked_through_with_its_subfolders_and_what_is_hidden_is_not(tmp_path: Path) -> None:
    for name in ("b/2.png", "a/c/1.JPG", "3.webp", ".hidden/x.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert pictures_of(tmp_path) == [tmp_path / name for name in ("3.webp", "a/c/1.JPG", "b/2.png")]


def test_of_many_pictures_each_subfolder_has_its_share(many_colours: Path) -> None:
    some = pictures_of(many_colours, most=10)
    assert len(some) == 10
    assert [path.parent.name for path in some].count("dark") == 5


@given(st.integers(0, 300), st.integers(1, 50))
def test_so_many_different_ones_in_their_order_with_both_ends(count: int, most: int) -> None:
    paths = [Path(f"{number:04}") for number in range(count)]
    some = spread_out(paths, most)
    assert len(some) == min(count, most)
    assert some == sorted(set(some))
    assert some[:1] == paths[:1]
    if most > 1:
        assert some[-1:] == paths[-1:]


def test_what_is_no_folder_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(AdaptationError, match=r"a\.png: a file, not a folder; give a folder"):
        pictures_of(tmp_path / "a.png")
    with pytest.raises(AdaptationError, match="nowhere: no such folder"):
        pictures_of(tmp_path / "nowhere")


def test_embeddings_are_told_from_pictures() -> None:
    assert are_embeddings(np.zeros((20, 6), np.float32))
    assert not are_embeddings(np.zeros((20, 6), np.uint8))  # a grey picture
    assert not are_embeddings(np.zeros((20, 6, 3), np.float32))
    assert not are_embeddings([[0.0, 1.0]])
