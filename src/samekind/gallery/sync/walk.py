"""The image files of a folder as the gallery names them, and what of it cannot be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samekind.errors import GalleryError
from samekind.images.folder_contents import PassedOver, walk


@dataclass(frozen=True)
class Walk:
    """A walk through a folder and its subfolders, by the rule of ``images.folder_contents``; iterate over it once.

    Args:
        folder: The folder.
        prefix: What its images' paths begin with in the gallery.
        exclude: Patterns in gitignore's form of what to pass over.

    Attributes:
        passed: What was passed over, after the iteration.
    """

    folder: Path
    prefix: str
    exclude: Sequence[str] = ()
    passed: PassedOver = field(default_factory=PassedOver, init=False)

    @property
    def unlisted(self) -> list[tuple[str, str]]:
        """What could not be looked at, and why: paths as the gallery has them, of folders with a slash at their end.

        What lies there may or may not be as it was.
        """
        return [
            (self.prefix + name, f"cannot be {'listed' if name.endswith('/') else 'looked at'} ({reason})")
            for name, reason in self.passed.unlisted
        ]

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        """Each image file: its path as the gallery has it, its size, its time.

        Raises:
            GalleryError: The folder itself cannot be listed.
        """
        try:
            for image in walk(self.folder, self.passed, exclude=self.exclude):
                yield os.fsencode(self.prefix + image.name), image.size, image.mtime_ns
        except FileNotFoundError as error:
            raise GalleryError(f"{self.folder}: no such folder") from error
        except OSError as error:
            raise GalleryError(f"{self.folder}: cannot be listed ({error.strerror})") from error
