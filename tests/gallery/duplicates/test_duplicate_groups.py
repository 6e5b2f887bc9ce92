"""Groups of one class."""

from __future__ import annotations

import pytest

from samekind.errors import GalleryError
from samekind.gallery import Gallery


def test_same_class_groups_are_at_the_models_strict_threshold(filled: Gallery) -> None:
    groups = filled.duplicates("same-class")
    assert [{row.path.parent.name for row in group.rows} for group in groups] == [{"blue"}, {"green"}, {"red"}]
    strict = filled.card.pair.operating_points["strict"].threshold
    assert all(strict <= group.similarity <= 1 for group in groups)
    assert filled.duplicates("same-class", threshold=1.0) == []
    with pytest.raises(GalleryError, match="there are exact, near and same-class"):
        filled.duplicates("alike")  # type: ignore[arg-type]
