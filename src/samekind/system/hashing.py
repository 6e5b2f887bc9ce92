"""SHA-256 of files, by which the same bytes are known under any name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from samekind.errors import DatasetError


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        DatasetError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def content_hashes(paths: Iterable[Path]) -> tuple[dict[Path, str], list[str]]:
    """``content_hash`` of each file that can be read, and messages about the others."""
    hashes, unreadable = {}, []
    for path in paths:
        try:
            hashes[path] = content_hash(path)
        except DatasetError as error:
            unreadable.append(str(error))
    return hashes, unreadable


def split_digest(hashes: Iterable[str]) -> str:
    """One SHA-256 for a set of images, whatever their names and order: it tells whether two sets are the same.

    Example:
        >>> split_digest(["b", "a"]) == split_digest(["a", "b"])
        True
    """
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
