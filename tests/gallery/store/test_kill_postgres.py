"""Client and server killed in the middle of indexing, again and again, then to the end: as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psycopg
import pytest
from commands import command, printed_seed, run
from conftest import save_noise
from gallery.conftest import age
from postgres import Server, needs_postgres

pytestmark = [
    needs_postgres,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system"),
    pytest.mark.slow,  # a process for each kill
]
# By hand: SAMEKIND_KILLS=25 pytest tests/gallery/store/test_kill_postgres.py
KILLS = int(os.environ.get("SAMEKIND_KILLS", "2"))


def rows(server: Server, address: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.address(), autocommit=True) as raw:
        raw.execute("SELECT set_config('search_path', %s || ', public', false)", (address.rpartition("schema=")[2],))
        try:
            return raw.execute(
                "SELECT path, size, mtime_ns, sha256, error, width, height, phash, picture, features, embedding::text"
                " FROM images ORDER BY path"
            ).fetchall()
        except psycopg.errors.UndefinedTable:  # killed before there were any
            return []


@pytest.mark.parametrize("victim", ["client", "server"])
def test_killed_indexing_ends_like_an_uninterrupted_one(
    postgres: Server, tmp_path: Path, tiny_model: Path, victim: str
) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(150):
        save_noise(tmp_path / f"photos/{number:03}.png", (number % 250, 90, 160), seed=number)
        age(tmp_path / f"photos/{number:03}.png")
    whole, killed = postgres.new_schema(), postgres.new_schema()
    start = time.monotonic()
    result = run("index", "photos", "--gallery", whole, "--model", tiny_model, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    span = max(0.3, time.monotonic() - start)
    rng, counts = np.random.default_rng(printed_seed()), []
    words = command("index", "photos", "--gallery", killed, "--model", tiny_model)
    for _ in range(KILLS):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        assert process.stderr is not None
        process.stderr.readline()  # the first batch is being looked at
        time.sleep(rng.uniform(0, span / 2))
        if victim == "client":
            process.kill()
        else:
            postgres.control("restart", "-m", "immediate")
        said = process.communicate()[1]
        assert "Traceback" not in said
        counts.append(len(rows(postgres, killed)))
    assert counts == sorted(counts)
    last = run("index", "photos", "--gallery", killed, "--model", tiny_model, cwd=tmp_path)
    assert last.returncode == 0, last.stderr
    assert "150 images" in last.stdout
    assert rows(postgres, killed) == rows(postgres, whole)
