"""Rows for other programs."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise

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
    with pytest.raises(GalleryError, match=r"suffix \.csv, \.parquet or \.npz"):
        filled.export(tmp_path / "rows.json")


def test_csv_holds_the_rows_to_the_bit(filled: Gallery, tmp_path: Path) -> None:
    rows = list(filled)
    assert filled.export(tmp_path / "rows.csv") == 12
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8-sig") as file:
        written = list(csv.DictReader(file))
    assert [row["name"] for row in written] == [row.name for row in rows]
    assert [row["sha256"] for row in written] == [row.sha256 for row in rows]
    for row, line in zip(rows, written, strict=True):
        assert np.array_equal(np.array(line["embedding"].split(), np.float32), row.embedding)


def test_a_name_of_any_characters_survives_a_csv(tmp_path: Path, tiny_model: Path) -> None:
    names = ['a "quoted", name.png', "two\nlines.png", "  blanks ;tab\t.png", "=1+1.png"]
    (tmp_path / "odd").mkdir()
    for number, name in enumerate(names):
        save_noise(tmp_path / "odd" / name, (9 * number, 90, 90), number)
    with Gallery.open(tmp_path / "odd.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path / "odd")
        gallery.export(tmp_path / "odd.csv")
    with (tmp_path / "odd.csv").open(newline="", encoding="utf-8-sig") as file:
        assert sorted(row["name"] for row in csv.DictReader(file)) == sorted(f"odd/{name}" for name in names)


def test_parquet(filled: Gallery, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert filled.export(tmp_path / "rows.parquet") == 12
    table = parquet.read_table(tmp_path / "rows.parquet").to_pydict()
    assert table["name"] == [row.name for row in filled]
    assert np.array(table["embedding"][0], np.float32) == pytest.approx(next(iter(filled)).embedding)


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_file_whose_name_is_no_utf_8(filled: Gallery, tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet", ".npz"):
        path = tmp_path / (os.fsdecode(b"caf\xe9") + suffix)
        assert filled.export(path) == 12
        assert path.stat().st_size


def test_parquet_without_pyarrow_says_what_to_install(
    filled: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.gallery.output.row_export.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[parquet\]"):
        filled.export(tmp_path / "rows.parquet")
    assert not (tmp_path / "rows.parquet").exists()
