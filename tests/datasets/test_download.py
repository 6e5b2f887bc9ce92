from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from server import Served, serving

from samekind.datasets import download as module
from samekind.datasets.download import download
from samekind.errors import DatasetError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "_PATIENCE", (0.0, 0.0, 0.0))
    with serving(CONTENT) as served:
        yield served


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "file.bin"


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_file_arrives_whole(server: Served, path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    download(server.url, path, MD5, on_progress=lambda *call: calls.append(call))
    assert path.read_bytes() == CONTENT
    assert names(path) == ["file.bin"]
    assert calls[-1] == ("download, MB", 3, 3)
    assert calls == sorted(calls)
    assert server.asked == [""]


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(server: Served, path: Path) -> None:
    server.cuts = [100_000, 50_000]
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_what_an_earlier_call_left_is_gone_on_with(server: Served, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT[:2_123_456])
    calls: list[tuple[str, int, int]] = []
    download(server.url, path, MD5, on_progress=lambda *call: calls.append(call))
    assert path.read_bytes() == CONTENT
    assert server.asked == ["bytes=2123456-"]
    assert calls[0] == ("download, MB", 2, 3)
    assert names(path) == ["file.bin"]


def test_a_part_that_is_the_whole_is_only_checked(server: Served, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT)
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["bytes=3000000-"]


def test_a_server_without_ranges_sends_all_again(server: Served, path: Path) -> None:
    server.ranges = False
    server.cuts = [100_000]
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["", "bytes=100000-"]


def test_a_wrong_checksum_is_named_and_what_came_is_removed(server: Served, path: Path) -> None:
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DatasetError, match=rf"MD5 [0-9a-f]{{32}}, not {MD5}"):
        download(server.url, path, MD5)
    assert names(path) == []


def test_a_part_of_another_file_is_found_out(server: Served, path: Path) -> None:
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(b"?" * 1000)
    with pytest.raises(DatasetError, match="MD5"):
        download(server.url, path, MD5)
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [500, 503, 429])
def test_passing_trouble_of_the_server_is_waited_for(status: int, server: Served, path: Path) -> None:
    server.statuses = [status, status]
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT


def test_patience_ends_and_what_came_is_kept(server: Served, path: Path) -> None:
    server.cuts = [100_000]
    server.statuses = [0, 503, 503, 503, 503]
    with pytest.raises(DatasetError, match=r"has trouble \(503.*0 MB are kept, and the same command goes on"):
        download(server.url, path, MD5)
    assert names(path) == ["file.bin.part"]
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=100000-"


def test_a_file_that_is_not_there_is_not_waited_for(server: Served, path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(DatasetError, match=r"file\.bin: the server does not give it \(404 Not Found\)"):
        download(server.url, path, MD5)
    assert server.asked == [""]


def test_a_server_that_does_not_answer_is_named(server: Served, path: Path) -> None:
    with pytest.raises(DatasetError, match=r"127\.0\.0\.1:9/nothing: cannot be fetched \(.*refused"):
        download("http://127.0.0.1:9/nothing", path, MD5)


def test_a_file_that_is_there_is_not_fetched_again_unless_it_is_wrong(server: Served, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    download(server.url, path, MD5)
    assert server.asked == []
    path.write_bytes(b"wrong")
    download(server.url, path, MD5)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(("free", "enough"), [(6_600_001, True), (6_599_999, False)])
def test_the_disk_is_asked_beforehand(
    free: int, enough: bool, server: Served, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    if enough:
        download(server.url, path, MD5, leave_free=1.2)
        assert path.exists()
    else:
        with pytest.raises(DatasetError, match=r"GB are needed and .* GB are free"):
            download(server.url, path, MD5, leave_free=1.2)
        assert names(path) == []


def test_a_full_disk_is_not_taken_for_a_broken_connection(server: Served) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left"):
        module._go_on(server.url, Path("/dev/full"), 0.0, None)
