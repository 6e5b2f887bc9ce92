"""Work with the gallery, which waits its turn on a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from samekind.errors import GalleryError, GalleryUnreachableError
from samekind.server.http.problems import Problem, busy

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class GalleryQueue:
    """A thread for work with the gallery, and a bound on how much may wait for it.

    Args:
        name: The name of the thread.
        most: How much may be waiting or at work.
    """

    def __init__(self, name: str, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting, self._most = 0, most
        self._closing = False

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Do it when its turn comes."""
        if self._waiting >= self._most:
            raise busy("the gallery is busy with the questions of others; try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except _EndingError:
            raise busy("the service is about to end") from None
        except GalleryError as error:  # it is empty, or somebody has put another file in its place
            _LOG.error("%s", error)
            if isinstance(error, GalleryUnreachableError):  # another replica may reach it
                raise busy("the gallery cannot be reached; try again in a moment") from error
            raise Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the gallery cannot be read; the log of the service says why"
            ) from error
        finally:
            self._waiting -= 1

    def stop_at_end(self, *_: object) -> None:
        """The ``on_progress`` of long work, which ends there when the service does: nothing of it would be lost."""
        if self._closing:
            raise _EndingError

    def close(self) -> None:
        """End the thread, after what it is at; by now nobody waits for the rest."""
        self._closing = True
        self._thread.shutdown(cancel_futures=True)


class _EndingError(Exception):
    """Long work is given up because the service ends."""
