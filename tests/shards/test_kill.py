"""kill -9 and Ctrl-C in the middle of embedding, again and again, then to the end: as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from commands import holding, printed_seed, run
from shards.conftest import contents

from samekind.shards.folder import ShardFolder, is_shard_folder


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_embedding_ends_like_an_uninterrupted_one(
    odd: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    rng, counts, out = np.random.default_rng(printed_seed()), [0], tmp_path / "out"
    words = ("embed", odd, "-o", out, "--model", tiny_model, "--rows", 4)
    for number in range(5):
        # None can come to its end: each waits at a random image until it has been killed. The first has shards by then.
        held, go = int(rng.integers(1 if number else 9, 26 - counts[-1])), tmp_path / f"go{number}"
        process = subprocess.Popen(
            holding("samekind.shards.engine", "read_input", held, go, *words),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Eight images go through the network together, and are shards; with fewer there is nothing to wait for.
        waited = time.monotonic() + (600 if held > 8 else rng.uniform(0, 3))
        while finished(out) <= counts[-1] and time.monotonic() < waited:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
        go.touch()
        process.wait()
        counts.append(finished(out))
        if counts[-1]:
            assert sum(1 for _ in ShardFolder(out).rows()) == counts[-1]  # each shard is whole
    assert counts == sorted(counts)
    assert 0 < counts[1] <= counts[-1] < 26
    last = run(*words)
    assert last.returncode == 0, last.stderr
    assert contents(out) == contents(whole)


def finished(out: Path) -> int:
    """How many images the finished shards have."""
    return sum(entry.rows for _, entry in ShardFolder(out).files()) if is_shard_folder(out) else 0
