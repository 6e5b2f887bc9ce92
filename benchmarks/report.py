"""How long a report takes beyond embedding the images, and how much memory at its peak.

`samekind evaluate MODEL FOLDER --report` in a process of its own, with its progress. The time that counts is from the
last image embedded to the end. The baseline is numpy in the same process tree doing the least that all pairs need: the
matrix of similarities and one sort of it.

python benchmarks/report.py MODEL FOLDER [--report DIR] [further options of `samekind evaluate`]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIMIT_S, LIMIT_MB = 180, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path, help="keep the report here")
    arguments, further = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        report = arguments.report or Path(folder)
        command = [sys.executable, "-m", "samekind", "evaluate", arguments.model, str(arguments.folder), *further]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--report", str(report)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert process.stdout is not None
        embedded, images = start, 0
        for line in process.stderr:
            if line.startswith("images: "):
                embedded = time.perf_counter()
                images = int(line.rpartition(" ")[2].replace(",", ""))
        print(process.stdout.read())
        if process.wait():
            sys.exit(process.returncode)
        end = time.perf_counter()
        size = sum(path.stat().st_size for path in report.rglob("*") if path.is_file()) / 1e6
        page = (report / "report.html").stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    baseline = _matrix_and_sort(images)
    print(f"{images:,} images, {images * (images - 1) // 2:,} pairs")
    print(f"embedding {embedded - start:.0f} s, everything after it {end - embedded:.0f} s")
    print(f"matrix and one sort {baseline:.1f} s (ratio {(end - embedded) / baseline:.0f})")
    print(f"peak memory {peak:,.0f} MB; report {size:.1f} MB, of it the page {page:.1f} MB")


def _matrix_and_sort(images: int) -> float:
    rows = np.random.default_rng(0).normal(size=(images, 128)).astype(np.float32)
    start = time.perf_counter()
    np.sort((rows @ rows.T)[np.triu_indices(images, 1)])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
