"""Several processes in one run: on what they train, which of them this is, and waiting for the first."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samekind.errors import TrainingError

# How launchers number processes: torchrun and MPI-like ones, Slurm, and Lightning's own (node and process on it).
_NUMBERS = ("RANK", "SLURM_PROCID", "NODE_RANK", "LOCAL_RANK")
_POLL = 0.5


@dataclass(frozen=True)
class Machines:
    """On what a run trains.

    Attributes:
        devices: Processes on each machine, one for each GPU, or a number of them on the CPU; 0 for all GPUs, or one.
        nodes: Machines.
        accelerator: What computes, as Lightning names it; ``auto`` takes a GPU where there is one.
    """

    devices: int = 0
    nodes: int = 1
    accelerator: str = "auto"


def is_first(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this process is the one that splits, caches, exports and writes; the others only train along.

    Args:
        environment: The environment of the process; None for this one's.

    Example:
        >>> is_first({}), is_first({"LOCAL_RANK": "1"})
        (True, False)
    """
    given = os.environ if environment is None else environment
    return all(given.get(name, "0") == "0" for name in _NUMBERS)


def wait_for_first(mark: Path, most: float = 6 * 3600) -> None:
    """Wait until the first process has split the images and filled the cache, in a folder that all can see.

    Args:
        mark: The file by which it says so.
        most: Seconds.

    Raises:
        TrainingError: It takes too long.
    """
    until = time.monotonic() + most
    while not mark.exists():
        if time.monotonic() > until:
            raise TrainingError(f"{mark.parent}: the first process was not ready within {most / 3600:g} hours")
        time.sleep(_POLL)
