"""Groups as folders of links or copies."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from clips import save_clip
from commands import run

from samekind.errors import GalleryError
from samekind.gallery import Cluster, Gallery, write_cluster_folders
from samekind.gallery.output import cluster_folders


@pytest.fixture
def clusters(filled: Gallery) -> list[Cluster]:
    return filled.clusters("kmeans", k=3)


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("copy", [False, True])
def test_each_group_is_a_folder_named_by_its_most_typical_image(
    clusters: list[Cluster], tmp_path: Path, *, copy: bool
) -> None:
    before = {row.path: row.path.read_bytes() for cluster in clusters for row in cluster.rows}
    place = tmp_path / "new" / "sorted"
    assert write_cluster_folders(place, clusters, [], copy=copy) == []
    folders = sorted(path.name for path in place.iterdir() if path.is_dir())
    assert folders == [f"{number} {cluster.rows[0].path.stem}" for number, cluster in enumerate(clusters, 1)]
    listed = manifest(place)
    assert len(listed) == len(before)
    for line in listed:
        made, source = place / line["file"], Path(line["image"])
        assert made.read_bytes() == before[source]
        assert (made.is_symlink(), line["how"]) == ((False, "copy") if copy else (True, "link"))
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sorted"]


def test_links_stay_good_where_all_is_moved(filled: Gallery, tmp_path: Path, tiny_model: Path) -> None:
    copy_photos(filled, tmp_path / "home" / "photos")
    with Gallery.open(tmp_path / "home" / "photos.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path / "home" / "photos")
        write_cluster_folders(tmp_path / "home" / "sorted", gallery.clusters("kmeans", k=3), [])
    (tmp_path / "home").rename(tmp_path / "moved")
    links = [path for path in (tmp_path / "moved" / "sorted").rglob("*.png") if path.is_symlink()]
    assert len(links) == 12
    assert all(path.exists() for path in links)


def copy_photos(filled: Gallery, place: Path) -> None:
    place.mkdir(parents=True)
    for row in filled:
        (place / f"{row.path.parent.name}{row.path.name}").write_bytes(row.path.read_bytes())


def test_a_folder_that_is_not_empty_or_is_indexed_is_refused(clusters: list[Cluster], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, message in (("full", "is not empty"), ("file", "is no folder"), ("link", "is no folder")):
        with pytest.raises(GalleryError, match=message):
            write_cluster_folders(tmp_path / name, clusters, [])
    with pytest.raises(GalleryError, match=r"lies within .* which is indexed"):
        write_cluster_folders(tmp_path / "photos" / "new", clusters, [tmp_path / "photos"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full", "link"]
    (tmp_path / "empty").mkdir()
    write_cluster_folders(tmp_path / "empty", clusters, [tmp_path / "emp"])
    assert (tmp_path / "empty" / "manifest.csv").exists()


def test_what_fails_leaves_nothing(clusters: list[Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cluster_folders.shutil, "copy2", full)
    with pytest.raises(OSError, match="No space left"):
        write_cluster_folders(tmp_path / "sorted", clusters, [], copy=True)
    monkeypatch.setattr(cluster_folders, "shortage", lambda *_: "too little")
    with pytest.raises(GalleryError, match="links take none"):
        write_cluster_folders(tmp_path / "sorted", clusters, [], copy=True)
    assert list(tmp_path.iterdir()) == []


def test_names_that_a_file_system_would_mix_up_stay_apart(filled: Gallery, tmp_path: Path, tiny_model: Path) -> None:
    pictures = [row.path.read_bytes() for row in filled]
    odd = ["a/x.png", "b/X.PNG", "c/x.png", 'd/q"?:*.png', f"e/{'n' * 200}.png", "f/two\nlines.png", "g/end. .png"]
    odd.append("h/" + os.fsdecode(b"no-utf8-\xff.png"))
    for name, content in zip(odd, pictures, strict=False):
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        (tmp_path / "photos" / name).write_bytes(content)
    with Gallery.open(tmp_path / "photos.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path / "photos")
        write_cluster_folders(tmp_path / "sorted", gallery.clusters("kmeans", k=1), [])
    listed = manifest(tmp_path / "sorted")
    names = [Path(line["file"]).name for line in listed]
    assert len({name.casefold() for name in names}) == len(odd)
    assert not [name for name in names if set(name) & set('<>:"/|?*\n')]
    assert {line["image"] for line in listed} == {str(tmp_path / "photos" / name) for name in odd}


def test_the_command_sorts_frames_too_and_names_what_is_gone(filled: Gallery, tmp_path: Path, tiny_model: Path) -> None:
    pytest.importorskip("av")
    copy_photos(filled, tmp_path / "photos")
    save_clip(tmp_path / "photos" / "clip.mp4")
    assert run("index", "photos", "--model", tiny_model, cwd=tmp_path).returncode == 0
    (gone, *_) = sorted((tmp_path / "photos").glob("*.png"))
    gone.unlink()
    sorting = ("cluster", "photos.samekind", "--method", "kmeans", "-k", "3", "--into", "sorted")
    result = run(*sorting, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"photos/{gone.name}: left out (No such file or directory)" in result.stderr
    frames = [line for line in manifest(tmp_path / "sorted") if line["how"] == "frame"]
    assert len(frames) == 3
    assert all(line["file"].endswith(".jpg") for line in frames)
    again = run(*sorting, cwd=tmp_path)
    assert (again.returncode, "sorted: is not empty" in again.stderr) == (2, True)
    alone = run("cluster", "photos.samekind", "--copy", cwd=tmp_path)
    assert (alone.returncode, "name the folder" in alone.stderr) == (2, True)
