from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import ArgumentError
from samekind.system import cores
from samekind.system.cores import available_cores, computing_threads


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 64 logical cores, all of which the process may run on."""
    monkeypatch.setattr(cores, "_allowed", lambda: frozenset(range(64)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def quota_v2(root: Path, group: str, text: str) -> None:
    write(root / "proc/self/cgroup", f"0::{group}\n")
    write(root / "sys/fs/cgroup" / group.lstrip("/") / "cpu.max", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("max 100000\n", 64),
        ("9900000 100000\n", 64),
        ("nonsense\n", 64),
        ("", 64),
        ("0 0\n", 64),
    ],
)
def test_the_quota_of_version_2(tmp_path: Path, text: str, expected: int) -> None:
    quota_v2(tmp_path, "/", text)
    assert available_cores(tmp_path) == expected


def test_a_group_above_may_have_the_smaller_quota(tmp_path: Path) -> None:
    quota_v2(tmp_path, "/kube/pod", "800000 100000\n")
    write(tmp_path / "sys/fs/cgroup/kube/cpu.max", "300000 100000\n")
    assert available_cores(tmp_path) == 3


@pytest.mark.parametrize("group", ["/", "/docker/0123"])
@pytest.mark.parametrize(("quota", "expected"), [("400000", 4), ("-1", 64)])
def test_the_quota_of_version_1(tmp_path: Path, group: str, quota: str, expected: int) -> None:
    """Within a container the group has the name that the machine gives it, and the mount is the container's own."""
    write(tmp_path / "proc/self/cgroup", f"5:memory:{group}\n4:cpu,cpuacct:{group}\n0::/\n")
    write(tmp_path / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", quota)
    write(tmp_path / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert available_cores(tmp_path) == expected


def test_without_groups_it_is_the_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_allowed", lambda: frozenset({3, 5}))
    assert available_cores(tmp_path) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_the_affinity_of_a_real_process() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from samekind.system.cores import available_cores, computing_threads;"
        "print(available_cores(), computing_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_two_halves_of_a_core_compute_as_one(tmp_path: Path) -> None:
    for cpu in range(64):
        siblings = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        write(siblings, f"{cpu % 32},{cpu % 32 + 32}\n")
    assert (available_cores(tmp_path), computing_threads(root=tmp_path)) == (64, 32)


def test_computing_keeps_the_quota_too(tmp_path: Path) -> None:
    quota_v2(tmp_path, "/", "200000 100000")
    assert computing_threads(root=tmp_path) == 2


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_what_is_no_number_of_threads(threads: object) -> None:
    with pytest.raises(ArgumentError, match=r"threads is a whole number from 1, or None .* got"):
        computing_threads(threads)  # type: ignore[arg-type]


@given(text=st.text())
def test_no_file_of_the_system_stops_the_start(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("machine")
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert available_cores(root) == 64
