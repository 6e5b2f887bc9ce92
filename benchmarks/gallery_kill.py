"""Indexing that is killed (kill -9) at random moments and then run to the end, against an uninterrupted one.

python benchmarks/gallery_kill.py FOLDER [--kills 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole.samekind", Path(folder) / "killed.samekind"
        start = time.perf_counter()
        subprocess.run(_index(arguments.folder, whole), check=True, stdout=subprocess.DEVNULL)
        span = time.perf_counter() - start
        start = time.perf_counter()
        subprocess.run(_index(arguments.folder, whole), check=True, stdout=subprocess.DEVNULL)
        idle = time.perf_counter() - start
        # Long enough for every second process to commit a batch or more.
        longest = idle + max(2 * span / arguments.kills, span * 128 / len(_rows(whole)))
        done = []
        for _ in range(arguments.kills):
            process = subprocess.Popen(_index(arguments.folder, killed), stdout=subprocess.DEVNULL)
            # From before the first import to well into the work, a part of which is left for the last run.
            time.sleep(moments.uniform(0.1, longest))
            process.kill()
            process.wait()
            done.append(len(_rows(killed)) if killed.exists() else 0)
        subprocess.run(_index(arguments.folder, killed), check=True, stdout=subprocess.DEVNULL)
        same = _rows(killed) == _rows(whole)
        print(f"{len(_rows(whole)):,} images, {arguments.kills} kills; rows after each: {done}")
        print(f"every integrity check clean; same rows and embeddings to the bit: {same}")
        sys.exit(0 if same else 1)


def _index(folder: Path, gallery: Path) -> list[str]:
    return [sys.executable, "-m", "samekind", "index", str(folder), "--gallery", str(gallery)]


def _rows(gallery: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(gallery)
    try:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            sys.exit("the integrity check failed")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'images'").fetchone():
            return []
        return connection.execute(
            "SELECT path, size, mtime_ns, sha256, error, width, height, phash, picture, features, embedding"
            " FROM images ORDER BY path"
        ).fetchall()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
