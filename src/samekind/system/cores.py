"""How many processor cores this process may use: those of its affinity, and no more than its container's quota."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from samekind.errors import ArgumentError

_ROOT = Path("/")


def available_cores(root: Path = _ROOT) -> int:
    """The cores that this process may use, at least one.

    ``os.cpu_count`` gives those of the machine, also within a container of two of its 64 cores.

    Args:
        root: Where ``/proc`` and ``/sys`` are.

    Example:
        >>> 1 <= available_cores() <= os.cpu_count()
        True
    """
    quota = _quota(root)
    cores = len(_allowed())
    # A part of a core more is a core: 1.5 keep two threads busy three quarters of the time.
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def computing_threads(threads: int | None = None, root: Path = _ROOT) -> int:
    """Threads for arithmetic: the number given, or one for each physical core that this process may use.

    Two threads on the two halves of one core (hyper-threading) would share its arithmetic unit.

    Args:
        threads: A number of at least 1, or None.
        root: Where ``/proc`` and ``/sys`` are.

    Raises:
        ArgumentError: The number is not one of threads.

    Example:
        >>> computing_threads(3)
        3
    """
    if threads is None:
        return min(available_cores(root), _physical_cores(root))
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"threads is a whole number from 1, or None for one a core; got {threads!r}")
    return threads


def _allowed() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):  # Linux and some others
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _physical_cores(root: Path) -> int:
    siblings = set()
    for cpu in _allowed():
        try:
            topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
            siblings.add(topology.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):  # another system than Linux, or one that does not tell
            siblings.add(f"{cpu}")
    return max(1, len(siblings))


def _quota(root: Path) -> float | None:
    """The least of the quotas of the process's control groups and of all above them, in cores."""
    return min((quota for folder in _group_folders(root) if (quota := _quota_of(folder)) is not None), default=None)


def _group_folders(root: Path) -> Iterator[Path]:
    """The folders that may hold a quota: of version 2 of control groups, and of the controller cpu of version 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Systemd's hybrid layout mounts version 2 below "unified", but without the controller cpu.
        mount = root / "sys/fs/cgroup" / controllers
        # Within a container the group may be named as the machine names it, while the mount shows the container's own.
        path = PurePosixPath(group.lstrip("/"))
        yield from (mount / part for part in (path, *path.parents))


def _quota_of(folder: Path) -> float | None:
    try:
        if (limits := folder / "cpu.max").is_file():
            quota, period = limits.read_text(encoding="ascii").split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii").strip() for name in ("quota", "period")
            )
        return float(quota) / float(period) if float(quota) > 0 and float(period) > 0 else None
    except (OSError, ValueError):  # there is none ("max"), or not here
        return None
