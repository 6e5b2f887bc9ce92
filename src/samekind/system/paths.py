"""Paths as people give them and as lists write them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

from samekind.errors import SamekindError
from samekind.system.passwords import without_passwords

# A file name need not be UTF-8; surrogates carry its bytes through a list and back.
ENCODING_ERRORS = "surrogateescape"

# Two letters at least before the colon, for one is a drive of Windows.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}[^/]", re.IGNORECASE)
_DATABASE = re.compile(r"postgres(ql)?://", re.IGNORECASE)


def refuse_no_path(path: object, error: type[SamekindError]) -> None:
    """Make sure that a value can be a path: text that is not empty, or a ``Path``.

    Raises:
        SamekindError: It is not, of the class ``error``; ``Path("")`` would be the current folder, which nobody meant.

    Example:
        >>> refuse_no_path("", SamekindError)
        Traceback (most recent call last):
        ...
        samekind.errors.SamekindError: the path is empty; give that of a file or a folder
    """
    if not isinstance(path, str | os.PathLike):
        raise error(f"a path is text or a Path, not one {type(path).__name__}")
    if not os.fspath(path):
        raise error("the path is empty; give that of a file or a folder")


def refuse_address(path: object, error: type[SamekindError]) -> None:
    """Make sure that a path is none of ``https://…``, ``s3://…``, ``file:///…``, which nobody fetches here.

    Raises:
        SamekindError: It is, of the class ``error``; the message says what to do.

    Example:
        >>> refuse_address("s3://bucket/cat.jpg", SamekindError)
        Traceback (most recent call last):
        ...
        samekind.errors.SamekindError: s3://bucket/cat.jpg: addresses are not fetched; download it and give its path
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    # A Path has made one slash of two.
    if (matched := _ADDRESS.match(text) or re.match(r"(file):/", text)) and not Path(text).exists():
        is_file = matched[1].lower() == "file"
        written = re.sub(":/(?!/)", ":///" if is_file else "://", text, count=1)
        advice = "give the path alone" if is_file else "download it and give its path"
        raise error(f"{without_passwords(written)}: addresses are not fetched; {advice}")


def is_database(place: object) -> bool:
    """Whether a gallery's place is a database rather than a file.

    Example:
        >>> is_database("postgresql://host/shop"), is_database("photos.samekind")
        (True, False)
    """
    return isinstance(place, str) and bool(_DATABASE.match(place))


def shell_word(path: str | os.PathLike[str]) -> str:
    """A path as one word of a command line, to be pasted.

    Example:
        >>> shell_word("photos"), shell_word("my photos").replace('"', "'")
        ('photos', "'my photos'")
    """
    text = os.fspath(path)
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)


def given_path(path: str | os.PathLike[str], error: type[SamekindError]) -> Path:
    """A path that a person gave, with ``~`` expanded.

    Raises:
        SamekindError: It is an address, empty or no path at all, of the class ``error``.
    """
    refuse_no_path(path, error)
    refuse_address(path, error)
    given = Path(path)
    if given.parts[:1] and given.parts[0].startswith("~") and not given.exists():
        try:
            return given.expanduser()
        except RuntimeError:  # there is no such user
            return given
    return given


def given_folder(path: str | os.PathLike[str], error: type[SamekindError]) -> Path:
    """A folder that a person gave, with ``~`` expanded.

    Raises:
        SamekindError: It is no path, an address, no such folder, or a file, of the class ``error``.
    """
    given = given_path(path, error)
    if given.is_dir():
        return given
    what = "is a file; give the folder that holds the images" if given.exists() else "no such folder"
    raise error(f"{os.fspath(path)}: {what}")


def relative_path(path: Path, folder: Path) -> str:
    """A path as a list in ``folder`` writes it, with forward slashes.

    The system takes ".." after following links, so the way up is counted from where the folder really is.
    """
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # on Windows there is no way from one drive to another
        return path.absolute().as_posix()
