"""Running the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}


def command(*arguments: object) -> list[str]:
    """``samekind ARGUMENTS`` as words for ``subprocess``."""
    return [sys.executable, "-m", "samekind", *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``samekind ARGUMENTS``, with its exit status and output, in a terminal 120 columns wide."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT)
