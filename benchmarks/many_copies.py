"""One picture a thousand times among many others: whether it is one group, and what time and memory that takes.

The others are real pictures of the collections in ``duplicates.py``. The copies are of one of them: fourteen kinds,
each saved at another size and quality. What is described is kept in ``--cache``; seconds and memory are of what comes
after.

  python benchmarks/many_copies.py SHARED_DATA --cache DIR [--copies 1000] [--among 20000]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np
from duplicates import REAL, grouped, kept_descriptions
from PIL import Image
from planted_copies import kind_of, planted, planted_by_programs

from samekind.copies.groups import Found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--among", type=int, default=20_000, help="pictures in all, the copies among them")
    parser.add_argument("--original", default="imagenette2-224/val/n03000684/ILSVRC2012_val_00004262.JPEG")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        original = arguments.data / arguments.original
        copies = _plant(original, Path(folder), arguments.copies)
        described = kept_descriptions("copies", [*copies, original], Path(folder))
        for name, pattern in REAL.items():
            files = sorted(arguments.data.glob(pattern))[: max(0, arguments.among - len(described))]
            described |= kept_descriptions(name, files, arguments.cache)
        print(f"{len(described)} pictures, {len(copies)} of them copies of one; {_memory()} MB before", flush=True)
        start, clock = time.process_time(), time.perf_counter()
        found, listed = grouped(list(described), described)
        print(f"{time.process_time() - start:.0f} s of processor, {time.perf_counter() - clock:.0f} s on the clock")
        print(f"{found.compared} pairs compared; {_memory()} MB at most")
        _tell(found, listed, {*copies, original})


def _plant(original: Path, folder: Path, number: int) -> list[Path]:
    """So many copies of a picture, as files."""
    rng = np.random.default_rng(0)
    with Image.open(original) as opened:
        image = opened.convert("RGB")
    made = chain.from_iterable(maker(image, rng) for maker in cycle((planted, planted_by_programs)))
    files = []
    for place, (kind, copy, _) in enumerate(islice(made, number)):
        zoom, quality = rng.uniform(0.5, 1.0), int(rng.integers(30, 96))
        size = [max(1, round(side * zoom)) for side in copy.size]
        files.append(folder / f"{place:05}__{kind}.jpg")
        copy.resize((size[0], size[1]), Image.Resampling.LANCZOS).save(files[-1], quality=quality)
    return files


def _tell(found: Found, listed: list[Path], wanted: set[Path]) -> None:
    for group in found.groups:
        members = [listed[place] for place in (group.keep, *(m.place for m in group.others))]
        spare = [m for m in group.others if m.spare]
        wrong = sum(listed[m.place] not in wanted for m in spare) if listed[group.keep] in wanted else 0
        print(
            f"a group of {len(members)}, {len(wanted.intersection(members))} of them copies; kept {members[0].name};"
            f" {len(spare)} to be removed, {wrong} wrongly"
        )
    grouped_places = {listed[p] for group in found.groups for p in (group.keep, *(m.place for m in group.others))}
    print("in no group:", dict(Counter(kind_of(file.name) for file in wanted - grouped_places)))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
