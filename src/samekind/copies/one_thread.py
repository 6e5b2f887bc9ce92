"""FAISS in one thread: what is searched for candidates is thousands of small searches, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def in_one_thread() -> Iterator[None]:
    """FAISS keeps to one thread within, when it is called from this one.

    It would divide each search among threads, which on a busy machine mostly wait for each other: five times the work.

    Example:
        >>> with in_one_thread():
        ...     faiss.omp_get_max_threads()
        1
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
