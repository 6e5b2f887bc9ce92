"""The members of tar files, and where their bytes are. Where a tar file is damaged, it is read on behind the damage."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator

from samekind.errors import DatasetError
from samekind.shards.addresses import open_file, remote_errors

_BLOCK = tarfile.BLOCKSIZE


def members_of(address: str, note: Callable[[str], None]) -> Iterator[tuple[str, int, int]]:
    """The name of each file in a tar file, where it begins and its size; a hard link is its file by another name.

    Args:
        address: The tar file.
        note: Called with what is wrong, where a part cannot be read. What follows is read nevertheless.

    Raises:
        DatasetError: It is no tar file, is compressed, or cannot be read.
    """
    links: list[tuple[str, str]] = []
    for member in _headers(address, note):
        if member.issparse():
            note(f"{member.name} is stored as a sparse file, which cannot be read; pack it anew without --sparse")
        elif member.isfile():
            yield member.name, member.offset_data, member.size
        elif member.islnk():
            links.append((member.name, member.linkname))
    if not links:
        return
    targets = {target for _, target in links}  # these alone are held, of a million members
    again = _headers(address, lambda _: None)
    files = {member.name: member for member in again if member.isfile() and member.name in targets}
    for name, target in links:
        if target in files:
            yield name, files[target].offset_data, files[target].size
        else:
            note(f"{name} is a hard link to {target}, which is not in it")


def _headers(address: str, note: Callable[[str], None]) -> Iterator[tarfile.TarInfo]:
    try:
        with remote_errors(address), open_file(address) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            end, damaged, before = file.seek(0, os.SEEK_END), False, -1
            while True:
                try:
                    member = tar.next()
                except (tarfile.TarError, ValueError):
                    member = None
                tar.members = []  # type: ignore[attr-defined]  # of a million members none is to be held
                if member is not None and (member.size < 0 or tar.offset <= before):
                    note(f"is damaged within {member.name}; the pictures behind that are missing")
                    return
                before = tar.offset
                if member is not None:
                    stored = 0 if member.issparse() or not member.isfile() else member.size
                    if member.offset_data + stored > end:
                        note(f"is cut off within {member.name}; the pictures behind that are missing")
                        return
                    damaged = False
                    yield member
                    continue
                file.seek(tar.offset)  # tarfile takes a broken header for the end
                block = file.read(_BLOCK)
                if not block:
                    if not damaged:
                        note("has no mark of its end; it may be cut off")
                    return
                if not damaged:
                    if not any(block):
                        return
                    note(f"is damaged at byte {tar.offset:,}; it was read on behind that, but pictures may be missing")
                damaged = True
                tar.offset += _BLOCK
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(
            f"{address}: not a readable tar file ({error}); a compressed one is to be unpacked first"
        ) from error
