"""How long it takes until a command that cannot work says so.

    python benchmarks/refusals.py --rounds 3

Each refusal is a command line in an empty folder with one picture, run in a process of its own. Given are the
seconds of processor that it took, which hold on a busy machine, too, and those on the clock; the median of the rounds.
What bare Python takes, and one that imports numpy, Pillow and typer, stands at the top.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

REFUSED = (
    "verify a.png nowhere.png",
    "verify a.png a.png --model generl",
    "verify a.png a.png --operating-point strct",
    "verify https://example.org/a.png a.png",
    "info nowhere",
    "index nowhere",
    "index a.png",
    "search nowhere.samekind a.png",
    "cluster nowhere.samekind",
    "duplicates nowhere.samekind",
    "duplicates --apply nowhere.txt",
    "export nowhere.samekind -o rows.csv",
    "data check nowhere",
    "data pairs nowhere -o pairs.csv",
    "evaluate general nowhere",
    "evaluate nowhere photos",
    "calibrate general nowhere -o mine.onnx",
    "adapt general nowhere -o mine.onnx",
    "train nowhere -o mine.onnx",
    "train photos -o mine.onnx --init nowhere.safetensors",
    "train photos -o mine.onnx --set optimiser.lr=1",
    "train photos -o mine.onnx --init bundled",
    "reproduce pairs --data nowhere",
    "serve --gallery nowhere.samekind",
    "serve --model nowhere",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", metavar="COMMAND", help="the refusals of one command alone")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    print("| command | exit | processor, s | clock, s | says |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.new("RGB", (8, 8)).save(folder / "a.png")
        for label in ("one", "two"):  # too few for a batch
            (folder / "photos" / label).mkdir(parents=True)
            for number in range(5):
                Image.new("RGB", (8, 8), (number, 9, 9)).save(folder / "photos" / label / f"{number}.png")
        _row("python", [sys.executable, "-c", "pass"], folder, rounds)
        _row("its imports", [sys.executable, "-c", "import numpy, PIL.Image, typer.rich_utils"], folder, rounds)
        for words in REFUSED:
            if words.startswith(arguments.only):
                _row(words, [sys.executable, "-m", "samekind", *words.split()], folder, rounds)


def _row(label: str, command: list[str], folder: Path, rounds: int) -> None:
    processor, clock = [], []
    for _ in range(rounds):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            command, check=False, cwd=folder, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.monotonic() - start)
        processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    said = (done.stderr.strip().splitlines() or [""])[-1].removeprefix("samekind: ")
    numbers = f"{statistics.median(processor):.2f} | {statistics.median(clock):.2f}"
    print(f"| `{label}` | {done.returncode} | {numbers} | {said[:90]} |", flush=True)


if __name__ == "__main__":
    main()
