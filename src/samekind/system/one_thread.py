"""Libraries of numbers in one thread: of many small products and searches, threads mostly wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from threadpoolctl import threadpool_limits

_LOCK = Lock()
_LIMITS: list[threadpool_limits] = []  # the one that holds, once for each block that is within it


@contextmanager
def one_thread() -> Iterator[None]:
    """NumPy, FAISS and the like in one thread each, until the last block that asks for it ends.

    The limit is the process's. Two that were set and lifted apart from each other would leave one of them behind.
    """
    with _LOCK:
        _LIMITS.append(_LIMITS[0] if _LIMITS else threadpool_limits(1))
    try:
        yield
    finally:
        with _LOCK:
            limit = _LIMITS.pop()
            if not _LIMITS:
                limit.restore_original_limits()
