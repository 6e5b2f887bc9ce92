"""The system's trash: putting a file there, and on Linux finding it again."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from samekind.plans.move import content

_BY_HAND = {
    "darwin": "open the Trash, select them and choose Put Back",
    "win32": "open the Recycle Bin, select them and choose Restore",
}
_FIXED_DRIVE = 3


def how_by_hand() -> str:
    """How a person gets files back from the trash of this system."""
    return _BY_HAND.get(sys.platform, "open the trash, select them and choose Restore")


def send_to_trash(path: Path) -> None:
    """Move a file to the system's trash.

    Raises:
        OSError: The system cannot, or it would delete the file for good.
    """
    from send2trash import send2trash  # noqa: PLC0415 - an extra that nothing else here needs

    if sys.platform == "win32" and ctypes.windll.kernel32.GetDriveTypeW(path.resolve().anchor) != _FIXED_DRIVE:
        raise OSError(None, "its drive has no recycle bin; without --trash it is moved to a folder", os.fspath(path))
    send2trash(_real(path))


def find_in_trash(path: Path, size: int, sha256: str) -> tuple[Path, Path] | None:
    """A file in the freedesktop trash, and the note that says where it was.

    Args:
        path: Where it was.
        size: In bytes.
        sha256: The hash of its bytes.

    Returns:
        The file and its ``.trashinfo``; None where the trash has no such file or is of another kind.
    """
    wanted = _real(path)
    for trash, top in _trashes(path):
        for info in sorted((trash / "info").glob("*.trashinfo")):
            file = trash / "files" / info.stem
            if _noted_path(info, top) == wanted and file.is_file() and content(file) == (size, sha256):
                return file, info
    return None


def _trashes(path: Path) -> Iterator[tuple[Path, Path]]:
    """The folders that may be the trash of a file, each with what relative paths in it start from."""
    if sys.platform in {"darwin", "win32"}:
        return
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    yield data / "Trash", data
    place = path.parent.resolve()
    while not place.is_mount():
        place = place.parent
    yield place / ".Trash" / str(os.getuid()), place
    yield place / f".Trash-{os.getuid()}", place


def _real(path: Path) -> Path:
    """A file's one path: without links in the folders above it."""
    return path.parent.resolve() / path.name


def _noted_path(info: Path, top: Path) -> Path | None:
    try:
        lines = info.read_bytes().splitlines()
    except OSError:  # it was emptied just now
        return None
    for line in lines:
        if line.startswith(b"Path="):
            return _real(top / os.fsdecode(unquote_to_bytes(line[5:])))
    return None
