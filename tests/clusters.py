"""A Ray cluster of two cores on this machine, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest

RAY_TESTS = [
    pytest.mark.slow,  # a cluster is several processes
    pytest.mark.filterwarnings("default:::ray"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two cores on this machine."""
    ray = pytest.importorskip("ray", reason='needs the extra "ray"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        for left in (1, 0):
            try:
                ray.init(
                    num_cpus=2,
                    object_store_memory=100 * 1024 * 1024,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level="ERROR",
                )
                break
            except Exception as error:  # a crowded machine is slower than Ray waits for its own processes, 15 s
                ray.shutdown()
                if not left:
                    pytest.skip(f"Ray does not start here: {error}")
        yield
        ray.shutdown()


def killing_workers(once: list[int], doing: str) -> Callable[[str, int, int], None]:
    """Kills all workers that do something when it is first called."""

    def kill(*_: object) -> None:
        if once:
            return
        for process in psutil.Process().children(recursive=True):
            if process.name().startswith("ray::") and doing in " ".join(process.cmdline()):
                once.append(process.pid)
                process.kill()

    return kill
