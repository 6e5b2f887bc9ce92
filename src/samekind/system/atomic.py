"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from samekind.errors import ArgumentError
from samekind.system.file_kind import kind_of_file
from samekind.system.paths import refuse_no_path

OTHER_KIND = "a file of another kind lies there and stays; give another name, or move that file away"
# What a write may fail with, which names no file: the disk, the person's share of it, or the file is full.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def replacing(path: str | os.PathLike[str], *, own: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it over ``path`` on success, remove it on any failure.

    The rename is atomic, so a reader (or a crash, or Ctrl-C) finds the old file or the whole new one. A link is
    followed. What is no regular file (a pipe, /dev/stdout) cannot be replaced; the content is copied into it.

    Args:
        path: The file to write. Its folder is made if it is missing.
        own: Nobody gave the name: the file is the program's, in a folder of its own, and whatever lies there is worth
            nothing.

    Yields:
        A path in the same folder, with the same suffix, for the caller to write.

    Raises:
        ArgumentError: The path is empty, or no path.
        OSError: The path is a folder, or its folder cannot be written.
        FileExistsError: A file of another kind lies there: somebody gave a photograph or a letter as the name of a
            page or a model. It stays.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(f"{folder}/note.txt") as temporary:
        ...         _ = temporary.write_text("whole")
        ...     Path(folder, "note.txt").read_text()
        'whole'
    """
    refuse_no_path(path, ArgumentError)
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(target))
    if target.exists() and not target.is_file():
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(folder) / target.name
            yield copied
            with copied.open("rb") as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
        return
    target, temporary = _beside(target)
    try:
        yield temporary
        if not own:
            _refuse_other_kind(path, target, temporary)
        _flush_to_disk(temporary)
        temporary.chmod(_mode_of_open(target))  # mkstemp makes private files
        temporary.replace(target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and (error.errno in _FULL or error.filename == os.fspath(temporary)):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error  # the name that was asked for
        raise


def _refuse_other_kind(named: str | os.PathLike[str], target: Path, new: Path) -> None:
    old_kind = kind_of_file(target)
    if old_kind is not None and kind_of_file(new) != old_kind:
        raise FileExistsError(errno.EEXIST, OTHER_KIND, os.fspath(named))


def _beside(path: Path) -> tuple[Path, Path]:
    """What a path leads to, and a new temporary file beside it."""
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    except OSError as error:  # of the temporary file or a folder above, which nobody asked for
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    except RuntimeError as error:  # a link that leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path)) from error
    os.close(handle)
    return target, Path(name)


def _flush_to_disk(path: Path) -> None:
    """Without this a crash of the machine may leave the new name with none of its bytes."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _mode_of_open(target: Path) -> int:
    """The permissions that the file would have after open(): those it has, or else those of a new file."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
