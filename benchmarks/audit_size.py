"""What `samekind data audit` takes, stage by stage: processors, the clock, and the peak of memory.

python benchmarks/audit_size.py CLASSES [CLASSES ...] [--most 10000] [--model general]

  CLASSES    class folders
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import defaultdict
from pathlib import Path

import samekind
from samekind.datasets.folders import read_class_folders

_EMBEDDING = "images"  # as ``Recognizer.embed`` calls its stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    listed = [(path, path.parent.name) for folder in arguments.classes for path in read_class_folders(folder).paths]
    model = samekind.load(arguments.model)
    print(f"peak of memory before: {peak():.2f} GB")
    stages = Stages()
    found = samekind.audit(listed[: arguments.most], model, on_progress=stages)
    stages("the rest")
    print(f"{len(found.paths):,} images, {len(found.findings):,} findings")
    for stage, (processors, clock) in stages.spent.items():
        print(
            f"  {stage:<9} {processors:7.1f} s of processors, {clock:7.1f} s on the clock, {stages.peaks[stage]:.2f} GB"
        )
    beyond = [seconds for stage, seconds in stages.spent.items() if stage != _EMBEDDING]
    print(
        "beyond embedding: {:.0f} s of processors, {:.0f} s on the clock".format(*map(sum, zip(*beyond, strict=True)))
    )


class Stages:
    """Whatever time passes until a stage reports belongs to it; so does the peak of memory by then."""

    def __init__(self) -> None:
        self.spent: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self.peaks: dict[str, float] = {}
        self._last = time.process_time(), time.perf_counter()

    def __call__(self, stage: str, *_: int) -> None:
        """Take a report: the stage, and how far it is."""
        now = time.process_time(), time.perf_counter()
        self.spent[stage] = (
            self.spent[stage][0] + now[0] - self._last[0],
            self.spent[stage][1] + now[1] - self._last[1],
        )
        self.peaks[stage] = peak()
        self._last = now


def peak() -> float:
    """Of this process, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
