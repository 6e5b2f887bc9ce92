"""Photographs in a bucket of S3: moto's server on this machine stands in for Amazon's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import samekind
from samekind.errors import DatasetError, MissingExtraError
from samekind.shards import addresses
from samekind.shards.folder import ShardFolder

pytest.importorskip("s3fs", reason='needs the extra "remote"')
pytest.importorskip("moto", reason="needs moto's server")


@pytest.fixture(scope="module")
def bucket(odd: Path) -> Iterator[str]:
    """The folder of odd files in a bucket."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",  # moto asks for no secret
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        system = s3fs.S3FileSystem()
        system.mkdir("shop")
        for path in odd.rglob("*.*"):
            system.pipe_file(f"shop/photos/{path.relative_to(odd)}", path.read_bytes())
        yield "s3://shop/photos/"
    server.stop()


def test_a_bucket_gives_the_rows_of_the_folder(bucket: str, odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    report = samekind.embed(bucket, tmp_path / "out", model=tiny_model, rows=8)
    assert (report.embedded, len(report.unreadable)) == (26, 4)
    samekind.embed(odd, tmp_path / "here", model=tiny_model, rows=8)
    there, here = ({re.sub(".*photos/", "", row.name): row.image for row in ShardFolder(tmp_path / name).rows()}
                   for name in ("out", "here"))  # fmt: skip
    assert there == here
    assert samekind.embed(bucket, tmp_path / "out").embedded == 0


def test_a_changed_object_is_noticed_in_a_folder(bucket: str, odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    import s3fs

    for name in ("00.png", "01.png"):
        s3fs.S3FileSystem().pipe_file("shop/changing/a.png", (odd / "one" / name).read_bytes())
        assert samekind.embed("s3://shop/changing/", tmp_path / "out", model=tiny_model).embedded == 1


def test_shards_in_a_bucket_are_no_photographs(bucket: str, odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    import s3fs

    samekind.embed(odd, tmp_path / "shards", model=tiny_model, rows=8)
    for path in (tmp_path / "shards").iterdir():
        s3fs.S3FileSystem().pipe_file(f"shop/shards/{path.name}", path.read_bytes())
    with pytest.raises(DatasetError, match=r"s3://shop/shards: holds no images \(passed over: .*\.parquet"):
        samekind.embed("s3://shop/shards", tmp_path / "out", model=tiny_model)


def test_an_object_that_is_gone_and_a_bucket_that_never_was(bucket: str, tiny_model: Path, tmp_path: Path) -> None:
    report = samekind.embed([f"{bucket}one/00.png", f"{bucket}gone.png"], tmp_path / "out", model=tiny_model)
    [(name, reason)] = report.unreadable
    assert name == f"{bucket}gone.png"
    assert reason == "cannot be read (No such file or directory)"
    with pytest.raises(DatasetError, match="s3://nobodys"):
        samekind.embed("s3://nobodys/photos", tmp_path / "none", model=tiny_model)


def test_without_fsspec_the_command_that_installs_it_is_named(
    bucket: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[remote\]"):
        samekind.embed(bucket, tmp_path / "out", model=tiny_model)
    assert not (tmp_path / "out").exists()
