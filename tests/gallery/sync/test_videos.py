"""Frames of videos in a gallery: found, searched, followed, and never proposed for removal."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from clips import SCENES, save_clip
from commands import run
from PIL import Image

from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.gallery.sync import sync, videos

pytest.importorskip("av")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A clip of a red, a green and a blue scene, and one red picture."""
    folder = tmp_path / "films"
    (folder / "2024").mkdir(parents=True)
    old(save_clip(folder / "2024" / "clip.MP4"))
    Image.fromarray(np.full((32, 32, 3), SCENES[0], np.uint8)).save(folder / "red.png")
    old(folder / "red.png")
    return folder


@pytest.fixture
def gallery(tmp_path: Path, tiny_model: Path):
    with Gallery.open(tmp_path / "x.samekind", model=tiny_model) as opened:
        yield opened


def old(path: Path, seconds: int = 1_600_000_000) -> Path:
    os.utime(path, (seconds, seconds))
    return path


def names(gallery: Gallery) -> list[str]:
    return [row.name for row in gallery]


FRAMES = [f"films/2024/clip.MP4#t={second}" for second in (0, 3, 6)]


def test_the_scenes_of_a_video_are_images_of_the_gallery(gallery: Gallery, films: Path) -> None:
    report = gallery.sync(films)
    assert (report.added, report.videos, report.embedded, report.passed_over) == (4, 1, 4, [])
    assert names(gallery) == [*FRAMES, "films/red.png"]
    assert (len(gallery), gallery.status().frames) == (4, 3)
    hits = gallery.search(films / "red.png", 2)
    assert [hit.row.name for hit in hits] == ["films/red.png", FRAMES[0]]
    assert (hits[1].row.width, hits[1].row.height) == (96, 64)
    again = gallery.search(hits[1].path, 1)  # a frame can be a query
    assert again[0].row.name == FRAMES[0]
    assert again[0].similarity == pytest.approx(1, abs=1e-3)


def test_a_second_look_decodes_nothing(gallery: Gallery, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.sync(films)
    monkeypatch.setattr(videos, "read_frames", lambda *_: pytest.fail("decoded again"))
    report = gallery.sync(films)
    assert (report.unchanged, report.added, report.removed, report.videos) == (4, 0, 0, 0)
    old(films / "2024" / "clip.MP4", 1_500_000_000)  # touched, by its time alone
    report = gallery.sync(films)
    assert (report.changed, report.removed, report.embedded) == (0, 0, 0)
    assert len(gallery) == 4


def test_frames_follow_their_video(gallery: Gallery, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.sync(films)
    clip = films / "2024" / "clip.MP4"
    ids = {row.name: row.id for row in gallery}
    with monkeypatch.context() as patched:
        patched.setattr(videos, "read_frames", lambda *_: pytest.fail("decoded again"))
        copy = Path(shutil.copy2(clip, films / "copy.mp4"))
        assert gallery.sync(films).added == 3
        assert {name: i for name, i in ((r.name, r.id) for r in gallery) if name in ids} == ids
        copy.unlink()
        assert gallery.sync(films).removed == 3
        clip.rename(films / "moved.mp4")
        report = gallery.sync(films)
    assert (report.moved, report.added, report.removed, report.embedded) == (3, 0, 0, 0)
    assert names(gallery) == [f"films/moved.mp4#t={second}" for second in (0, 3, 6)] + ["films/red.png"]
    old(save_clip(films / "moved.mp4", scenes=SCENES[1:]))
    gallery.sync(films)
    assert names(gallery) == [f"films/moved.mp4#t={second}" for second in (0, 3)] + ["films/red.png"]
    (films / "moved.mp4").unlink()
    assert gallery.sync(films).removed == 2
    assert names(gallery) == ["films/red.png"]


@pytest.mark.parametrize("batch", [3, 64])
def test_a_video_that_takes_the_name_of_a_moved_one_keeps_both_apart(
    gallery: Gallery, films: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(sync, "_BATCH", batch)
    gallery.sync(films)
    clip = films / "2024" / "clip.MP4"
    clip.rename(films / "2024" / "moved.MP4")
    old(save_clip(clip, scenes=SCENES[::-1]), 1_600_000_100)
    gallery.sync(films)
    with Gallery.open(tmp_path / "anew.samekind", model=tiny_model) as anew:
        anew.sync(films)
        wanted = {row.name: row.embedding for row in anew}
    found = {row.name: row.embedding for row in gallery}
    assert found.keys() == wanted.keys()
    for name, embedding in wanted.items():
        assert np.allclose(found[name], embedding, atol=1e-3), name


def test_folders_of_a_gallery_may_take_other_frames(gallery: Gallery, films: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(films, tmp_path / "other"))
    for folder in (films, other):
        gallery.sync(folder)
    gallery.sync(other, frames=1)
    assert gallery.sync(films, frames=1).added > 0
    assert len([name for name in names(gallery) if "#t=" in name]) == 18


def test_a_folder_of_videos_alone_can_give_up_its_frames(gallery: Gallery, films: Path) -> None:
    (films / "red.png").unlink()
    gallery.sync(films)
    gallery.sync(films, frames="none")
    assert names(gallery) == []


def test_frames_each_few_seconds_or_none_are_remembered(gallery: Gallery, films: Path) -> None:
    gallery.sync(films, frames=4)
    assert names(gallery) == [f"films/2024/clip.MP4#t={second}" for second in (0, 4, 8)] + ["films/red.png"]
    assert gallery.sync(films).unchanged == 4
    gallery.sync(films, frames="scenes")
    assert names(gallery) == [*FRAMES, "films/red.png"]
    report = gallery.sync(films, frames="none")
    assert (report.removed, report.passed_over) == (3, ["1 video (1 .mp4)"])
    assert names(gallery) == ["films/red.png"]
    for wrong in ("often", 0, -1, float("nan")):
        with pytest.raises(GalleryError, match="there are scenes, none, and a number of seconds"):
            gallery.sync(films, frames=wrong)


def test_a_sync_that_was_stopped_within_a_video_goes_on(
    gallery: Gallery, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StopError(Exception): ...

    def stop(*_: object) -> None:
        raise StopError

    with monkeypatch.context() as patched:
        patched.setattr(sync, "_BATCH", 2)
        with pytest.raises(StopError):
            gallery.sync(films, on_progress=lambda _stage, done, _total: stop() if done else None)
    before = len(gallery)
    assert before < 4
    report = gallery.sync(films)
    assert (len(gallery), report.embedded) == (4, 4 - before)


def test_frames_are_never_proposed_for_removal(gallery: Gallery, films: Path) -> None:
    shutil.copy2(films / "2024" / "clip.MP4", films / "copy.mp4")
    Image.open(films / "red.png").save(films / "again.bmp")
    gallery.sync(films)
    changed: list[int] = []
    for kind in ("exact", "near", "same-class"):
        groups = gallery.duplicates(kind, on_changed=changed.append)
        found = {row.name for group in groups for row in group.rows}
        assert not [name for name in found if "#t=" in name], kind
    assert changed == []


def test_a_broken_video_is_named_and_one_cut_short_gives_what_it_has(gallery: Gallery, films: Path) -> None:
    whole = save_clip(films / "cut.mkv").read_bytes()
    (films / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (films / "no.mov").write_bytes(b"no video" * 100)
    (films / "list.mp4").write_text("#EXTM3U\n#EXTINF:9,\n2024/clip.MP4\n#EXT-X-ENDLIST\n")
    report = gallery.sync(films)
    assert {name for name, _ in report.unreadable} == {"films/no.mov", "films/list.mp4"}
    assert all(reason.startswith("broken or truncated video") for _, reason in report.unreadable)
    assert "films/cut.mkv#t=0" in names(gallery)
    again = gallery.sync(films)
    assert (again.unreadable, again.unreadable_before) == ([], 2)


def test_without_the_extra_videos_are_counted_and_the_extra_named(
    gallery: Gallery, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(sync, "can_read_videos", lambda: False)
        report = gallery.sync(films)
        assert names(gallery) == ["films/red.png"]
        assert report.passed_over[0] == "1 video (1 .mp4)"
        assert 'pip install "samekind[video]"' in report.passed_over[1]
    assert gallery.sync(films).added == 3
    old(films / "2024" / "clip.MP4", 1_500_000_000)
    monkeypatch.setattr(sync, "can_read_videos", lambda: False)
    assert gallery.sync(films).removed == 0  # what the gallery has stays
    assert names(gallery) == [*FRAMES, "films/red.png"]


def test_commands_take_and_show_frames(films: Path, tiny_model: Path, tmp_path: Path) -> None:
    indexed = run("index", films, "--model", tiny_model, "--frames", "2.5", "--json")
    assert json.loads(indexed.stdout)["added"] == 5, indexed.stderr
    gallery = tmp_path / "films.samekind"
    assert "4 of them frames of videos" in run("status", gallery).stdout
    html = tmp_path / "found.html"
    hits = json.loads(run("search", gallery, films / "red.png", "-k", "2", "--json", "--html", html).stdout)
    assert hits[1]["name"] == "films/2024/clip.MP4#t=0"
    assert "video, at 0:00" in html.read_text()
    verdict = run("verify", hits[1]["path"], films / "red.png", "--model", tiny_model)
    assert verdict.returncode == 0, verdict.stderr
    whole = run("verify", films / "2024" / "clip.MP4", films / "red.png", "--model", tiny_model)
    assert (whole.returncode, "a video, not an image; name one of its frames" in whole.stderr) == (2, True)
    late = run("verify", f"{films / '2024' / 'clip.MP4'}#t=99", films / "red.png", "--model", tiny_model)
    assert (late.returncode, "no frame at 99 seconds; the video ends at 9.000" in late.stderr) == (2, True)
