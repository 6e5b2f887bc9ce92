from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from server import Served, serving

from samekind.datasets import imagenette as module
from samekind.datasets.dataset import read_dataset
from samekind.datasets.imagenette import SIZES, Archive, fetch_imagenette, imagenette_archive
from samekind.errors import DatasetError

# Where it is missing, nothing is fetched: the test that takes it away.
pytestmark = pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="unpacking safely needs Python 3.11.4")
NAME = "imagenette2-160"
CLASSES = ("n01", "n02")
FILES = {f"{NAME}/{part}/{name}/{i}.JPEG": b"image" for part in ("train", "val") for name in CLASSES for i in range(2)}


def entry(name: str, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def packed(files: dict[str, bytes] = FILES, *extra: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            tar.addfile(entry(name, size=len(content)), io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return buffer.getvalue()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(packed(), f"{NAME}.tgz") as server:
        yield server


@pytest.fixture
def archive(served: Served) -> Callable[[], Archive]:
    """The archive as it is served now."""
    md5 = partial(hashlib.md5, usedforsecurity=False)
    return lambda: Archive(served.url, md5(served.content).hexdigest(), CLASSES, len(FILES))


def test_the_folder_appears_whole_and_nothing_else_is_left(
    archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    stages: dict[str, tuple[int, int]] = {}
    to = tmp_path / "new" / "folder"
    folder = fetch_imagenette(archive(), to, on_progress=lambda stage, *numbers: stages.update({stage: numbers}))
    assert folder == to / NAME
    assert [path.name for path in to.iterdir()] == [NAME]
    dataset = read_dataset(folder)
    assert (dataset.train.classes, len(dataset.train), len(dataset.test or ())) == (CLASSES, 4, 4)
    assert set(stages) == {"download, MB", "unpack, MB"}


def test_a_whole_folder_is_left_alone(archive: Callable[[], Archive], served: Served, tmp_path: Path) -> None:
    folder = fetch_imagenette(archive(), tmp_path)
    (folder / "mine.txt").write_text("a note")
    assert fetch_imagenette(archive(), tmp_path) == folder
    assert (folder / "mine.txt").exists()
    assert len(served.asked) == 1


@pytest.mark.parametrize("missing", ["train/n01/0.JPEG", "val"])
def test_a_folder_that_is_not_whole_is_neither_used_nor_removed(
    missing: str, archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    folder = fetch_imagenette(archive(), tmp_path)
    (folder / missing).rename(tmp_path / "away")
    with pytest.raises(DatasetError, match=rf"{NAME}: is not the whole of Imagenette .*remove it, or name another"):
        fetch_imagenette(archive(), tmp_path)
    assert folder.exists()
    assert len(served.asked) == 1


def test_an_archive_that_is_there_is_used_and_stays(
    archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.tgz").write_bytes(served.content)
    fetch_imagenette(archive(), tmp_path)
    assert served.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, f"{NAME}.tgz"]


def test_a_break_is_gone_on_from(archive: Callable[[], Archive], served: Served, tmp_path: Path) -> None:
    def interrupt(stage: str, *_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_imagenette(archive(), tmp_path, on_progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.tgz.part"]
    fetch_imagenette(archive(), tmp_path)
    assert served.asked == ["", f"bytes={len(served.content)}-"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_break_while_unpacking_leaves_the_archive_and_no_half_folder(
    archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    def interrupt(stage: str, *_: int) -> None:
        if stage == "unpack, MB":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_imagenette(archive(), tmp_path, on_progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.tgz"]
    assert fetch_imagenette(archive(), tmp_path).is_dir()
    assert len(served.asked) == 1


def test_what_a_killed_run_left_is_cleared_away(archive: Callable[[], Archive], tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.unpacking" / NAME / "train" / "n99").mkdir(parents=True)
    fetch_imagenette(archive(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_python_that_cannot_unpack_safely_is_told_before_anything_is_fetched(
    archive: Callable[[], Archive], served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with pytest.raises(DatasetError, match=r"needs Python 3\.11\.4 or later, and this is .*nothing was fetched"):
        fetch_imagenette(archive(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert served.asked == []


def test_a_wrong_checksum_leaves_nothing(archive: Callable[[], Archive], served: Served, tmp_path: Path) -> None:
    expected = archive()
    served.content += b"?"
    with pytest.raises(DatasetError, match=f"not {expected.md5}, and was removed"):
        fetch_imagenette(expected, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "hostile",
    [
        entry("../escaped.txt"),
        entry(f"{NAME}/../../escaped.txt"),
        entry(f"{NAME}/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry(f"{NAME}/link", type=tarfile.SYMTYPE, linkname="train"),
        entry(f"{NAME}/hard", type=tarfile.LNKTYPE, linkname=f"{NAME}/train/n01/0.JPEG"),
        entry(f"{NAME}/device", type=tarfile.CHRTYPE),
        entry(f"{NAME}/pipe", type=tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type.decode()} {info.linkname}",
)
def test_a_hostile_archive_is_refused_and_nothing_of_it_stays(
    hostile: tarfile.TarInfo, archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    served.content = packed(FILES, hostile)
    to = tmp_path / "deep" / "er"
    with pytest.raises(DatasetError, match="refused or broken while unpacking"):
        fetch_imagenette(archive(), to)
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "er"]


def test_an_absolute_path_stays_within_the_folder(
    archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    served.content = packed(FILES, entry(f"{tmp_path}/escaped.txt"))
    fetch_imagenette(archive(), tmp_path / "to")
    assert not (tmp_path / "escaped.txt").exists()


@pytest.mark.parametrize("content", [packed()[:-60], b"no archive", packed({f"{NAME}/train/n01/0.JPEG": b"image"})])
def test_a_broken_or_incomplete_archive_is_named_and_nothing_of_it_stays(
    content: bytes, archive: Callable[[], Archive], served: Served, tmp_path: Path
) -> None:
    served.content = content
    with pytest.raises(DatasetError, match=NAME):
        fetch_imagenette(archive(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # torchvision imports torch
@pytest.mark.parametrize("size", SIZES)
def test_torchvision_knows_every_size(size: str) -> None:
    archive = imagenette_archive(size)
    assert archive.name == ("imagenette2" if size == "full" else f"imagenette2-{size}")
    assert archive.url.startswith("https://")
    assert len(archive.md5) == 32
    assert len(archive.classes) == 10


@pytest.mark.slow  # torchvision imports torch
def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(DatasetError, match="sizes are 160, 320, full"):
        imagenette_archive("640")


@pytest.mark.slow  # torchvision imports torch
def test_the_real_data_are_whole(shared: Path) -> None:
    module._check_whole(shared / "data" / "imagenette2-224", imagenette_archive("320"), "")
