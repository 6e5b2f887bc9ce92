"""Cold start: the whole process of `samekind verify a b` against `python -c "import torch, timm"`.

Both are run once to warm the page cache, then alternately, so that a noisy machine disturbs both alike.

python benchmarks/cold_start.py A.jpg B.jpg [--rounds 15] [--warm-up 1]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--warm-up", type=int, default=1, help="rounds before those, which fill the page cache")
    arguments = parser.parse_args()
    samekind = str(Path(sys.executable).parent / "samekind")
    commands = {
        "samekind verify": [samekind, "verify", arguments.first, arguments.second],
        "import torch, timm": [sys.executable, "-c", "import torch, timm"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(-arguments.warm_up, arguments.rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if round_number >= 0:
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median:6.2f} s  (fastest {min(seconds[name]):.2f}, slowest {max(seconds[name]):.2f})")
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    print(f"ratio of medians {medians['samekind verify'] / medians['import torch, timm']:.3f}", end="")
    print(f"  (of rounds: {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
