"""Files behind addresses such as ``s3://shop/photos``, through fsspec (extra ``remote``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from samekind.errors import DatasetError, MissingExtraError, SamekindError
from samekind.system.passwords import without_passwords

# Two letters at least, for one is a drive of Windows.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_OF_THIS_MACHINE = re.compile(r"file://(?:localhost)?(/.*)", re.IGNORECASE | re.DOTALL)
# When a file was last written, as file systems call it.
_TIMES = ("mtime", "LastModified", "last_modified", "Last-Modified", "updated", "created")


def is_address(text: str) -> bool:
    """Whether a text is an address, of which fsspec knows the file system, and no path.

    Example:
        >>> [is_address(text) for text in ("s3://shop/cat.jpg", "photos/cat.jpg", "C:/photos")]
        [True, False, False]
    """
    return bool(_ADDRESS.match(text))


def without_file_scheme(text: str) -> str:
    """The path of ``file:///photos``; all else as it is.

    Example:
        >>> without_file_scheme("file:///photos/a%20b.jpg"), without_file_scheme("s3://shop/a%20b.jpg")
        ('/photos/a b.jpg', 's3://shop/a%20b.jpg')
    """
    found = _OF_THIS_MACHINE.fullmatch(text)
    return url2pathname(found[1]) if found else text


def name_of(address: str) -> str:
    """The last part of a path or an address, without what a server is asked beside it."""
    return os.path.basename(urlsplit(address).path if is_address(address) else address)  # noqa: PTH119 - no path


def folder_of(address: str) -> str:
    """The folder of a file, by its path or its address."""
    return address.rpartition("/")[0] if is_address(address) else os.path.dirname(address)  # noqa: PTH120 - or an address


def address_in(folder: str, given: str) -> str:
    """The absolute path or the address of what a file names: a path, relative to that file's folder, or an address."""
    given = without_file_scheme(given)
    if is_address(given):
        return given
    if is_address(folder):
        return f"{folder}/{given}"
    return os.path.abspath(Path(folder) / _at_home(given))  # noqa: PTH100 - links are left as they are


def _at_home(given: str) -> Path:
    """A path with its ``~`` expanded; a name may begin with one that is nobody's home."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        MissingExtraError: fsspec is not installed.
        DatasetError: fsspec knows no such file system, its package is not installed, or it cannot be reached.
    """
    if find_spec("fsspec") is None:
        raise MissingExtraError("remote", "fsspec")
    import fsspec  # noqa: PLC0415 - an extra of its own

    try:
        return fsspec.core.url_to_fs(address, **_patience(address))  # type: ignore[no-any-return]
    except Exception as error:  # as below
        raise DatasetError(f"{without_passwords(address)}: cannot be read ({error})") from error


def _patience(address: str) -> dict[str, Any]:
    """What an HTTP client is told of waiting: a server may be slow, but must say something."""
    if not address.lower().startswith(("http://", "https://")) or find_spec("aiohttp") is None:
        return {}
    import aiohttp  # noqa: PLC0415 - an extra of its own

    return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)}}


@contextmanager
def remote_errors(address: str) -> Iterator[None]:
    """What is raised in the block for an address, as an OSError: the packages behind fsspec raise what they like."""
    try:
        yield
    except (SamekindError, OSError):
        raise
    except Exception as error:
        if not is_address(address):
            raise
        raise OSError(f"{type(error).__name__}: {error}") from error


def open_file(address: str) -> BinaryIO:
    """A file to read, by its path or its address.

    Raises:
        OSError: It cannot be opened.
        MissingExtraError: As ``file_system``.
        DatasetError: As ``file_system``.
    """
    if not is_address(address):
        return Path(address).open("rb")
    system, path = file_system(address)
    with remote_errors(address):
        return system.open(path, "rb")  # type: ignore[no-any-return]


def read_file(address: str) -> bytes:
    """All of a file, by its path or its address.

    Raises:
        OSError: It cannot be read.
        MissingExtraError: As ``file_system``.
        DatasetError: As ``file_system``.
    """
    if not is_address(address):
        return Path(address).read_bytes()
    system, path = file_system(address)
    with remote_errors(address):
        return system.cat_file(path)  # type: ignore[no-any-return]


def list_folder(address: str) -> Iterator[tuple[str, str, int, int]]:
    """The files of a folder and its subfolders behind an address.

    Yields:
        The address of each, its path within the folder, its size in bytes and when it was last written, in nanoseconds
        since 1970 (-1 and 0 where the file system does not tell).

    Raises:
        DatasetError: It cannot be listed, or there is nothing.
    """
    system, root = file_system(address)
    try:
        with remote_errors(address):
            files = system.find(root, detail=True)
    except OSError as error:
        raise DatasetError(f"{without_passwords(address)}: cannot be listed ({error})") from error
    if not files:
        raise DatasetError(f"{without_passwords(address)}: no such file or folder, or nothing in it")
    for path, about in files.items():
        name = path.removeprefix(root).lstrip("/") or name_of(path)
        yield system.unstrip_protocol(path), name, _size_of(about), _time_of(about)


def state_of(address: str) -> tuple[int, int]:
    """The size of one file and when it was last written, as ``list_folder`` gives them; -1 and 0 where nobody knows."""
    try:
        if not is_address(address):
            status = Path(address).stat()
            return status.st_size, status.st_mtime_ns
        system, path = file_system(address)
        with remote_errors(address):
            about = system.info(path)
    except (OSError, ValueError):  # a list may name what can be no path
        return -1, 0
    return _size_of(about), _time_of(about)


def _size_of(about: dict[str, Any]) -> int:
    size = about.get("size")
    return -1 if size is None else int(size)


def _time_of(about: dict[str, Any]) -> int:
    for name in _TIMES:
        value = about.get(name)
        if isinstance(value, datetime):
            return round(value.timestamp() * 1e6) * 1000
        if isinstance(value, int | float):
            return round(value * 1e6) * 1000
        if name == "Last-Modified" and value:  # of HTTP, a text
            with suppress(TypeError, ValueError):
                return int(parsedate_to_datetime(str(value)).timestamp()) * 10**9
    return 0
