"""Copies looked for by workers of Ray: they propose candidates and compare files. Groups are made here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from typing import Any, TypeVar

from samekind.copies.evidence import Evidence
from samekind.errors import ClusterError
from samekind.gallery.duplicates.pictures.picture_files import UNREAD, Compared, PictureFile, compare_there
from samekind.system.cores import available_cores
from samekind.system.ray_cluster import RayCluster

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Shared memory of a cluster of this machine's: what candidates of some 400,000 pictures are proposed by. Ray puts what
# is more on the disk.
_OBJECT_STORE = 1 << 30
# Parts of the work that each worker has waiting, and pictures that are compared ahead for each.
_WAITING, _AHEAD = 2, 16


class RayWorkers:
    """The workers of a cluster that is connected.

    Args:
        ray: The module.
        count: How many work.

    Attributes:
        ahead: Pictures by which comparing is to be ahead, so that none of them waits.
    """

    def __init__(self, ray: Any, count: int) -> None:
        self._ray = ray
        kind = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Worker)
        self._workers = [kind.remote() for _ in range(count)]
        self.ahead = _AHEAD * count

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """``map``, by the workers: see ``samekind.system.each.Each``."""
        sent = self._ray.put(work)
        waiting: deque[Any] = deque()
        for item, worker in zip(items, cycle(self._workers), strict=False):
            waiting.append(worker.do.remote(sent, item))
            if len(waiting) >= _WAITING * len(self._workers):
                yield self._ray.get(waiting.popleft())
        while waiting:
            yield self._ray.get(waiting.popleft())

    def comparing(self, pictures: Sequence[PictureFile]) -> Executor:
        """What compares two of some pictures by their places.

        What a worker cannot read as it was indexed is compared here, so the evidence is the same as without workers.
        """
        return _Comparing(self._ray, self._workers, pictures)


@contextmanager
def ray_workers(address: str, workers: int | None) -> Iterator[RayWorkers]:
    """The workers of a cluster.

    Args:
        address: ``local``, ``auto`` or ``HOST:PORT``.
        workers: How many at most; None is one for each core.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: There is no cluster, or it was lost.
    """
    cluster = RayCluster(address)
    with cluster.connected(workers or available_cores(), _OBJECT_STORE, "nothing was changed; run it again") as ray:
        # Of a cluster that others use only what is free: a worker that finds no place would be waited for without end.
        resources = ray.cluster_resources() if address == "local" else ray.available_resources()
        cores = int(resources.get("CPU", 0))
        if cores < 1:
            raise ClusterError(f"Ray: no worker of a core fits into the cluster {address}; its cores are in use")
        yield RayWorkers(ray, min(cores, workers or cores))


class _Worker:
    def do(self, work: Callable[[_Item], _Result], item: _Item) -> _Result:
        return work(item)

    def compare(self, one: PictureFile, other: PictureFile) -> Compared:
        return compare_there(one, other)


class _Comparing(Executor):
    def __init__(self, ray: Any, workers: Sequence[Any], pictures: Sequence[PictureFile]) -> None:
        self._ray, self._workers, self._pictures = ray, cycle(workers), pictures

    def submit(self, compare: Callable[[int, int], Evidence | None], one: int, other: int) -> _There:  # type: ignore[override]
        # Without what was unpacked of them here.
        sent = (replace(self._pictures[place]) for place in (one, other))
        return _There(self._ray, next(self._workers).compare.remote(*sent), lambda: compare(one, other))


class _There(Future[Evidence | None]):
    """Evidence that a worker finds; what it could not read is looked at here."""

    def __init__(self, ray: Any, found: Any, here: Callable[[], Evidence | None]) -> None:
        super().__init__()
        self._ray, self._found, self._here = ray, found, here

    def result(self, timeout: float | None = None) -> Evidence | None:
        """The evidence, as soon as it is there."""
        del timeout  # nobody asks for one
        found: Compared = self._ray.get(self._found)
        return self._here() if found == UNREAD else found
