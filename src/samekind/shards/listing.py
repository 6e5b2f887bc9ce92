"""Which images a source holds: a folder, a list, a table, tar files, here or behind an address. No image is opened."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from samekind.datasets.manifest import SYNONYMS
from samekind.datasets.tables import read_rows, text_of
from samekind.errors import DatasetError
from samekind.images.folder_contents import PassedOver, walk
from samekind.images.formats import has_image_suffix
from samekind.images.ignoring import Rules, is_hidden, is_system_folder
from samekind.shards.addresses import (
    address_in,
    file_system,
    folder_of,
    is_address,
    list_folder,
    name_of,
    read_file,
    state_of,
    without_file_scheme,
)
from samekind.shards.folder import MANIFEST, is_shard_folder
from samekind.shards.inputs import Input
from samekind.shards.parquet_images import PATHS, paths_of, rows_with_bytes
from samekind.shards.tar_images import members_of
from samekind.system.paths import given_path, refuse_no_path

# The suffixes of files that name or hold images, rather than being one.
_LISTS, _TABLES, _TARS, _PARQUETS = (".txt", ".lst"), (".csv", ".tsv"), (".tar",), (".parquet",)
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_PACKED = _TARS + _PARQUETS + _COMPRESSED
_HOLDERS = _LISTS + _TABLES + _PACKED


@dataclass
class Listing:
    """What a source holds.

    Attributes:
        name: The source, as it was given.
        folder: The folder, if it is one of this machine.
        passed: What is passed over; it is complete when the images have been listed.
        unlisted: Folders and files that could not be looked at or read in whole, and why; complete at the same time.
    """

    name: str
    folder: Path | None = None
    passed: PassedOver = field(default_factory=PassedOver)
    unlisted: list[tuple[str, str]] = field(default_factory=list)

    def emptiness(self) -> DatasetError:
        """The error of a source without images, which says what was found instead."""
        wrong = [f"{name}: {reason}" for name, reason in self.unlisted]
        found = f" (passed over: {', '.join(passed)})" if (passed := self.passed.sentences()) else ""
        return DatasetError("; ".join([f"{self.name}: holds no images{found}", *wrong]))


def list_inputs(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], exclude: Sequence[str] = ()
) -> tuple[Listing, Iterator[Input]]:
    """What a source holds, in no order.

    Args:
        source: A folder of images, or of tar or Parquet files, subfolders too; a list (``.txt``, a path or an address
            on each line); a CSV or a Parquet file with a column of paths or addresses; a Parquet file with a column of
            encoded images; a tar file; an image; each of these by its path or its address. Or any number of paths and
            addresses.
        exclude: Patterns in gitignore's form, relative to the folder, of what to pass over.

    Raises:
        DatasetError: There is no such source, it cannot be read, or a pattern is none. A broken tar or Parquet file in
            a folder is noted in ``Listing.unlisted`` instead.
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
            return listing, _of_file(given, listing)
        return listing, _of_address(given, listing, exclude)
    path = given_path(given, DatasetError)
    if path.is_dir():
        listing.folder = path.resolve()
        return listing, _of_folder(listing.folder, listing, exclude)
    if not path.is_file():
        raise DatasetError(f"{given}: no such file or folder")
    return listing, _of_file(str(path.absolute()), listing)


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


def _of_folder(folder: Path, listing: Listing, exclude: Sequence[str]) -> Iterator[Input]:
    empty, packed = True, list[str]()
    try:
        for file in walk(folder, listing.passed, exclude=exclude, also=_PACKED):
            if file.name.lower().endswith(_PACKED):
                packed.append(os.path.normpath(file.path))
                continue
            empty = False
            yield Input(os.path.normpath(file.path), size=file.size, mtime_ns=file.mtime_ns)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    listing.unlisted += [(str(folder / name), f"cannot be looked at ({why})") for name, why in listing.passed.unlisted]
    of_shards = set(filter(is_shard_folder, set(map(folder_of, packed))))
    yield from _of_packed(packed, listing, of_shards, beside=not empty)


def _of_address(address: str, listing: Listing, exclude: Sequence[str]) -> Iterator[Input]:
    rules, packed, empty, passed = Rules().excluding(exclude), list[str](), True, listing.passed
    of_shards = set[str]()  # a shard would be taken for a list of the paths that it names
    for file, name, size, mtime_ns in list_folder(address):
        *folders, last = name.split("/")
        if last == MANIFEST:
            of_shards.add(folder_of(file))
        if any(map(is_hidden, (*folders, last))):
            passed.hidden += 1
        elif any(map(is_system_folder, folders)):
            passed.system[next(filter(is_system_folder, folders))] += 1
        elif rules.exclude(name, folder=False) or _within_excluded(rules, folders):
            passed.excluded += 1
        elif has_image_suffix(last):
            empty = False
            yield Input(file, size=size, mtime_ns=mtime_ns)
        elif last.lower().endswith(_PACKED):
            packed.append(file)
        else:
            passed.other[PurePosixPath(last).suffix.lower()] += 1
    yield from _of_packed(packed, listing, of_shards, beside=not empty)


def _of_packed(files: list[str], listing: Listing, of_shards: Container[str], *, beside: bool) -> Iterator[Input]:
    """The images in a folder's tar and Parquet files, but for shards and those beside images. A broken one is noted."""
    for file in sorted(files):
        if beside or folder_of(file) in of_shards:
            listing.passed.other[PurePosixPath(name_of(file)).suffix.lower()] += 1
            continue
        try:
            yield from _of_file(file, listing)
        except DatasetError as error:
            listing.unlisted.append((file, str(error).removeprefix(f"{file}: ")))


def _within_excluded(rules: Rules, folders: Sequence[str]) -> bool:
    return any(rules.exclude("/".join(folders[:depth]), folder=True) for depth in range(1, len(folders) + 1))


def _of_file(address: str, listing: Listing) -> Iterator[Input]:
    name, where = name_of(address).lower(), folder_of(address)
    if name.endswith(_COMPRESSED):
        raise DatasetError(f"{address}: a compressed tar file; unpack it into a folder, or into a .tar")
    if name.endswith(_TARS):
        yield from _of_tar(address, listing)
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
        _, rows = read_rows(Path(address), ["path"], SYNONYMS | {"path": PATHS[1:]})
        yield from (_single(row["path"].strip(), where) for _, row in rows)
    else:
        yield _single(address, "")


def _of_tar(address: str, listing: Listing) -> Iterator[Input]:
    """The images of a tar file, as WebDataset keeps them; other members are what belongs to them."""
    mtime_ns = state_of(address)[1]
    for name, place, size in members_of(address, lambda wrong: listing.unlisted.append((address, wrong))):
        if has_image_suffix(name):
            if is_hidden(posixpath.basename(name)):
                listing.passed.hidden += 1
            else:
                yield Input(address, name, place, size, mtime_ns)


def _lines(address: str) -> Iterator[str]:
    try:
        text = text_of(read_file(address), address)
    except OSError as error:
        raise DatasetError(f"{address}: cannot be read ({error.strerror or error})") from error
    return (line.strip() for line in text.split("\n") if line.strip())  # a name may have other ends of lines in it


def _single(given: str, folder: str) -> Input:
    """An image by its path or address, relative to the folder of the list that names it."""
    address = address_in(folder, given)
    if is_address(address):  # a list may name a million: none is asked for before its time
        return Input(address)
    size, mtime_ns = state_of(address)
    return Input(address, size=size, mtime_ns=mtime_ns)
