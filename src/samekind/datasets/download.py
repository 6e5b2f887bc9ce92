"""Fetching one large file: checked, whole or not at all, and resumed after a break."""

from __future__ import annotations

import hashlib
import re
import time
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from samekind.errors import DatasetError
from samekind.progress import Progress
from samekind.system.disk import shortage

_CHUNK = 1 << 16  # little is lost when a slow connection is interrupted
_SECONDS_OF_SILENCE = 30
# A connection that breaks is taken up again at once; one that brings nothing new, so many times, a little later.
_PATIENCE = (1.0, 3.0, 9.0)


class _BrokenOff(Exception):  # noqa: N818 - not an error: it is taken up again
    """The connection ended before the file did."""


def download(
    url: str,
    path: Path,
    md5: str,
    *,
    leave_free: float = 0.0,
    on_progress: Progress | None = None,
) -> None:
    """Fetch a file over HTTP. What a break leaves behind, in ``PATH.part``, is gone on with, also by the next call.

    A server that knows no ranges sends all of it again. A file that is there with the right checksum is left as it is.

    Args:
        url: ``http`` or ``https``.
        path: The file to write; it appears only when it is whole and its checksum right.
        md5: Its checksum, in hexadecimal. (MD5 is what the publishers give; it finds damage, not malice.)
        leave_free: Refuse to start where the disk has not room for the file and this many times its size besides.
        on_progress: Called with ("download, MB", megabytes there so far, of the whole).

    Raises:
        DatasetError: The server cannot be reached or has no such file, the checksum is wrong (then what came is
            removed), or the disk has too little room.
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and _md5(path) == md5:
        return
    partial = path.with_name(path.name + ".part")
    failures = 0
    while True:
        before = _size(partial)
        try:
            _go_on(url, partial, leave_free, on_progress)
            break
        except _BrokenOff as why:
            failures = 0 if _size(partial) > before else failures + 1
            if failures > len(_PATIENCE):
                kept = f"; {_size(partial) / 1e6:,.0f} MB are kept, and the same command goes on from there"
                raise DatasetError(f"{url}: {why}{kept if _size(partial) else ''}") from None
            if failures:
                time.sleep(_PATIENCE[failures - 1])
    if (found := _md5(partial)) != md5:
        partial.unlink()
        raise DatasetError(f"{url}: what came has the MD5 {found}, not {md5}, and was removed; try again")
    partial.replace(path)


def _go_on(url: str, partial: Path, leave_free: float, on_progress: Progress | None) -> None:
    """Fetch what is missing of a partial file; a ``_BrokenOff`` if the connection does not last."""
    have = _size(partial)
    response = _ask(url, have)
    if response is None:
        return
    with response:
        start, total = _where(response)
        if start not in {0, have}:
            raise DatasetError(f"{url}: the server sent another part of the file than was asked for")
        if short := shortage(partial.parent, total * (1 + leave_free) - start):
            raise DatasetError(f"{short}; make room, or name a folder on another disk")
        with partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := _read(response):
                file.write(chunk)
                if on_progress:
                    on_progress("download, MB", file.tell() // 10**6, max(total, file.tell(), 10**6) // 10**6)
            done = file.tell()
    if done < total:  # http.client ends such a body like any other
        raise _BrokenOff(f"the connection broke off at {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")


def _ask(url: str, have: int) -> Any:
    """The response with what is beyond the first ``have`` bytes, or with all; None if nothing is beyond."""
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - no user's URL
    try:
        return urlopen(request, timeout=_SECONDS_OF_SILENCE)  # noqa: S310
    except HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None  # it is whole already, or another file; the checksum tells
        if error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _BrokenOff(f"the server has trouble ({error.code} {error.reason})") from None
        raise DatasetError(f"{url}: the server does not give it ({error.code} {error.reason})") from None
    except (OSError, HTTPException) as error:
        raise _BrokenOff(f"cannot be fetched ({getattr(error, 'reason', error)})") from None


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_CHUNK))
    except (OSError, HTTPException) as error:
        raise _BrokenOff(f"the connection broke off ({error!r})") from None


def _where(response: Any) -> tuple[int, int]:
    """Where the body begins in the file, and how long the file is (0 if the server does not say)."""
    matched = re.match(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if response.status == HTTPStatus.PARTIAL_CONTENT and matched:
        return int(matched[1]), int(matched[2])
    return 0, int(response.headers.get("Content-Length", 0))


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
