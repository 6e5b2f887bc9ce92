"""What sources hold, and that its bytes are read back."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samekind.errors import DatasetError, ImageError
from samekind.shards.inputs import Input, can_be_read, read_input
from samekind.shards.listing import list_inputs
from samekind.shards.plan import new_inputs


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def read_all(source: object, **options: object) -> dict[str, bytes]:
    _, found = list_inputs(source, **options)
    inputs = list(found)
    assert len(set(inputs)) == len(inputs)
    return {one.name: read_input(one) for one in inputs}


def test_a_folder(odd: Path) -> None:
    listing, _ = list_inputs(odd)
    assert read_all(odd) == read_all(f"file://{odd}") == pictures(odd)
    assert listing.folder == odd.resolve()


def test_what_a_pattern_names_is_passed_over(odd: Path) -> None:
    listing, found = list_inputs(odd, ["two/", "*.jpg"])
    assert {Path(one.address).relative_to(odd).parts[0] for one in found} == {"one"}
    assert listing.passed.sentences() == ["4 excluded files or folders"]


def test_lists_and_tables_of_paths_relative_to_themselves(odd: Path, tmp_path: Path) -> None:
    names = [Path(path).relative_to(odd.parent) for path in pictures(odd)]
    (odd.parent / "list.txt").write_text("\n".join(map(str, names)) + "\n\n")
    with (odd.parent / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label"), *((name, "x") for name in names)])
    pq.write_table(pa.table({"path": list(map(str, names))}), odd.parent / "paths.parquet")
    for name in ("list.txt", "list.csv", "paths.parquet"):
        assert read_all(odd.parent / name) == pictures(odd)
    assert read_all(list(pictures(odd))) == pictures(odd)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_list_in_another_encoding(odd: Path, encoding: str) -> None:
    (odd.parent / "list.txt").write_bytes("\r\n".join(pictures(odd)).encode(encoding))
    assert read_all(odd.parent / "list.txt") == pictures(odd)


def test_a_list_of_what_can_be_no_path(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("~nobody.png\na\0b.png\n")
    (tmp_path / "~nobody.png").write_bytes(b"1")
    first, second = sorted(list_inputs(tmp_path / "list.txt")[1], key=lambda one: one.size, reverse=True)
    assert read_input(first) == b"1"
    with pytest.raises(ImageError, match="cannot be read"):
        read_input(second)


@pytest.mark.parametrize("name", ["photos", "a.tar", "a.txt"])
def test_what_fsspec_raises_is_about_the_address(memory: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("no credentials")

    for method in ("find", "info", "open", "cat_file"):
        monkeypatch.setattr(f"fsspec.implementations.memory.MemoryFileSystem.{method}", fail)
    with pytest.raises(DatasetError, match=f"memory://{name}: .*no credentials"):
        list(list_inputs(f"memory://{name}")[1])
    monkeypatch.setattr("fsspec.core.url_to_fs", fail)
    with pytest.raises(DatasetError, match=f"memory://{name}: cannot be read .no credentials"):
        list_inputs(f"memory://{name}")


@pytest.mark.parametrize("form", ["binary", "datasets"])
def test_parquet_of_bytes_in_several_row_groups(odd: Path, tmp_path: Path, form: str) -> None:
    images = list(pictures(odd).values())
    column = images if form == "binary" else [{"bytes": one, "path": None} for one in images]
    pq.write_table(pa.table({"label": [0] * len(images), "image": column}), tmp_path / "p.parquet", row_group_size=7)
    assert read_all(tmp_path) == {f"{tmp_path}/p.parquet#{row}": image for row, image in enumerate(images)}


@pytest.mark.parametrize(
    "columns",
    [
        {"image": pa.array([{"bytes": None, "path": "a.png"}], pa.struct({"bytes": pa.binary(), "path": pa.string()}))},
        {"path": pa.array(["a.png"]).dictionary_encode()},
        {"path": pa.array(["a.png"], getattr(pa, "string_view", pa.string)())},
        {"url": [" a.png"], "name": ["A cat"]},
        {"content": ["A cat"], "data": ["A cat"], "image_path": ["a.png"]},
        {"image": pa.array([None], pa.binary()), "path": ["a.png"]},
        {"image": [["a.png"]], "path": ["a.png"]},
    ],
)
def test_parquet_of_paths_as_others_write_them(tmp_path: Path, columns: dict[str, object]) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    assert read_all(tmp_path / "p.parquet") == {str(tmp_path / "a.png"): b"1"}


@pytest.mark.parametrize(
    "columns",
    [
        {"content": pa.array([b"1"], getattr(pa, "binary_view", pa.binary)())},
        {"image": pa.array([b"1"]).dictionary_encode()},
        {"image": ["a.png"], "bytes": [b"1"]},
        {"Image": [{"Bytes": b"1", "Path": "a.png"}]},
    ],
)
def test_parquet_of_bytes_as_others_write_them(tmp_path: Path, columns: dict[str, object]) -> None:
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    assert read_all(tmp_path / "p.parquet") == {f"{tmp_path}/p.parquet#0": b"1"}


def test_a_row_without_bytes_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"2")
    images = [{"bytes": b"1", "path": "gone.png"}, {"bytes": None, "path": "a.png"}, {"bytes": None, "path": None}]
    pq.write_table(pa.table({"image": images}), tmp_path / "p.parquet")
    *inputs, nothing = list_inputs(tmp_path / "p.parquet")[1]
    assert [read_input(one) for one in inputs] == [b"1", b"2"]
    with pytest.raises(ImageError, match="the row has no image"):
        read_input(nothing)
    assert [can_be_read(one) for one in (*inputs, nothing)] == [True, True, False]


def webdataset(odd: Path, path: Path) -> dict[str, bytes]:
    with tarfile.open(path, "w") as tar:
        for number, name in enumerate(pictures(odd)):
            tar.add(name, f"{number:04}{Path(name).suffix}")
            label = tarfile.TarInfo(f"{number:04}.cls")
            label.size = 1
            tar.addfile(label, io.BytesIO(b"3"))
    return {f"{path}#{n:04}{Path(name).suffix}": image for n, (name, image) in enumerate(pictures(odd).items())}


def test_tars_of_webdataset_alone_or_in_a_folder(odd: Path, tmp_path: Path) -> None:
    expected = webdataset(odd, tmp_path / "000.tar") | webdataset(odd, tmp_path / "001.tar")
    assert read_all(tmp_path) == expected
    assert read_all(tmp_path / "000.tar").items() < expected.items()


def test_a_member_of_less_than_no_bytes_ends_a_tar(odd: Path, tmp_path: Path) -> None:
    expected = webdataset(odd, tmp_path / "a.tar")
    content = bytearray((tmp_path / "a.tar").read_bytes())
    place = content.find(b"0003.cls")
    content[place + 124 : place + 136] = b"\xff" * 11 + b"\x00"  # minus 256
    header = content[place : place + 148] + b" " * 8 + content[place + 156 : place + 512]
    content[place + 148 : place + 156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(content)
    listing, found = list_inputs(tmp_path / "a.tar")
    names = [one.name for one in found]
    assert len(names) == len(set(names)) < len(expected)
    assert listing.unlisted == [
        (str(tmp_path / "a.tar"), "is damaged within 0003.cls; the pictures behind that are missing")
    ]


def test_a_tar_with_a_broken_header_is_read_on_behind_it(odd: Path, tmp_path: Path) -> None:
    expected = webdataset(odd, tmp_path / "a.tar")
    content = bytearray((tmp_path / "a.tar").read_bytes())
    place = content.find(b"0003.cls")
    content[place : place + 200] = b"\xff" * 200
    (tmp_path / "a.tar").write_bytes(content)
    listing, found = list_inputs(tmp_path / "a.tar")
    assert {one.name: read_input(one) for one in found} == expected
    [(name, reason)] = listing.unlisted
    assert (name, reason[: reason.index(";")]) == (str(tmp_path / "a.tar"), f"is damaged at byte {place:,}")


@pytest.mark.parametrize(("left", "reason"), [(-3000, "is cut off within b.bmp"), (-1024, "has no mark of its end")])
def test_a_tar_that_was_cut_off_gives_what_it_has(tmp_path: Path, left: int, reason: str) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("a.bmp", "b.bmp"):
            member = tarfile.TarInfo(name)
            member.size = 4096
            tar.addfile(member, io.BytesIO(b"x" * 4096))
        end = tar.offset + 1024
    (tmp_path / "a.tar").write_bytes(file.getvalue()[: end + left])
    listing, found = list_inputs(tmp_path / "a.tar")
    assert [one.member for one in found] == ["a.bmp", "b.bmp"][: 1 if left < -1024 else 2]
    assert [why[: len(reason)] for _, why in listing.unlisted] == [reason]


def test_hard_links_in_a_tar_are_their_file_by_another_name(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("a.png")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"12345"))
        for name, target in (("b.png", "a.png"), ("c.png", "gone.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, target
            tar.addfile(link)
    listing, found = list_inputs(tmp_path / "a.tar")
    inputs = list(new_inputs(found, []))
    assert [(one.member, read_input(one)) for one in inputs] == [("a.png", b"12345"), ("b.png", b"12345")]
    assert listing.unlisted == [(str(tmp_path / "a.tar"), "c.png is a hard link to gone.png, which is not in it")]


@pytest.mark.skipif(not shutil.which("tar"), reason="GNU tar writes sparse members")
def test_a_sparse_member_of_a_tar_is_named(tmp_path: Path) -> None:
    with (tmp_path / "a.bmp").open("wb") as file:
        file.truncate(1_000_000)
        file.write(b"1")
    (tmp_path / "b.bmp").write_bytes(b"2")
    packed = subprocess.run(["tar", "-Scf", "a.tar", "a.bmp", "b.bmp"], cwd=tmp_path, check=False)
    if packed.returncode or (tmp_path / "a.tar").stat().st_size > 10**6:
        pytest.skip("this tar writes none")
    listing, found = list_inputs(tmp_path / "a.tar")
    assert [one.member for one in found] == ["b.bmp"]
    assert listing.unlisted[0][1].startswith("a.bmp is stored as a sparse file")


def test_of_a_folder_of_tars_and_parquet_files_the_broken_ones_are_named(odd: Path, tmp_path: Path) -> None:
    expected = webdataset(odd, tmp_path / "1.tar")
    (tmp_path / "label=cat").mkdir()
    pq.write_table(pa.table({"image": [b"1"]}), tmp_path / "label=cat" / "p.parquet")
    (tmp_path / "0.tar").write_bytes(b"no tar" * 200)
    (tmp_path / "2.parquet").write_bytes(b"no parquet")
    (tmp_path / "3.tar.gz").write_bytes(b"x")
    listing, found = list_inputs(tmp_path)
    assert {one.name: read_input(one) for one in found} == expected | {f"{tmp_path}/label=cat/p.parquet#0": b"1"}
    assert [(Path(name).name, reason.split(" (")[0].split(";")[0]) for name, reason in listing.unlisted] == [
        ("0.tar", "not a readable tar file"),
        ("2.parquet", "not a readable Parquet file"),
        ("3.tar.gz", "a compressed tar file"),
    ]


def test_tars_that_are_hidden_or_excluded_are_passed_over(odd: Path, tmp_path: Path) -> None:
    expected = webdataset(odd, tmp_path / "0.tar")
    for name in ("._0.tar", ".h.tar", "1.tar", "2.tar"):
        shutil.copy(tmp_path / "0.tar", tmp_path / name)
    (tmp_path / ".samekindignore").write_text("1.tar\n")
    assert read_all(tmp_path, exclude=["2.tar"]) == expected
    listing, found = list_inputs(tmp_path, ["2.tar"])
    assert list(found)
    assert listing.passed.sentences() == ["3 hidden files or folders", "2 excluded files or folders"]


def test_tars_beside_pictures_are_passed_over(odd: Path, tmp_path: Path) -> None:
    webdataset(odd, tmp_path / "backup.tar")
    (tmp_path / "a.png").write_bytes((odd / "one" / "00.png").read_bytes())
    listing, found = list_inputs(tmp_path)
    assert [one.name for one in found] == [str(tmp_path / "a.png")]
    assert listing.passed.sentences() == ["1 file that is no image (1 .tar)"]


@pytest.fixture
def memory(odd: Path) -> Iterator[str]:
    """The folder in fsspec's memory."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for name, image in pictures(odd).items():
        system.pipe(f"/shop/{Path(name).relative_to(odd)}", image)
    system.pipe("/shop/one/.hidden.png", b"x")
    yield "memory://shop"
    system.rm("/shop", recursive=True)


def test_an_address(odd: Path, memory: str, tmp_path: Path) -> None:
    expected = {f"memory:///shop/{Path(name).relative_to(odd)}": image for name, image in pictures(odd).items()}
    assert read_all(memory) == expected
    (tmp_path / "list.txt").write_text("\n".join(expected))
    assert read_all(tmp_path / "list.txt") == expected
    listing, found = list_inputs(memory, ["one/"])
    assert {one.address.split("/")[4] for one in found} == {"two"}
    assert listing.passed.sentences() == ["1 hidden file or folder", "14 excluded files or folders"]


def test_a_tar_behind_an_address(odd: Path, memory: str, tmp_path: Path) -> None:
    import fsspec

    expected = webdataset(odd, tmp_path / "000.tar")
    fsspec.filesystem("memory").pipe("/tars/000.tar", (tmp_path / "000.tar").read_bytes())
    assert list(read_all("memory://tars").values()) == list(expected.values())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"no parquet", "not a readable Parquet file"),
        ("a.tar", b"no tar" * 200, "not a readable tar file"),
        ("a.tgz", b"", "a compressed tar file; unpack it"),
        ("a.csv", b"label\nx\n", "path"),
    ],
)
def test_what_is_no_source_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        list(list_inputs(tmp_path / name)[1])
    assert str(tmp_path / name) in str(caught.value)


def test_a_source_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    for source in (tmp_path / "gone", "nosuch://bucket/photos"):
        with pytest.raises(DatasetError):
            list(list_inputs(source)[1])


def test_what_has_changed_since_it_was_listed_is_not_embedded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"12345")
    [one] = list_inputs(tmp_path)[1]
    assert read_input(one) == b"12345"
    path.write_bytes(b"54321")
    with pytest.raises(ImageError, match="has changed"):
        read_input(one)
    path.unlink()
    with pytest.raises(ImageError, match="No such file"):
        read_input(one)
    with pytest.raises(ImageError, match="has changed"):
        read_input(Input(str(tmp_path / "list.tar"), "a", 0, 5)._replace(address=str(_short(tmp_path))))


def _short(folder: Path) -> Path:
    (folder / "s.tar").write_bytes(b"123")
    return folder / "s.tar"
