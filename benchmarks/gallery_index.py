"""Indexing a folder: the first time and again, and the most memory that each took, also of many times the files.

The second folder holds every file of the first TIMES times, as links under other names with a byte that makes each
content new, so that all are embedded; 0 leaves it out.

python benchmarks/gallery_index.py FOLDER [--times 0] [--most N]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samekind.images.formats import IMAGE_SUFFIXES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--most", type=int, default=None)
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    files = files[:: -(-len(files) // arguments.most)] if arguments.most else files
    with tempfile.TemporaryDirectory() as workplace:
        photos = Path(workplace) / "photos"
        _fill(photos, files, 1)
        first, memory = _index(photos)
        again, _ = _index(photos)
        print(f"{len(files):,} files: {first:.1f} s, most memory {memory:.0f} MB", flush=True)
        print(f"again, unchanged: {again:.2f} s, 1/{first / again:.0f} of the first", flush=True)
        if arguments.times:
            many = Path(workplace) / "many"
            _fill(many, files, arguments.times)
            seconds, more = _index(many)
            print(f"{arguments.times * len(files):,} files: {seconds:.1f} s, most memory {more:.0f} MB")
            print(f"growth: {more / memory:.2f}")


def _fill(folder: Path, files: list[Path], times: int) -> None:
    for number in range(times):
        part = folder / f"{number:03}"
        part.mkdir(parents=True)
        for place, file in enumerate(files):
            target = part / f"{place:06}{file.suffix}"
            shutil.copyfile(file, target)
            with target.open("ab") as copy:  # behind the image's end, where no decoder looks
                copy.write(number.to_bytes(4, "little"))
            os.utime(target, (1_600_000_000 + place, 1_600_000_000 + place))


def _index(folder: Path) -> tuple[float, float]:
    """Seconds of the whole process, and its most resident memory in MB."""
    command = [sys.executable, "-m", "samekind", "index", str(folder)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"indexing failed: {status}")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return seconds, _memory(usage, unit)


def _memory(usage: resource.struct_rusage, unit: float) -> float:
    return usage.ru_maxrss / unit


if __name__ == "__main__":
    main()
