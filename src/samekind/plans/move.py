"""Moving one file, so that at every moment one of the two names has all of it, and nothing is written over."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

# What a file system answers that has no hard links, or does not allow them.
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


def content(path: Path) -> tuple[int, str]:
    """The size of a file in bytes and the SHA-256 of its bytes, in hexadecimal. A link is not followed.

    Raises:
        OSError: It cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0))
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle, not a path
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def is_file(path: Path) -> bool:
    """Whether a name is a regular file's, and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def move_file(source: Path, target: Path, sha256: str) -> None:
    """Move a file to a new name: within a file system by rename, across by a copy that is proved first.

    Args:
        source: The file.
        target: Its new name, in a folder that is there.
        sha256: The hash of its bytes.

    Raises:
        FileExistsError: The target exists.
        OSError: It cannot be moved; it is where it was.
    """
    try:
        _rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target, sha256)
    sync_folder(target.parent)
    sync_folder(source.parent)


def half_copy(target: Path, sha256: str) -> Path:
    """What a copy to a target is called until it is whole."""
    return target.with_name(f".samekind-{sha256[:16]}.partial")


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system has a way to ask for it and allows it."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _rename_new(source: Path, target: Path) -> None:
    """A rename that fails where the target exists. On POSIX a rename proper would write over it."""
    if sys.platform != "win32":
        try:
            os.link(source, target, follow_symlinks=os.link not in os.supports_follow_symlinks)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            _unlink_first_name(source, target)
            return
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
    source.rename(target)


def _copy_across(source: Path, target: Path, sha256: str) -> None:
    half = half_copy(target, sha256)
    half.unlink(missing_ok=True)
    before = source.stat()
    try:
        with source.open("rb") as reader, half.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copystat(source, half)
        _prove_copy(source, before, half, sha256)
        _rename_new(half, target)
    except BaseException:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    _unlink_first_name(source, target)


def _prove_copy(source: Path, before: os.stat_result, copy: Path, sha256: str) -> None:
    after = source.stat()
    unchanged = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if content(copy)[1] != sha256 or not unchanged:
        raise OSError(errno.EIO, "its copy differs, or it changed meanwhile", os.fspath(source))


def _unlink_first_name(source: Path, target: Path) -> None:
    """The last step of a move: of two names of the same bytes the old one goes, or else the new one."""
    try:
        source.unlink()
    except OSError:
        target.unlink()
        raise
