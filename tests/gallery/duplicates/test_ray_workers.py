"""Copies looked for by workers of Ray: the groups that this process finds, also where workers die or see no files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clusters import RAY_TESTS, killing_workers
from commands import run
from gallery.duplicates.test_near import blobs, save
from PIL import ImageEnhance, ImageOps

from samekind.copies import candidates
from samekind.errors import ArgumentError, ClusterError, MissingExtraError
from samekind.gallery import DuplicateGroup, Gallery
from samekind.gallery.duplicates.pictures.picture_files import UNREAD, Comparison, compare_there, read_picture_files
from samekind.gallery.duplicates.ray_workers import RayWorkers
from samekind.system import ray_cluster

pytestmark = RAY_TESTS


@pytest.fixture
def album(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """Pictures and copies of them, an exact and a pale one among them; looked for in many parts."""
    (tmp_path / "album").mkdir()
    for seed in range(6):
        image = blobs(seed)
        save(image, tmp_path / f"album/{seed}.png")
        save(image.resize((240, 180)), tmp_path / f"album/{seed}-small.png")
        save(ImageOps.mirror(image).crop((30, 20, 400, 330)), tmp_path / f"album/{seed}-cut.png")
    save(blobs(1), tmp_path / "album/1-same.png")
    save(ImageEnhance.Color(blobs(0)).enhance(0.2), tmp_path / "album/0-pale.png")
    gallery.sync(tmp_path / "album")
    monkeypatch.setattr(candidates, "_VOTERS", 400)
    monkeypatch.setattr(candidates, "_PICTURES", 5)
    return gallery


@pytest.fixture
def groups(album: Gallery) -> list[DuplicateGroup]:
    """What this process finds."""
    found = album.duplicates(related=True)
    assert sum(len(group.spare) for group in found) >= 10
    return found


def test_groups_are_those_of_this_process(cluster: None, album: Gallery, groups: list[DuplicateGroup]) -> None:
    told: list[tuple[str, int, int]] = []
    assert album.duplicates(related=True, engine="ray", on_progress=lambda *now: told.append(now)) == groups
    assert told[-1][1] == told[-1][2] > 0
    assert album.duplicates(related=True, engine="ray", workers=1) == groups


def test_workers_that_die_begin_their_part_again(cluster: None, album: Gallery, groups: list[DuplicateGroup]) -> None:
    killed: list[int] = []
    assert album.duplicates(related=True, engine="ray", on_progress=killing_workers(killed, "_Worker")) == groups
    assert killed


def test_whoever_stops_it_may_begin_again(cluster: None, album: Gallery, groups: list[DuplicateGroup]) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        album.duplicates(engine="ray", on_progress=stop)
    assert album.duplicates(related=True, engine="ray") == groups


def test_what_a_worker_does_not_see_as_it_was_indexed_is_left_to_this_process(album: Gallery) -> None:
    first, second, *_ = read_picture_files(album._store)
    assert compare_there(first, second) != UNREAD
    gone = replace(first, row=replace(first.row, path=first.row.path.with_name("gone.png")))
    changed = replace(second, row=replace(second.row, size=7))
    assert compare_there(gone, second) == compare_there(first, changed) == UNREAD
    worker = SimpleNamespace(compare=SimpleNamespace(remote=lambda *_: UNREAD))
    blind = SimpleNamespace(
        remote=lambda **_: lambda _: SimpleNamespace(remote=lambda: worker), get=lambda found: found
    )
    with RayWorkers(blind, 1).comparing([first, second]) as pool:
        here = Comparison()(first, second)
        assert pool.submit(lambda *_: Comparison()(first, second), 0, 1).result() == here


def test_what_cannot_be_is_refused_before_the_work(
    album: Gallery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def reading(*_: Any, **__: Any) -> Iterator[None]:
        raise AssertionError

    monkeypatch.setattr("samekind.gallery.duplicates.duplicate_groups.read_picture_files", reading)
    with pytest.raises(ClusterError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        album.duplicates(engine="ray", address="127.0.0.1:1")
    with pytest.raises(ArgumentError, match="not 'spark'"):
        album.duplicates(engine="spark")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="for near copies"):
        album.duplicates("exact", engine="ray")
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[ray\]"):
        album.duplicates(engine="ray")


def test_the_command_names_what_is_wrong(album: Gallery) -> None:
    result = run("duplicates", str(album.path), "--engine", "ray", "--address", "127.0.0.1:1")
    assert result.returncode == 2
    assert "no Ray cluster at 127.0.0.1:1" in result.stderr
    result = run("duplicates", str(album.path), "--engine", "ray", "--kind", "same-class")
    assert "for near copies" in result.stderr
