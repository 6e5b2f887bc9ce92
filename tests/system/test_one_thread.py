"""One thread for the libraries of numbers, while anybody asks for it."""

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from samekind.system.one_thread import one_thread


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info()}


def test_blocks_that_overlap_leave_the_limit_as_it_was() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2):
        before = threads()
        one, other = one_thread(), one_thread()
        one.__enter__()
        other.__enter__()
        assert threads() == {1}
        one.__exit__(None, None, None)
        assert threads() == {1}  # the other is not done
        other.__exit__(None, None, None)
        assert threads() == before
        assert before != {1}
