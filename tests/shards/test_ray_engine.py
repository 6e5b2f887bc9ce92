"""Shards from workers of Ray: the same as this process makes, also where workers die."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from clusters import RAY_TESTS, killing_workers
from commands import ENVIRONMENT, command, printed_seed, run
from shards.conftest import contents

import samekind
from samekind.errors import ClusterError, MissingExtraError
from samekind.shards.folder import ShardFolder
from samekind.system import ray_cluster

pytestmark = RAY_TESTS


def test_shards_are_those_of_this_process(
    cluster: None, odd: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    report = samekind.embed(
        odd, tmp_path / "out", model=tiny_model, rows=4, engine="ray", on_progress=lambda *now: told.append(now)
    )
    assert (report.embedded, len(report.unreadable), len(report.damaged)) == (26, 4, 2)
    assert told[-1] == ("images", 26, 26)
    assert contents(tmp_path / "out") == contents(whole)


def test_workers_that_die_begin_their_shard_again(
    cluster: None, odd: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    killed: list[int] = []
    samekind.embed(
        odd,
        tmp_path / "out",
        model=tiny_model,
        rows=4,
        engine="ray",
        workers=1,
        on_progress=killing_workers(killed, "Worker"),
    )
    assert killed
    assert contents(tmp_path / "out") == contents(whole)


def test_a_driver_that_stops_goes_on_with_either_engine(
    cluster: None, odd: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        samekind.embed(odd, tmp_path / "out", model=tiny_model, rows=4, on_progress=stop)
    with pytest.raises(KeyboardInterrupt):
        samekind.embed(odd, tmp_path / "out", engine="ray", workers=1, on_progress=stop)
    assert samekind.embed(odd, tmp_path / "out", engine="ray", workers=1).embedded == 26
    assert contents(tmp_path / "out") == contents(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_machine_that_is_lost_with_its_cluster_goes_on_where_it_stood(
    odd: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """By hand: SAMEKIND_KILLS=20 pytest -n 0 tests/shards/test_ray_engine.py -k lost."""
    rng, out = np.random.default_rng(printed_seed()), tmp_path / "out"
    words = ("embed", odd, "-o", out, "--model", tiny_model, "--rows", 1)
    for _ in range(int(os.environ.get("SAMEKIND_KILLS", "1"))):
        process = subprocess.Popen(
            command(*words, "--engine", "ray", "--address", "local", "--workers", 1),
            env=ENVIRONMENT | {"RAY_USAGE_STATS_ENABLED": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before, after = len(list(out.glob("shard-*"))), int(rng.integers(0, 12))
        while process.poll() is None and len(list(out.glob("shard-*"))) < before + after:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        for one in [*psutil.Process(process.pid).children(recursive=True), process] if process.poll() is None else []:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
        if process.returncode == 0:
            shutil.rmtree(out)  # it came to its end; the next begins anew
    assert run(*words).returncode == 0
    assert sum(1 for _ in ShardFolder(out).rows()) == 26
    alike = tmp_path / "alike"
    assert run("embed", odd, "-o", alike, "--model", tiny_model, "--rows", 1).returncode == 0
    assert contents(out) == contents(alike)


def test_what_the_cluster_has_no_room_for_is_refused(
    cluster: None, odd: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ClusterError, match="no worker of 3 cores"):
        samekind.embed(odd, tmp_path / "out", model=tiny_model, engine="ray", threads=3)
    with pytest.raises(ClusterError, match="no worker of 1 GPUs"):
        samekind.embed(odd, tmp_path / "out", engine="ray", gpus=1)


def test_without_ray_the_command_that_installs_it_is_named(
    odd: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"samekind\[ray\]"):
        samekind.embed(odd, tmp_path / "out", model=tiny_model, engine="ray")
    assert not (tmp_path / "out").exists()


def test_where_nothing_listens_is_refused_before_the_work(odd: Path, tiny_model: Path, tmp_path: Path) -> None:
    for address in ("127.0.0.1:1", "nobody.invalid:6379", "127.0.0.1:70000"):
        with pytest.raises(ClusterError, match=f"no Ray cluster at {address}"):
            samekind.embed(odd, tmp_path / "out", model=tiny_model, engine="ray", address=address)
    assert not (tmp_path / "out").exists()
