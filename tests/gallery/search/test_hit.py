"""A hit: it does not change, and is the same wherever its values came from."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from samekind.gallery import Gallery


@pytest.mark.parametrize("kind", ["Flat", "HNSW8"])
def test_hits_are_values(gallery: Gallery, photos: Path, kind: str) -> None:
    gallery.sync(photos, index=kind)
    first, second = gallery.search(photos / "red/00.png", 2)
    [again] = gallery.search(photos / "red/00.png", 1)
    assert first == again == copy.copy(first)
    assert first != second
    assert first != first.path
    assert len({first, again, second}) == 2
    assert (
        repr(first) == f"Hit(path={first.path!r}, similarity={first.similarity!r}, probability={first.probability!r})"
    )
    with pytest.raises(AttributeError, match="path cannot be set"):
        first.path = second.path
    elsewhere = pickle.loads(pickle.dumps(first))
    gallery.close()
    for file in photos.parent.glob("photos.samekind*"):
        file.unlink()
    assert elsewhere == first
    assert (elsewhere.row, elsewhere.path, elsewhere.words) == (first.row, first.path, first.words)
