"""Groups by what images show, against the colours that they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from PIL import Image

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.clustering import one_kind_labels

COLOURS = {"red", "green", "blue"}


@pytest.mark.parametrize(("method", "k"), [("agglomerative", None), ("agglomerative", 3), ("kmeans", 3)])
def test_clusters_are_the_colours(filled: Gallery, method: str, k: int | None) -> None:
    clusters = filled.clusters(method, k=k)  # type: ignore[arg-type]
    assert [{row.path.parent.name for row in c.rows} for c in clusters] == [{"blue"}, {"green"}, {"red"}]
    for cluster in clusters:
        centre = np.mean([row.embedding for row in cluster.rows], axis=0)
        typical = [float(row.embedding @ centre) for row in cluster.rows]
        assert typical == sorted(typical, reverse=True)
        assert 0.9 < cluster.similarity <= 1


def test_hdbscan_finds_the_number_itself_and_leaves_out_what_belongs_nowhere(gallery: Gallery, photos: Path) -> None:
    for path in list(photos.rglob("*.png")):
        for copy in range(3):
            image = np.asarray(Image.open(path)).copy()
            image[copy, copy] = 0
            Image.fromarray(image).save(path.with_name(f"{path.stem}-{copy}.png"))
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
def test_what_does_not_fit_a_method_is_said(filled: Gallery, method: str, k: int | None, message: str) -> None:
    with pytest.raises(GalleryError, match=message):
        filled.clusters(method, k=k)  # type: ignore[arg-type]


def test_a_gallery_of_one_kind_is_one_group(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "reds").mkdir()
    for number in range(20):
        save_noise(tmp_path / "reds" / f"{number:02}.png", (200, 40, 40), number)
    save_noise(tmp_path / "reds" / "odd.png", (30, 30, 220), 99)
    gallery.sync(tmp_path / "reds")
    labels = one_kind_labels(np.stack([row.embedding for row in gallery]), 0.95)  # type: ignore[misc]
    assert labels.tolist() == [0] * 20 + [-1]


def test_of_four_images_of_one_kind_there_is_one_group(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "reds").mkdir()
    for number in range(4):
        save_noise(tmp_path / "reds" / f"{number:02}.png", (200, 40, 40), number)
    gallery.sync(tmp_path / "reds")
    (found,) = gallery.clusters()
    assert (len(found.rows), found.unclustered) == (4, False)


def test_different_images_are_no_group() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert (one_kind_labels(rows, 0.5) == -1).all()
    assert one_kind_labels(rows[:1], 0.5).tolist() == [-1]
