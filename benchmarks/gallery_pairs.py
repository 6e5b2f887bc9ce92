"""All pairs above a similarity among many vectors: seconds and the most memory of the process.

Unit vectors, of which one in ten has a near duplicate that must be found.

python benchmarks/gallery_pairs.py [--vectors 100000] [--dimension 256] [--threshold 0.9]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np

from samekind.gallery.duplicates.pairs import join_pairs, similar_pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--threshold", type=float, default=0.9)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(arguments.vectors, arguments.dimension)).astype(np.float32)
    planted = arguments.vectors // 10
    rows[-planted:] = rows[:planted] + 0.1 * rng.normal(size=(planted, arguments.dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    start = time.perf_counter()
    found = join_pairs(similar_pairs(rows, arguments.threshold))
    seconds = time.perf_counter() - start
    right = np.count_nonzero((found.second - found.first) == arguments.vectors - planted)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{arguments.vectors:,} vectors, D = {arguments.dimension}: {seconds:.1f} s")
    print(f"most memory {memory:.0f} MB")
    print(f"{right:,} of {planted:,} planted pairs, {len(found.first):,} found in all")


if __name__ == "__main__":
    main()
