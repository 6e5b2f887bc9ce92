"""Whether a disk has room, asked before the work rather than found out behind it."""

from __future__ import annotations

import shutil
from pathlib import Path


def shortage(folder: Path, needed: float) -> str | None:
    """What a message says where a folder's disk has too little room; None where there is enough.

    Args:
        folder: Must be there.
        needed: Bytes.

    Example:
        >>> shortage(Path(), 0) is None
        True
        >>> shortage(Path("."), 1e18)[:34]
        '.: 1000000000.0 GB are needed and '
    """
    free = shutil.disk_usage(folder).free
    if needed <= free:
        return None
    return f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
