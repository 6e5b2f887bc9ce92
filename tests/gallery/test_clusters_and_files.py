"""Clusters, contact sheets, plans, exports, matches."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from gallery.conftest import LONG_AGO, age
from PIL import Image

from samekind.errors import GalleryError, MissingExtraError
from samekind.gallery import Gallery
from samekind.gallery.contact_sheet import Section, picture_of, write_contact_sheet
from samekind.gallery.plan import write_plan
from samekind.plans import apply_plan, read_plan, undo

COLOURS = {"red", "green", "blue"}


@pytest.mark.parametrize(("method", "k"), [("agglomerative", None), ("agglomerative", 3), ("kmeans", 3)])
def test_clusters_are_the_colours(gallery: Gallery, photos: Path, method: str, k: int | None) -> None:
    gallery.sync(photos)
    clusters = gallery.clusters(method, k=k)  # type: ignore[arg-type]
    assert [{row.path.parent.name for row in c.rows} for c in clusters] == [{"blue"}, {"green"}, {"red"}]
    for cluster in clusters:
        centre = np.mean([row.embedding for row in cluster.rows], axis=0)
        typical = [float(row.embedding @ centre) for row in cluster.rows]
        assert typical == sorted(typical, reverse=True)
        assert 0.9 < cluster.similarity <= 1


def test_hdbscan_finds_the_number_itself_and_leaves_out_what_belongs_nowhere(gallery: Gallery, photos: Path) -> None:
    for path in list(photos.rglob("*.png")):
        for copy in range(3):
            image = np.asarray(__import__("PIL.Image").Image.open(path)).copy()
            image[copy, copy] = 0
            __import__("PIL.Image").Image.fromarray(image).save(path.with_name(f"{path.stem}-{copy}.png"))
    gallery.sync(photos)
    clusters = [c for c in gallery.clusters() if not c.unclustered]
    assert {frozenset(row.path.parent.name for row in c.rows) for c in clusters} == {frozenset([c]) for c in COLOURS}


@pytest.mark.parametrize(
    ("method", "k", "message"),
    [
        ("kmeans", None, "k-means needs to know"),
        ("kmeans", 99, "99 clusters cannot be made of 12 images"),
        ("hdbscan", 3, "finds the number of clusters itself"),
        ("magic", None, "there are hdbscan, agglomerative and kmeans"),
    ],
)
def test_what_does_not_fit_a_method_is_said(
    gallery: Gallery, photos: Path, method: str, k: int | None, message: str
) -> None:
    gallery.sync(photos)
    with pytest.raises(GalleryError, match=message):
        gallery.clusters(method, k=k)  # type: ignore[arg-type]


def test_a_contact_sheet_is_one_file_and_takes_no_html_from_names(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    shutil.copy2(photos / "red/00.png", photos / "<script>alert(1)<x>&.png")
    shutil.copy2(photos / "red/03.png", photos / "gone.png")
    gallery.sync(photos)
    rows = list(gallery)
    (photos / "gone.png").unlink()
    sheet = tmp_path / "sheet.html"
    write_contact_sheet(sheet, "All & more", "a summary", [Section("One", [picture_of(row) for row in rows], more=3)])
    text = sheet.read_text()
    assert text.count("data:image/jpeg;base64,") == 13
    assert "no longer readable" in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "and 3 more" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_a_plan_is_applied_and_undone(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    shutil.copy2(photos / "red/00.png", photos / "red/a copy's name.png")
    shutil.copy2(photos / "red/00.png", photos / "red/line\nbreak.png")
    gallery.sync(photos)
    plan = tmp_path / "plan of mine.txt"
    write_plan(plan, gallery.duplicates("exact"), "exact duplicates", gallery.folder)
    applied = apply_plan(read_plan(plan))
    moved = {ready.line.name for ready in applied.moved}
    assert moved == {"photos/red/a copy's name.png", "photos/red/line\nbreak.png"}
    assert (photos / "red/00.png").exists()
    assert gallery.sync(photos).removed == 2
    assert applied.run is not None
    assert undo(applied.run).back == 2
    gallery.sync(photos)
    assert len(gallery) == 14


def test_what_is_of_one_class_is_looked_at_and_not_removed(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    gallery.sync(photos)
    write_plan(tmp_path / "plan.txt", gallery.duplicates("same-class"), "alike", gallery.folder, sure=False)
    plan = read_plan(tmp_path / "plan.txt")
    assert {line.action for line in plan.lines} == {"keep", "look"}
    assert not apply_plan(plan).moved


@pytest.mark.parametrize("kind", ["exact", "near", "same-class"])
def test_a_plan_never_removes_the_last_copy_of_what_is_gone_or_changed(
    gallery: Gallery, photos: Path, kind: str
) -> None:
    shutil.copy2(photos / "red/00.png", photos / "copy.png")
    gallery.sync(photos)
    for change in (lambda path: age(path, LONG_AGO - 9), Path.unlink):
        change(photos / "copy.png")
        changed: list[int] = []
        groups = gallery.duplicates(kind, on_changed=changed.append)  # type: ignore[arg-type]
        assert changed == [1]
        assert "copy.png" not in {row.path.name for group in groups for row in group.rows}
        assert all(len(group.rows) > 1 for group in groups)


def test_npz_and_parquet_hold_the_rows(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    gallery.sync(photos)
    rows = list(gallery)
    assert gallery.export(tmp_path / "rows.npz") == 12
    with np.load(tmp_path / "rows.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"name", "size", "sha256", "width", "height", "taken", "embedding"}
        assert arrays["name"].tolist() == [row.name for row in rows]
        assert arrays["sha256"].tolist() == [row.sha256 for row in rows]
        assert np.array_equal(arrays["embedding"], np.stack([row.embedding for row in rows]))
    with pytest.raises(GalleryError, match=r"suffix \.parquet or \.npz"):
        gallery.export(tmp_path / "rows.csv")


def test_parquet(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    gallery.sync(photos)
    assert gallery.export(tmp_path / "rows.parquet") == 12
    table = parquet.read_table(tmp_path / "rows.parquet").to_pydict()
    assert table["name"] == [row.name for row in gallery]
    assert np.array(table["embedding"][0], np.float32) == pytest.approx(next(iter(gallery)).embedding)


def test_parquet_without_pyarrow_says_what_to_install(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.sync(photos)
    monkeypatch.setattr("samekind.gallery.export.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[parquet\]"):
        gallery.export(tmp_path / "rows.parquet")
    assert not (tmp_path / "rows.parquet").exists()


def test_matches_are_the_best_counterparts_in_another_gallery(
    gallery: Gallery, photos: Path, tmp_path: Path, tiny_model: Path, other_model: Path
) -> None:
    gallery.sync(photos)
    (tmp_path / "card").mkdir()
    shutil.copy2(photos / "red/00.png", tmp_path / "card/again.png")
    # A plain one cannot be laid on anything; its bytes tell.
    Image.new("RGB", (20, 20), "white").save(photos / "plain.png")
    shutil.copy2(photos / "plain.png", tmp_path / "card/plain again.png")
    gallery.sync(photos)
    with Gallery.open(tmp_path / "card.samekind", model=tiny_model) as card:
        card.sync(tmp_path / "card")
        for kind in ("exact", "near", "same-class"):
            found, plain = card.matches(gallery, kind)  # type: ignore[arg-type]
            assert (found.row.path.name, found.other.path.name) == ("again.png", "00.png")
            assert (plain.row.path.name, plain.other.path.name) == ("plain again.png", "plain.png")
            assert plain.similarity == pytest.approx(1, abs=1e-3)
            assert found.similarity == pytest.approx(1, abs=1e-3)
        assert {match.row.path.parent.name for match in gallery.matches(card, "same-class")} == {"red", "photos"}
        assert len(gallery.matches(card, "exact")) == 2
    with Gallery.open(tmp_path / "other.samekind", model=other_model) as other:
        other.sync(photos)
        with pytest.raises(GalleryError, match="different models"):
            other.matches(gallery)
