"""Embedding by the workers of Ray, against the local loop on the same cores; and two nodes against one.

local     this process, with a thread for each core that computes
ray       a cluster of this machine's with as many cores, a worker for each
one node  a machine with one core: the driver, Ray's head and the node that works are all on it
two nodes the same, and a node on a core of its own, which stands for a second machine
one process, two processes
          without Ray: a process with a core of its own, and two that share the images, which is what the machine gives

Start-up is left out: time counts from the moment when the first shards are finished, one for each core. The contenders
take turns. The shards of each are compared: they must be the same to the bit.

python benchmarks/embed_engines.py FOLDER [--images 2000] [--cores 2] [--rows 64] [--rounds 3] [--model NAME]
  [--only CONTENDER ...]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
import psutil
import ray
from ray.cluster_utils import Cluster

import samekind
from samekind.images.folder_contents import walk

_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
_STORE = 200 * 1024 * 1024
_CONTENDERS = ("local", "ray", "one node", "two nodes", "one process", "two processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default=None)
    parser.add_argument("--only", nargs="+", choices=_CONTENDERS, default=_CONTENDERS)
    arguments = parser.parse_args()
    files = sorted(image.path for image in walk(arguments.folder.resolve()))
    files = files[:: max(1, len(files) // arguments.images)][: arguments.images]
    speeds: dict[str, list[float]] = {name: [] for name in arguments.only}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(arguments.rounds):
            for name, measured in speeds.items():
                out = Path(folder) / f"{name} {round_}"
                measured.append(_speed(name, files, out, arguments))
                print(f"round {round_}: {name:<9} {measured[-1]:6.1f} images/s", flush=True)
        shards = [[shard.read_bytes() for shard in sorted(out.glob("shard-*"))] for out in Path(folder).iterdir()]
        if shards:
            print("shards", "are the same to the bit" if all(one == shards[0] for one in shards) else "DIFFER")
    for name, values in speeds.items():
        print(f"{name:<9} {statistics.median(values):6.1f} images/s  ({min(values):.1f} to {max(values):.1f})")
    for name, baseline in (("ray", "local"), ("two nodes", "one node"), ("two processes", "one process")):
        if not {name, baseline} <= speeds.keys():
            continue
        ratios = [a / b for a, b in zip(speeds[name], speeds[baseline], strict=True)]
        print(f"{name} / {baseline}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _speed(name: str, files: list[str], out: Path, arguments: argparse.Namespace) -> float:
    """Images a second, after the first shards."""
    rows, cores = arguments.rows, {"one": 1, "two": 2}.get(name.split(maxsplit=1)[0], arguments.cores)
    if "process" in name:
        return _speed_of_processes(files, cores, rows, arguments.model)
    told: list[tuple[float, int]] = []
    with _cluster(name, cores):
        samekind.embed(
            files,
            out,
            model=arguments.model,
            rows=rows,
            engine="local" if name == "local" else "ray",
            threads=cores if name == "local" else None,
            on_progress=lambda _, done, __: told.append((time.perf_counter(), done)),
        )
    return _speed_after(rows * cores, told)


def _speed_after(images: int, told: list[tuple[float, int]]) -> float:
    after = [(now, done) for now, done in told if done >= images]
    (begun, first), (ended, last) = after[0], after[-1]
    if first == last:
        raise SystemExit("too few images for so many cores and such shards")
    return (last - first) / (ended - begun)


def _speed_of_processes(files: list[str], count: int, rows: int, model: str | None) -> float:
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        parts = [pool.submit(_alone, core, files[core::count], rows, model) for core in range(count)]
        return sum(_speed_after(rows, part.result()) for part in parts)


def _alone(core: int, files: list[str], rows: int, model: str | None) -> list[tuple[float, int]]:
    told: list[tuple[float, int]] = []
    with _on_core(core), tempfile.TemporaryDirectory() as out:
        samekind.embed(
            files, out, model=model, rows=rows, threads=1,
            on_progress=lambda _, done, __: told.append((time.perf_counter(), done)),
        )  # fmt: skip
    return told


@contextmanager
def _cluster(name: str, cores: int) -> Iterator[None]:
    if name == "local":
        yield
        return
    if name == "ray":
        for left in (2, 1, 0):
            try:
                ray.init(address="local", num_cpus=cores, object_store_memory=_STORE, include_dashboard=False, **_QUIET)
                break
            except Exception:  # a crowded machine is slower than Ray waits for its own processes
                ray.shutdown()
                if not left:
                    raise
        yield
        ray.shutdown()
        return
    with _on_core(0):
        cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": _STORE})
        for core in range(cores):
            with _on_core(core):
                cluster.add_node(num_cpus=1, object_store_memory=_STORE)
        ray.init(address=cluster.address, **_QUIET)
        try:
            yield
        finally:
            ray.shutdown()
            cluster.shutdown()


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Have this thread, and what it starts, use one core only; else one node would use both, to decode."""
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        yield  # a Mac
        return
    before = process.cpu_affinity()
    process.cpu_affinity([core])
    try:
        yield
    finally:
        process.cpu_affinity(before)


if __name__ == "__main__":
    main()
