"""Work on items in threads, ahead of whoever takes the results: files are read while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from samekind.system.cores import available_cores

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def reading_threads() -> int:
    """Threads that read ahead of a network: reading takes a tenth of its time, so one core of eight keeps up."""
    return max(1, available_cores() // 4)


def read_ahead(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    ahead: int,
    threads: int | None = None,
    name: str = "samekind-read",
) -> Generator[_Result, None, None]:
    """The results of a function for any number of items, in their order, made in threads ahead of the caller.

    Memory does not grow with the number of items. A caller that stops early (Ctrl-C, an error) does not wait for items
    that it will never use.

    Args:
        work: Called with each item, in one of the threads. What it raises is raised where its result would be.
        items: Taken from the caller's thread, ``ahead`` of the results.
        ahead: Results that may wait at most.
        threads: How many; default ``reading_threads()``.
        name: The name of the threads.

    Example:
        >>> list(read_ahead(len, ["a", "bb", "ccc"], ahead=2))
        [1, 2, 3]
    """
    remaining = iter(items)
    with ThreadPoolExecutor(threads or reading_threads(), thread_name_prefix=name) as pool:
        waiting: deque[Future[_Result]] = deque()
        try:
            waiting.extend(pool.submit(work, item) for item in islice(remaining, ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
                yield result
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
