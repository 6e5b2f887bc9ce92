"""Rows for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.errors import GalleryError, MissingExtraError
from samekind.gallery import Gallery


def test_npz_and_parquet_hold_the_rows(filled: Gallery, tmp_path: Path) -> None:
    rows = list(filled)
    assert filled.export(tmp_path / "rows.npz") == 12
    with np.load(tmp_path / "rows.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"name", "size", "sha256", "width", "height", "taken", "embedding"}
        assert arrays["name"].tolist() == [row.name for row in rows]
        assert arrays["sha256"].tolist() == [row.sha256 for row in rows]
        assert np.array_equal(arrays["embedding"], np.stack([row.embedding for row in rows]))
    with pytest.raises(GalleryError, match=r"suffix \.parquet or \.npz"):
        filled.export(tmp_path / "rows.csv")


def test_parquet(filled: Gallery, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert filled.export(tmp_path / "rows.parquet") == 12
    table = parquet.read_table(tmp_path / "rows.parquet").to_pydict()
    assert table["name"] == [row.name for row in filled]
    assert np.array(table["embedding"][0], np.float32) == pytest.approx(next(iter(filled)).embedding)


def test_parquet_without_pyarrow_says_what_to_install(
    filled: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.gallery.output.row_export.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[parquet\]"):
        filled.export(tmp_path / "rows.parquet")
    assert not (tmp_path / "rows.parquet").exists()
