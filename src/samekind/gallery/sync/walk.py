"""Which image files lie under a folder, and what of it cannot be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from samekind.datasets.folders import IMAGE_SUFFIXES
from samekind.errors import GalleryError
from samekind.plans import REMOVAL_FOLDER


@dataclass
class Walk:
    """A walk through a folder and its subfolders; iterate over it once.

    Hidden files and folders are passed over, and so is what a plan has removed.

    Args:
        folder: The folder.
        prefix: The beginning of its images' paths in the gallery.

    Attributes:
        unlisted: The paths that could not be looked at, as the gallery has them and of folders with a slash at their
            end, and why. What lies there may or may not be as it was.
    """

    folder: Path
    prefix: str
    unlisted: list[tuple[str, str]] = field(default_factory=list, init=False)

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        """Each image file: its path as the gallery has it, its size, its time.

        Raises:
            GalleryError: The folder itself cannot be listed.
        """
        top = os.fspath(self.folder)
        waiting = [(top, self.prefix)]
        while waiting:
            place, inner = waiting.pop()
            try:
                entries = list(os.scandir(place))
            except OSError as error:
                if place == top:
                    reason = "no such folder" if isinstance(error, FileNotFoundError) else _cannot("listed", error)
                    raise GalleryError(f"{place}: {reason}") from error
                self._note(inner, "listed", error)
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name == REMOVAL_FOLDER:
                    continue
                name = inner + entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, f"{name}/"))
                    elif PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                        status = entry.stat()
                        yield os.fsencode(name), status.st_size, status.st_mtime_ns
                except OSError as error:
                    self._note(name, "looked at", error)

    def _note(self, name: str, what: str, error: OSError) -> None:
        # What went away just now is gone, and its images with it.
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            self.unlisted.append((name, _cannot(what, error)))


def _cannot(what: str, error: OSError) -> str:
    return f"cannot be {what} ({error.strerror})"
