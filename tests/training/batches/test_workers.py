"""Shared memory that is too small is an error, and never a wait for ever."""

import shutil
from pathlib import Path

import pytest

from samekind.errors import TrainingError
from samekind.training.batches import workers
from samekind.training.batches.workers import refuse_small_shared_memory, worker_errors_named


def test_too_little_shared_memory_says_what_gives_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_SHARED", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(64_000_000, 0, 64_000_000))
    refuse_small_shared_memory(64_000_000)
    with pytest.raises(TrainingError, match=r"65 MB are needed and 64 MB are free.*--shm-size=2g"):
        refuse_small_shared_memory(65_000_000)


def test_a_system_without_it_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_SHARED", tmp_path / "none")
    refuse_small_shared_memory(10**18)


@pytest.mark.parametrize(
    "message",
    [
        "DataLoader worker (pid 1) is killed by signal: Bus error. It is possible that ...",
        "DataLoader timed out after 1200 seconds",
        "unable to write to file </torch_1>: shared memory is full",
    ],
)
def test_what_befalls_a_worker_is_named(message: str) -> None:
    with pytest.raises(TrainingError, match=r"--shm-size") as error, worker_errors_named():
        raise RuntimeError(message)
    assert message[:20] in str(error.value)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), worker_errors_named():
        raise RuntimeError("shapes differ")
