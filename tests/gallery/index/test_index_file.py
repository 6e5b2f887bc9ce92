"""The file of an index."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import faiss
import numpy as np
import pytest

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.index.index_file import IndexFile, write_index


def test_it_works_beside_the_wrappers_for_torch() -> None:
    """Which pytorch-metric-learning brings into a process, and with them a search without parameters."""
    code = (
        "import faiss, faiss.contrib.torch_utils, numpy as np\n"
        "from samekind.gallery.index.index_file import IndexFile\n"
        "index = faiss.IndexIDMap2(faiss.IndexFlatIP(2))\n"
        "rows = np.eye(2, dtype=np.float32)\n"
        "index.add_with_ids(rows, np.array([5, 7]))\n"
        "print(IndexFile(index).neighbours(rows[:1], 2, np.array([5]))[1].tolist())\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout == "[[7, -1]]\n", found.stderr


@pytest.mark.parametrize("factory", ["Flat", "IVF4,Flat", "HNSW8", "SQ8"])
@pytest.mark.parametrize("name", ["index.faiss", "индекс.faiss", os.fsdecode(b"caf\xe9.faiss")])
def test_an_index_is_the_same_after_it_was_written_whatever_its_name(factory: str, name: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    index = faiss.index_factory(8, f"IDMap,{factory}", faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add_with_ids(rows, np.arange(200) + 1000)
    try:
        write_index(index, tmp_path / name)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    opened = IndexFile.open(tmp_path, {"file": name, "factory": factory})
    assert opened is not None
    assert (len(opened), opened.dimension) == (200, 8)
    none = np.empty(0, np.int64)
    expected = IndexFile(index).neighbours(rows, 5, none)
    for one, other in zip(opened.neighbours(rows, 5, none), expected, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_costs_the_index_only(gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("samekind.gallery.index.index_file.replacing", lambda _, own: nullcontext(Path("/dev/full")))
        with pytest.raises(GalleryError, match=r"its index cannot be written \(No space left on device\)"):
            gallery.sync(photos)
    assert gallery.status().index is None
    assert len(gallery.search(photos / "red/00.png", 50)) == 12
    assert gallery.sync(photos).unchanged == 12
    assert gallery.status().index == "Flat"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_costs_the_file_of_rows_and_not_the_index(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):  # and what was written does not gather
        with monkeypatch.context() as patch:
            patch.setattr("samekind.gallery.index.row_file.replacing", lambda _, own: nullcontext(Path("/dev/full")))
            with pytest.raises(GalleryError, match=r"file of rows beside its index cannot be written \(No space left"):
                gallery.sync(photos, index="HNSW8")
        assert gallery.status().index == "HNSW8"
        assert len(list(photos.parent.glob("**/*.faiss"))) == 1
    assert len(gallery.search(photos / "red/00.png", 12)) == 12
    assert gallery.sync(photos).unchanged == 12
    assert len(list(photos.parent.glob("**/*.rows"))) == 1
