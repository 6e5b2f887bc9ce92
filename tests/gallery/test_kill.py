"""kill -9 in the middle of indexing, again and again, then to the end: as if nothing had happened."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from commands import command, holding, printed_seed, run
from conftest import save_noise
from gallery.conftest import age


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = connection.execute(
        "SELECT id, path, size, mtime_ns, sha256, error, width, height, phash, picture, features, embedding"
        " FROM images ORDER BY path"
    ).fetchall()
    connection.close()
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_indexing_ends_like_an_uninterrupted_one(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(500):
        path = tmp_path / "photos" / f"{number:03}.png"
        save_noise(path, (number % 250, 90, 160), seed=number)
        age(path)
    whole = run("index", tmp_path / "photos", "--gallery", tmp_path / "whole.samekind", "--model", tiny_model)
    assert whole.returncode == 0, whole.stderr
    killed, counts = tmp_path / "killed.samekind", []
    rng = np.random.default_rng(printed_seed())
    words = ("index", tmp_path / "photos", "--gallery", killed, "--model", tiny_model)
    for number in range(5):
        # The first cannot come to its end before it is killed.
        held = holding("samekind.gallery.sync.examine", "read_new_image", 400, tmp_path / "never", *words)
        process = subprocess.Popen(
            command(*words) if number else held, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # The log's first line tells that batches are being written; then somewhere in the next moments.
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        process.wait()
        counts.append(len(rows(killed)))
    assert 0 < counts[0] < 500
    assert counts == sorted(counts)
    last = run("index", tmp_path / "photos", "--gallery", killed)
    assert last.returncode == 0, last.stderr
    assert rows(killed) == rows(tmp_path / "whole.samekind")
    assert "500 images" in last.stdout
