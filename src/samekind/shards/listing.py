"""Which images a source holds: a folder, a list, a table, tar files, here or behind an address. No image is opened."""

from __future__ import annotations

import os
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from samekind.datasets.manifest import SYNONYMS
from samekind.datasets.tables import read_rows, text_of
from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver, walk
from samekind.images.formats import has_image_suffix
from samekind.images.ignoring import Rules, is_hidden, is_system_folder
from samekind.shards.addresses import (
    file_system,
    is_address,
    list_folder,
    name_of,
    open_file,
    read_file,
    remote_errors,
    state_of,
    without_file_scheme,
)
from samekind.shards.inputs import Input
from samekind.shards.parquet_images import paths_of, rows_with_bytes
from samekind.system.paths import given_path, refuse_no_path

# The suffixes of files that name or hold images, rather than being one.
_LISTS, _TABLES, _TARS, _PARQUETS = (".txt", ".lst"), (".csv", ".tsv"), (".tar",), (".parquet",)
_HOLDERS = _LISTS + _TABLES + _TARS + _PARQUETS


@dataclass
class Listing:
    """What a source holds.

    Attributes:
        name: The source, as it was given.
        folder: The folder, if it is one of this machine.
        passed: What is passed over; it is complete when the images have been listed.
    """

    name: str
    folder: Path | None = None
    passed: PassedOver = field(default_factory=PassedOver)


def list_inputs(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], exclude: Sequence[str] = ()
) -> tuple[Listing, Iterator[Input]]:
    """What a source holds, in no order.

    Args:
        source: A folder of images, or of tar or Parquet files; a list (``.txt``, a path or an address on each line); a
            CSV or a Parquet file with a column of paths or addresses; a Parquet file with a column of encoded images; a
            tar file; an image; each of these by its path or its address. Or any number of paths and addresses.
        exclude: Patterns in gitignore's form, relative to the folder, of what to pass over.

    Raises:
        DatasetError: There is no such source, it cannot be read, or a pattern is none.
        MissingExtraError: An address needs fsspec, a Parquet file pyarrow.
    """
    if not isinstance(source, str | os.PathLike):
        return Listing("<paths>"), (_single(one, "") for one in _each(source))
    refuse_no_path(source, DatasetError)
    given = without_file_scheme(os.fspath(source))
    listing = Listing(given)
    if is_address(given):
        file_system(given)  # what is not installed is known at once
        if name_of(given).lower().endswith(_HOLDERS) or has_image_suffix(name_of(given)):
            return listing, _of_file(given)
        return listing, _of_address(given, listing.passed, exclude)
    path = given_path(given, DatasetError)
    if path.is_dir():
        listing.folder = path.resolve()
        return listing, _of_folder(listing.folder, listing.passed, exclude)
    if not path.is_file():
        raise DatasetError(f"{given}: no such file or folder")
    return listing, _of_file(str(path.absolute()))


def _each(paths: Iterable[str | os.PathLike[str]]) -> Iterable[str]:
    """Paths and addresses as text; those of a list are looked at before any is used."""
    if not isinstance(paths, Iterable) or isinstance(paths, bytes | Mapping):
        raise DatasetError(f"give a path, an address, or a list of such, not one {type(paths).__name__}")
    each = map(_as_text, paths)
    return each if isinstance(paths, Iterator) else list(each)


def _as_text(path: str | bytes | os.PathLike[str]) -> str:
    path = os.fsdecode(path) if isinstance(path, bytes) else path
    refuse_no_path(path, DatasetError)
    return os.fspath(path)


def _of_folder(folder: Path, passed: PassedOver, exclude: Sequence[str]) -> Iterator[Input]:
    empty = True
    try:
        for image in walk(folder, passed, exclude=exclude):
            empty = False
            yield Input(os.path.normpath(image.path), size=image.size, mtime_ns=image.mtime_ns)
        holders = sorted(file for file in folder.iterdir() if file.suffix.lower() in _TARS + _PARQUETS)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    if empty:
        for file in holders:
            passed.other[file.suffix.lower()] -= 1
            yield from _of_file(str(file))


def _of_address(address: str, passed: PassedOver, exclude: Sequence[str]) -> Iterator[Input]:
    rules, holders, empty = Rules().excluding(exclude), [], True
    for file, name, size, mtime_ns in list_folder(address):
        *folders, last = name.split("/")
        if any(map(is_hidden, (*folders, last))):
            passed.hidden += 1
        elif any(map(is_system_folder, folders)):
            passed.system[next(filter(is_system_folder, folders))] += 1
        elif rules.exclude(name, folder=False) or _within_excluded(rules, folders):
            passed.excluded += 1
        elif has_image_suffix(last):
            empty = False
            yield Input(file, size=size, mtime_ns=mtime_ns)
        else:
            holders += [file] if last.lower().endswith(_TARS + _PARQUETS) and not folders else []
            passed.other[PurePosixPath(last).suffix.lower()] += 1
    for file in sorted(holders) if empty else ():
        passed.other[PurePosixPath(name_of(file)).suffix.lower()] -= 1
        yield from _of_file(file)


def _within_excluded(rules: Rules, folders: Sequence[str]) -> bool:
    return any(rules.exclude("/".join(folders[:depth]), folder=True) for depth in range(1, len(folders) + 1))


def _of_file(address: str) -> Iterator[Input]:
    name, where = name_of(address).lower(), _folder_of(address)
    if name.endswith(_TARS):
        yield from _of_tar(address)
    elif name.endswith(_PARQUETS):
        count = rows_with_bytes(address)
        mtime_ns = state_of(address)[1]
        if count is None:
            yield from (_single(path, where) for path in paths_of(address))
        else:
            yield from (Input(address, str(row), row, mtime_ns=mtime_ns) for row in range(count))
    elif name.endswith(_LISTS):
        yield from (_single(line, where) for line in _lines(address))
    elif name.endswith(_TABLES):
        if is_address(address):
            raise DatasetError(f"{address}: download it, or make it a list (.txt) or a Parquet file")
        _, rows = read_rows(Path(address), ["path"], SYNONYMS)
        yield from (_single(row["path"].strip(), where) for _, row in rows)
    else:
        yield _single(address, "")


def _of_tar(address: str) -> Iterator[Input]:
    """The images of a tar file, as WebDataset keeps them; other members are what belongs to them."""
    mtime_ns = state_of(address)[1]
    try:
        with remote_errors(address), open_file(address) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                if member.isfile() and has_image_suffix(member.name) and not is_hidden(posixpath.basename(member.name)):
                    yield Input(address, member.name, member.offset_data, member.size, mtime_ns)
                tar.members = []  # type: ignore[attr-defined]  # of a million members none is to be held
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{address}: not a readable tar file ({error}); compressed ones cannot be read") from error


def _lines(address: str) -> Iterator[str]:
    try:
        text = text_of(read_file(address), address)
    except OSError as error:
        raise DatasetError(f"{address}: cannot be read ({error.strerror or error})") from error
    return (line.strip() for line in text.split("\n") if line.strip())  # a name may have other ends of lines in it


def _folder_of(address: str) -> str:
    return address.rpartition("/")[0] if is_address(address) else os.path.dirname(address)  # noqa: PTH120 - or an address


def _single(given: str, folder: str) -> Input:
    """An image by its path or address, relative to the folder of the list that names it."""
    given = without_file_scheme(given)
    if is_address(given):  # a list may name a million: none is asked for before its time
        return Input(given)
    if is_address(folder):
        return Input(f"{folder}/{given}")
    address = os.path.abspath(Path(folder) / _at_home(given))  # noqa: PTH100 - links are left as they are
    size, mtime_ns = state_of(address)
    return Input(address, size=size, mtime_ns=mtime_ns)


def _at_home(given: str) -> Path:
    """A path with its ``~`` expanded; a name may begin with one that is nobody's home."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)
