"""What a folder holds beside its owner's pictures: thumbnails of network drives, recycle bins, and what is excluded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samekind.errors import DatasetError

IGNORE_FILE = ".samekindignore"
_GALLERYS_OWN = re.compile(r"\.samekind(-wal|-shm|-journal|\.lock|\.writer|\.[^.]+\.(faiss|rows))?$")

# Folders that a system makes, by their names in lower case. Hidden ones need not be named.
_SYSTEM_FOLDERS = frozenset(
    {
        *("@eadir", "#recycle", "#snapshot", "@tmp"),  # Synology
        *("@recycle", "@recently-snapshot", "@thumb", "@__thumb"),  # QNAP
        *("$recycle.bin", "recycler", "recycled", "system volume information"),  # Windows
        *("lost+found", "found.000"),  # what a check of the disk found
        *("__macosx", "network trash folder", "temporary items"),  # macOS
        "removed-by-samekind",  # what a plan has removed
    }
)


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot, as ``.thumbnails``, ``.Trash-1000`` and ``._IMG_1.jpg`` do."""
    return name.startswith(".")


def is_gallerys_own(name: str) -> bool:
    """Whether a file is a gallery, or one of those that lie beside it: nobody misses these among the pictures.

    Example:
        >>> [is_gallerys_own(name) for name in ("photos.samekind", "photos.samekind-wal", "photos.samekind.1-a.faiss")]
        [True, True, True]
        >>> is_gallerys_own("photos.samekind.jpg")
        False
    """
    return bool(_GALLERYS_OWN.search(name))


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name is a system's, not a person's.

    Example:
        >>> [is_system_folder(name) for name in ("@eaDir", "$RECYCLE.BIN", "2023")]
        [True, True, False]
    """
    return name.lower() in _SYSTEM_FOLDERS


@dataclass(frozen=True)
class Rules:
    """Patterns in the form of gitignore, each set for the paths below one folder; a later set goes before an earlier.

    Attributes:
        sets: The folder that the patterns are relative to, within the walk's (``""`` or ``a/b/``), and the patterns.
    """

    sets: tuple[tuple[str, Any], ...] = ()

    def below(self, prefix: str, folder: Path) -> Rules:
        """With the patterns of a ``.samekindignore`` in the folder, if there is one.

        Raises:
            DatasetError: It cannot be read, or one of its patterns is none.
        """
        file = folder / IGNORE_FILE
        try:
            lines = file.read_text("utf-8-sig", errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return self
        except OSError as error:
            raise DatasetError(f"{file}: cannot be read ({error.strerror})") from error
        return Rules((*self.sets, (prefix, _patterns(lines, str(file)))))

    def excluding(self, patterns: str | Sequence[str]) -> Rules:
        """With patterns that a person gave.

        Raises:
            DatasetError: One is none.
        """
        listed = [patterns] if isinstance(patterns, str) else patterns
        return Rules((*self.sets, ("", _patterns(listed, "--exclude")))) if listed else self

    def exclude(self, path: str, *, folder: bool) -> bool:
        """Whether a path is to be passed over.

        Args:
            path: Relative to the walk's folder, with forward slashes.
            folder: Whether it is one.
        """
        for prefix, patterns in reversed(self.sets):
            if path.startswith(prefix):
                decided = patterns.check_file(path[len(prefix) :] + "/" * folder).include
                if decided is not None:
                    return bool(decided)
        return False


def _patterns(lines: Sequence[str], where: str) -> Any:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most folders have no patterns

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise DatasetError(f"{where}: not a pattern in gitignore's form ({error})") from error
