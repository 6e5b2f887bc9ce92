"""Running the command line as a user does: in this process, or in one of its own."""

from __future__ import annotations

import io
import logging
import os
import secrets
import subprocess
import sys
import warnings
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from samekind.cli import main

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
    """``samekind ARGUMENTS`` in this process, with its exit status and output, redirected, 120 columns wide.

    A traceback is an error of the test. What the command leaves behind in the process, such as handlers of logs, is
    taken away again.
    """
    words, status = ["samekind", *map(str, arguments)], 0
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n", write_through=True) for _ in range(2))
    log = logging.getLogger("samekind")
    with ExitStack() as stack:
        for context in (redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings()):
            stack.enter_context(context)
        warnings.simplefilter("default")
        for patched in (patch.object(sys, "argv", words), patch.object(log, "handlers", [*log.handlers])):
            stack.enter_context(patched)
        stack.enter_context(patch.dict(os.environ, COLUMNS="120"))
        stack.enter_context(patch.object(main, "_COLOUR", new=False))
        stack.enter_context(chdir(cwd or Path.cwd()))
        try:
            main.run()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    written = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (out, err))
    return subprocess.CompletedProcess(words, status, *written)


def run_process(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As ``run``, in a process of its own: for what is about processes, or leaves this one different."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT)


def printed_seed() -> int:
    """The seed of a test that kills at random moments: that of ``SAMEKIND_KILL_SEED``, or a new one; it is printed."""
    seed = int(os.environ.get("SAMEKIND_KILL_SEED") or secrets.randbelow(2**32))
    print(f"to see it again: SAMEKIND_KILL_SEED={seed}")  # noqa: T201 - pytest shows it where a test fails
    return seed


def told(result: subprocess.CompletedProcess[str]) -> str:
    """What was said on the error stream, without the box and its breaks of lines."""
    return " ".join(result.stderr.replace("│", " ").split())
