"""What several processes that embed at once leave each other of a machine, with threads that spin and without.

    python benchmarks/shared_machine.py --processes 3 --rounds 5

Each round measures, for both ways of waiting, one process alone and then several at once, all with the default number
of threads. "Of a fair share" is how many times slower the slowest is than one process alone divided by their number;
1 is fair. The rounds take turns, so that a noisy machine disturbs both alike; the spread over them is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from multiprocessing.synchronize import Barrier

import numpy as np

from samekind.inference.session import open_session
from samekind.model_file.file import read_model

_BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model's name or path; default general")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    speeds: dict[tuple[bool, int], list[list[float]]] = {}
    for _ in range(arguments.rounds):
        for spinning in (True, False):
            for processes in (1, arguments.processes):
                speeds.setdefault((spinning, processes), []).append(
                    _measure(arguments.model, processes, spinning, arguments.seconds)
                )
    print("| threads wait by | images/s alone | each of several | slowest, of a fair share |")
    print("|---|---|---|---|")
    for spinning in (True, False):
        alone = [run[0] for run in speeds[spinning, 1]]
        several = speeds[spinning, arguments.processes]
        shares = [one / arguments.processes / min(run) for one, run in zip(alone, several, strict=True)]
        print(
            f"| {'spinning' if spinning else 'sleeping'} | {_spread(alone)} | "
            f"{_spread([speed for run in several for speed in run])} | {_spread(shares)} |"
        )


def _measure(model: str | None, processes: int, spinning: bool, seconds: float) -> list[float]:
    """Images per second of each of some processes that start together."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    results = context.SimpleQueue()
    workers = [
        context.Process(target=_embed, args=(model, spinning, seconds, barrier, results)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    speeds = [float(results.get()) for _ in workers]
    for worker in workers:
        worker.join()
    return speeds


def _embed(
    model: str | None, spinning: bool, seconds: float, barrier: Barrier, results: multiprocessing.SimpleQueue[float]
) -> None:
    file = read_model(model)
    session = open_session(file.data, file.card.name, spinning=spinning)
    size = file.card.input_size
    batch = np.random.default_rng(0).integers(0, 256, (_BATCH, size, size, 3)).astype(np.uint8)
    feed = {session.get_inputs()[0].name: batch}
    session.run(None, feed)
    barrier.wait()
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        session.run(None, feed)
        done += _BATCH
    results.put(done / passed)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
