"""Embedding into shards: resumed, repeated, refused."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from commands import run
from conftest import save_noise
from gallery.conftest import LONG_AGO, age
from PIL import Image
from pyarrow.dataset import dataset
from shards.conftest import contents

import samekind
from samekind.embedding import embed_batch
from samekind.errors import ArgumentError, DatasetError, ShardError
from samekind.shards.folder import ShardFolder, is_shard_folder
from samekind.shards.shard_file import read_shard


def stop_after(images: int) -> Callable[[str, int, int], None]:
    def stop(_: str, done: int, __: int) -> None:
        if done >= images:
            raise KeyboardInterrupt

    return stop


def test_rows_are_those_of_the_stateless_work(odd: Path, whole: Path, tiny_model: Path) -> None:
    rows = list(ShardFolder(whole).rows())
    files = sorted(map(str, odd.rglob("*.*")))
    assert [row.name for row in rows] == files
    assert [row.image for row in rows] == embed_batch(files, samekind.load(tiny_model).encoder)
    assert {row.mtime_ns for row in rows} == {LONG_AGO * 10**9}


def test_anybody_can_read_a_shard(whole: Path) -> None:
    table = dataset(whole).to_table()
    assert len(table) == 26
    assert table.column("path")[0].as_py().endswith("photos/one/00.png")
    embedding = np.array(table.column("embedding")[0].as_py(), np.float32)
    assert embedding.shape == (6,)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-3)
    assert len(table.column("sha256")[0].as_py()) == 32


@pytest.mark.parametrize("stops", [[1, 6], [5, 5, 5, 5, 5, 5], [25]])
def test_stopped_and_gone_on_is_as_never_stopped(
    odd: Path, whole: Path, tiny_model: Path, tmp_path: Path, stops: list[int]
) -> None:
    left = 26
    for images in stops:
        with pytest.raises(KeyboardInterrupt):
            samekind.embed(odd, tmp_path / "out", model=tiny_model, rows=4, on_progress=stop_after(images))
        finished = sum(entry.rows for _, entry in ShardFolder(tmp_path / "out").files())
        assert 26 - left <= finished <= 26
        left = 26 - finished
    report = samekind.embed(odd, tmp_path / "out")
    assert report.embedded == left
    assert contents(tmp_path / "out") == contents(whole)


def test_only_what_is_new_or_changed_is_embedded(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(odd, tmp_path / "photos")
    first = samekind.embed(photos, tmp_path / "out", model=tiny_model, rows=4)
    assert (first.embedded, first.images, first.shards) == (26, 26, 7)
    before = contents(tmp_path / "out")
    assert samekind.embed(photos, tmp_path / "out").embedded == 0
    assert contents(tmp_path / "out") == before
    save_noise(photos / "new.png", (1, 2, 3), seed=99)
    save_noise(photos / "one/00.png", (200, 2, 3), seed=98)
    for name in ("new.png", "one/00.png"):
        age(photos / name, LONG_AGO + 7)
    report = samekind.embed(photos, tmp_path / "out")
    assert (report.embedded, report.images) == (2, 28)
    after = contents(tmp_path / "out")
    assert all(after[name] == data for name, data in before.items() if name != "_shards.json")


def test_of_an_image_in_two_shards_the_later_counts(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(odd, tmp_path / "photos")
    samekind.embed(photos, tmp_path / "out", model=tiny_model, rows=4)
    save_noise(photos / "one/00.png", (200, 2, 3), seed=98)
    age(photos / "one/00.png", LONG_AGO + 7)
    samekind.embed(photos, tmp_path / "out")
    rows = list(ShardFolder(tmp_path / "out").rows())
    assert len(rows) == 26
    assert [row.mtime_ns for row in rows if row.name.endswith("one/00.png")] == [(LONG_AGO + 7) * 10**9]


def test_a_journal_that_a_power_cut_left_counts_but_for_its_broken_line(
    odd: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """As after a kill: shards lie there, the journal names four, and its last line is not whole."""
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        samekind.embed(odd, out, model=tiny_model, rows=4, on_progress=stop_after(1))
    entries = ShardFolder(whole).manifest.shards
    lines = [f'["{name}", {entry.model_dump_json()}]\n' for name, entry in list(entries.items())[:5]]
    for name in entries:
        shutil.copy(whole / name, out)
    (out / "_finished.jsonl").write_text("".join(lines)[:-9])
    assert [path.name for path, _ in ShardFolder(out).files()] == list(entries)[:4]
    assert samekind.embed(odd, out).embedded == 26 - 16
    assert contents(out) == contents(whole)


def test_a_shard_that_was_not_committed_is_made_again(odd: Path, whole: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        samekind.embed(odd, out, model=tiny_model, rows=4, on_progress=stop_after(9))
    (out / "shard-00000-000002.parquet").write_bytes(b"half")
    (out / ".shard-00000-000003-abc.parquet").write_bytes(b"half")
    samekind.embed(odd, out)
    assert contents(out) == contents(whole)
    assert not (out / ".shard-00000-000003-abc.parquet").exists()


@pytest.mark.skipif(os.name == "nt", reason="a link that leads nowhere")
def test_what_could_not_be_fetched_is_tried_again_when_it_can_be(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{odd}/one/00.png\n{tmp_path}/later.png\n")
    report = samekind.embed(tmp_path / "list.txt", tmp_path / "out", model=tiny_model)
    assert report.unreadable == [(f"{tmp_path}/later.png", "cannot be read (No such file or directory)")]
    assert samekind.embed(tmp_path / "list.txt", tmp_path / "out").embedded == 0
    age(Path(shutil.copyfile(odd / "one/01.png", tmp_path / "later.png")))
    assert samekind.embed(tmp_path / "list.txt", tmp_path / "out").embedded == 1
    assert samekind.embed(tmp_path / "list.txt", tmp_path / "out").embedded == 0
    assert [row.image.error is None for row in ShardFolder(tmp_path / "out").rows()] == [True, True]


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_names_that_are_no_utf8(tmp_path: Path, tiny_model: Path) -> None:
    name = os.fsencode(tmp_path) + b"/photos/\xff.png"
    (tmp_path / "photos").mkdir()
    save_noise(tmp_path / "a.png", (1, 2, 3), seed=1)
    (tmp_path / "a.png").rename(os.fsdecode(name))
    os.utime(name, (LONG_AGO, LONG_AGO))
    for embedded in (1, 0):
        assert samekind.embed(tmp_path / "photos", tmp_path / "out", model=tiny_model).embedded == embedded
    [row] = ShardFolder(tmp_path / "out").rows()
    assert os.fsencode(row.name) == name
    assert row.image.error is None
    [path] = pq.read_table(tmp_path / "out/shard-00000-000000.parquet").column("path").to_pylist()
    assert path == f"{tmp_path}/photos/\\xff.png"
    out = tmp_path / os.fsdecode(b"\xff")
    for embedded in (1, 0):
        assert samekind.embed(tmp_path / "photos", out, model=tiny_model).embedded == embedded
    assert list(ShardFolder(out).rows()) == [row]


def test_other_models_and_settings_are_refused(odd: Path, whole: Path, adaptable_model: Path, tmp_path: Path) -> None:
    before = contents(whole)
    with pytest.raises(ShardError, match="of the model 'tiny'"):
        samekind.embed(odd, whole, model="general")
    with pytest.raises(ShardError, match="begun with rows 4, not 5"):
        samekind.embed(odd, whole, rows=5)
    with pytest.raises(ShardError, match="neither empty nor a folder of shards"):
        samekind.embed(odd, odd)
    with pytest.raises(ArgumentError, match="rows"):
        samekind.embed(odd, tmp_path / "out", rows=0)
    with pytest.raises(ArgumentError, match="engine"):
        samekind.embed(odd, tmp_path / "out", engine="spark")
    assert not (tmp_path / "out").exists()
    assert contents(whole) == before
    # A model that is only calibrated otherwise has the same embeddings.
    assert samekind.embed(odd, whole, model=adaptable_model).embedded == 0


def test_a_source_without_images_begins_nothing(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.tar").write_bytes(b"no tar" * 200)
    for source in ("empty", "a.tar"):
        with pytest.raises(DatasetError, match=source):
            samekind.embed(tmp_path / source, tmp_path / "out", model=tiny_model)
    (tmp_path / "empty" / "b.tar.gz").write_bytes(b"x")
    done = run("embed", tmp_path / "empty", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "holds no images; " in done.stderr
    assert "b.tar.gz: a compressed tar file" in done.stderr
    with pytest.raises(DatasetError, match="not one int"):
        samekind.embed(iter([str(tmp_path / "a.png"), 5]), tmp_path / "out", model=tiny_model)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "settings",
    [{"engine": "ray", "workers": 0}, {"engine": "ray", "gpus": -1}, {"workers": 2}, {"gpus": 1}, {"address": "auto"}],
)
def test_settings_of_workers_are_refused_where_there_can_be_none(
    odd: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError, match=list(settings)[-1]):
        samekind.embed(odd, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_one_writer_at_a_time(odd: Path, whole: Path) -> None:
    with ShardFolder(whole).writing(), pytest.raises(ShardError, match="another process is writing it"):
        samekind.embed(odd, whole)


@pytest.mark.parametrize("damage", [lambda _: None, lambda data: data[:-100], lambda data: data + b"x"])
def test_a_shard_that_is_missing_or_damaged_is_made_anew(
    odd: Path, whole: Path, tmp_path: Path, damage: Callable[[bytes], bytes | None]
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    shard = out / "shard-00000-000003.parquet"
    left = damage(shard.read_bytes())
    shard.unlink()
    if left is not None:
        shard.write_bytes(left)
    assert samekind.embed(odd, out).embedded == 4
    assert contents(out) == contents(whole)


def test_images_that_stay_unreadable_are_counted(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(odd, tmp_path / "photos")
    reports = [samekind.embed(photos, tmp_path / "out", model=tiny_model, rows=4) for _ in range(2)]
    assert [(len(report.unreadable), report.unreadable_before) for report in reports] == [(4, 0), (0, 4)]
    shutil.copy(photos / "one/00.png", photos / "one/empty.jpg")
    age(photos / "one/empty.jpg", LONG_AGO + 7)
    assert samekind.embed(photos, tmp_path / "out").unreadable_before == 3


def test_a_damaged_shard_is_named(whole: Path, tmp_path: Path) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    shard = out / "shard-00000-000003.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ShardError, match=r"shard-00000-000003\.parquet: missing, or not as it was written"):
        list(ShardFolder(out).rows())
    with pytest.raises(ShardError, match="not a readable shard"):
        list(read_shard(shard))
    (out / "_shards.json").write_text("{")
    with pytest.raises(ShardError, match="its manifest is broken"):
        ShardFolder(out)


def test_the_command_names_bad_files_at_its_end(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    done = run("embed", odd, "-o", tmp_path / "out", "--model", tiny_model, "--rows", 10)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/out: 26 images in 3 shards (26 new, 4 of them unreadable)\n"
    assert f"{odd}/one/empty.jpg: the file is empty" in done.stderr
    assert f"{odd}/two/cut.jpg: damaged" in done.stderr
    again = run("embed", odd, "-o", tmp_path / "out")
    assert again.stdout == f"{tmp_path}/out: 26 images in 3 shards (nothing new; 4 unreadable as before)\n"


def test_the_command_names_tars_of_which_a_part_is_missing(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("00.png", "01.png"):
            tar.add(odd / "one" / name, name)
    content = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(content[: content.index(b"01.png") + 600])
    done = run("embed", tmp_path / "a.tar", "-o", tmp_path / "out", "--model", tiny_model)
    assert done.stdout == f"{tmp_path}/out: 1 image in 1 shard (1 new)\n"
    assert f"{tmp_path}/a.tar: is cut off within 01.png" in done.stderr


def test_shards_within_their_source_are_no_source(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(odd / "one/00.png", "00.png")
    reports = [samekind.embed(tmp_path, tmp_path / "out", model=tiny_model) for _ in range(2)]
    assert [(report.embedded, report.unlisted) for report in reports] == [(1, []), (0, [])]


def test_the_folder_of_shards_is_one_of_this_machine(
    odd: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    with pytest.raises(ShardError, match="addresses are not fetched"):
        samekind.embed(odd, "s3://shop/shards", model=tiny_model)
    assert samekind.embed([os.fsencode(odd / "one/00.png")], "~/shards", model=tiny_model).images == 1
    assert is_shard_folder(tmp_path / "home/shards")


def test_remarks_name_the_file(tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "photos/a.png"
    file.parent.mkdir()
    Image.fromarray(np.arange(0, 4096, 4, dtype=np.uint16).reshape(32, 32)).save(file)
    samekind.embed(tmp_path / "photos", tmp_path / "out", model=tiny_model)
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [str(file)]
