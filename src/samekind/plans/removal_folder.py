"""Where removed files go: a dated folder that keeps their paths, and that one run at a time may fill or empty."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePath

from filelock import FileLock, Timeout

from samekind.errors import PlanError

# In the folder of a plan. Galleries pass it over, or what was removed would be found again.
REMOVAL_FOLDER = "removed-by-samekind"
_LOCK_NAME = ".lock"
# By this, walks through folders pass over what lies beside it, wherever --into has put it.
_IGNORE_NAME, _IGNORED = ".samekindignore", "# What samekind removed is not found again.\n*\n"


def new_run_folder(base: Path) -> Path:
    """Make a folder named by date and time, which Windows can write too.

    Raises:
        OSError: It cannot be made.
    """
    stamp = datetime.now().astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    for number in range(1, 1000):
        run = base / (stamp if number == 1 else f"{stamp}-{number}")
        with suppress(FileExistsError):
            run.mkdir(parents=True)
            (run / _IGNORE_NAME).write_text(_IGNORED)
            return run
    raise PlanError(f"{base / stamp}: exists a thousand times; wait a second")


def kept_path(name: str, flavour: type[PurePath] = PurePath) -> PurePath:
    """A file's path within a run's folder: its own, with what leads out of the plan's folder spelt out.

    Args:
        name: As the plan has it.
        flavour: The system's kind of path.

    Example:
        >>> from pathlib import PurePosixPath, PureWindowsPath
        >>> kept_path("../other/a.jpg", PurePosixPath)
        PurePosixPath('_above/other/a.jpg')
        >>> kept_path("D:/photos/a.jpg", PureWindowsPath)
        PureWindowsPath('_D/photos/a.jpg')
    """
    path = flavour(name)
    inner = path.parts[1:] if path.anchor else path.parts
    # Of a drive or a share only letters and digits, which any system's names may have.
    drive = ["_" + "_".join(re.findall(r"\w+", path.drive) or ["root"])] if path.anchor else []
    return flavour(*drive, *("_above" if part == ".." else part for part in inner))


def free_target(run: Path, name: str) -> Path:
    """A path for a file in a run's folder that no file has yet."""
    target = run / kept_path(name)
    number = 1
    while os.path.lexists(target):
        number += 1
        target = (run / kept_path(name)).with_stem(f"{Path(name).stem} ({number})")
    return target


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Be the only one who moves files of a folder to and fro.

    Raises:
        PlanError: Somebody else does, or the folder cannot be written.
    """
    base = folder / REMOVAL_FOLDER
    lock = FileLock(base / _LOCK_NAME)
    try:
        base.mkdir(exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise PlanError(f"{folder}: another samekind is moving files of it; wait for it to end") from None
    except OSError as error:
        raise PlanError(f"{folder}: cannot be written ({error.strerror}); its files stay as they are") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; its lock is removed by being released
            if {entry.name for entry in base.iterdir()} <= {_LOCK_NAME}:
                (base / _LOCK_NAME).unlink()
        lock.release()
        with suppress(OSError):
            base.rmdir()  # only if nothing is in it


def remove_empty(run: Path, journal: Path) -> None:
    """Take away the folders of a run that hold nothing any more, and then its journal, if that is all that is left."""
    for place, _, _ in os.walk(run, topdown=False):
        if Path(place) != run:
            with suppress(OSError):
                Path(place).rmdir()
    if {entry.name for entry in run.iterdir()} <= {journal.name, _IGNORE_NAME}:
        (run / _IGNORE_NAME).unlink(missing_ok=True)
        journal.unlink()  # last, for without it nobody knows what this folder was
        run.rmdir()
