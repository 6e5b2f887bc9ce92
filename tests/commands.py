"""Running the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}


def command(*arguments: object) -> list[str]:
    """``samekind ARGUMENTS`` as words for ``subprocess``."""
    return [sys.executable, "-m", "samekind", *map(str, arguments)]


# The command line, with a function that waits at one of its calls until a file is there.
_HOLDING = """
import functools, itertools, pathlib, pkgutil, sys, time
owner, name, number, go = pkgutil.resolve_name(sys.argv[1]), sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4])
del sys.argv[1:5]
original, calls = getattr(owner, name), itertools.count(1)

@functools.wraps(original)
def held(*arguments, **options):
    if next(calls) >= number:
        while not go.exists():
            time.sleep(0.01)
    return original(*arguments, **options)

setattr(owner, name, held)
from samekind.cli.main import run
run()
"""


def holding(owner: str, name: str, number: int, go: Path, *arguments: object) -> list[str]:
    """``samekind ARGUMENTS`` that comes no further than a call of a function until the file ``go`` is there.

    So that what is done to it meanwhile does not come after its end, however slow this process is to do it.

    Args:
        owner: What has the function, as ``pkgutil.resolve_name`` takes it.
        name: Of the function.
        number: The call that waits, and those after it.
        go: The file.
        arguments: The command's.
    """
    return [sys.executable, "-c", _HOLDING, owner, name, str(number), str(go), *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``samekind ARGUMENTS``, with its exit status and output, in a terminal 120 columns wide."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT)


def printed_seed() -> int:
    """The seed of a test that kills at random moments: that of ``SAMEKIND_SEED``, or a new one; it is printed."""
    seed = int(os.environ.get("SAMEKIND_SEED") or secrets.randbelow(2**32))
    print(f"to see it again: SAMEKIND_SEED={seed}")  # noqa: T201 - pytest shows it where a test fails
    return seed
