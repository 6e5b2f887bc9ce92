"""What file systems behind addresses raise, and what a user is told of it."""

from __future__ import annotations

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from gallery.conftest import LONG_AGO

import samekind
from samekind.errors import DatasetError, ImageError
from samekind.shards import addresses
from samekind.shards.addresses import is_address, state_of, without_file_scheme
from samekind.shards.named_image import read_named

fsspec = pytest.importorskip("fsspec", reason='needs the extra "remote"')


class NoCredentialsError(Exception):
    """What a cloud's package raises: no OSError."""


class Locked(fsspec.AbstractFileSystem):  # type: ignore[misc]
    protocol = "locked"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NoCredentialsError("Unable to locate credentials")

    find = info = ls = cat_file = _open = _refuse


@pytest.fixture(autouse=True)
def locked() -> None:
    fsspec.register_implementation("locked", Locked, clobber=True)


@pytest.mark.parametrize("name", ["photos", "list.txt", "some.tar", "some.parquet"])
def test_what_its_packages_raise_is_our_error(name: str, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"locked://shop/{name}.*Unable to locate credentials"):
        samekind.embed(f"locked://shop/{name}", tmp_path / "out", model=tiny_model)


def test_an_image_that_cannot_be_fetched_is_a_row_with_the_reason(tiny_model: Path, tmp_path: Path) -> None:
    assert is_address("locked://shop/a.png")
    assert state_of("locked://shop/a.png") == (-1, 0)
    report = samekind.embed(["locked://shop/a.png"], tmp_path / "out", model=tiny_model)
    [(_, reason)] = report.unreadable
    assert reason == "cannot be read (NoCredentialsError: Unable to locate credentials)"


def test_when_a_file_of_a_server_was_written(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="fsspec asks servers by it")
    (tmp_path / "a.tar").write_bytes(b"12345")
    os.utime(tmp_path / "a.tar", (LONG_AGO, LONG_AGO))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert state_of(f"http://127.0.0.1:{server.server_port}/a.tar") == (5, LONG_AGO * 10**9)
        server.shutdown()


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("file:///p/all.tar#0.jpg", "/p/all.tar#0.jpg"),
        ("FILE://localhost/what%3F/x?", "/what?/x?"),
        ("file://photos/red", "file://photos/red"),
        ("file://photos", "file://photos"),
    ],
)
def test_of_a_path_nothing_is_lost_and_no_host_is_a_folder(given: str, path: str) -> None:
    assert without_file_scheme(given) == path


@pytest.mark.parametrize("name", ["s3://b/a.tar#0.jpg", "s3://b/a.parquet#0", "s3://b/a.jpg"])
def test_what_is_not_installed_is_an_error_of_the_image(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match=r"samekind\[remote\]"):
        read_named(name)
