"""What the API and the page ask for alike: verdicts on uploaded images, by way of the batcher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from samekind.calibration import choose_threshold
from samekind.card import Card
from samekind.errors import GalleryError, OperatingPointError
from samekind.recognizer import Recognizer
from samekind.server.batcher import Batcher, BusyError, Row, TooManyPixelsError, UnreadableError
from samekind.server.problems import Problem, busy
from samekind.verdict import TrioVerdict, Verdict

if TYPE_CHECKING:  # importing it imports FAISS
    from samekind.gallery import Gallery, Hit

_LOG = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class Service:
    """A model at work on uploads. Every method raises ``Problem`` with the field at fault.

    Args:
        recognizer: The model.
        batcher: What embeds for it.
        gallery: Where to search, of the same model; None for none.

    Attributes:
        searches: Where quick work with the gallery waits its turn.
        surveys: Where work with the whole gallery does, which may take minutes.
    """

    def __init__(self, recognizer: Recognizer, batcher: Batcher, gallery: Gallery | None = None) -> None:
        self.gallery = gallery
        self._recognizer, self._batcher = recognizer, batcher
        # FAISS uses all cores for one search; a second one beside it would only wait.
        self.searches = Lane("samekind-search", 64)
        self.surveys = Lane("samekind-survey", 1)

    @property
    def card(self) -> Card:
        """What the model says of itself."""
        return self._recognizer.card

    async def verify(
        self, images: Mapping[str, bytes], operating_point: str | None = None, threshold: float | None = None
    ) -> Verdict:
        """Judge two images, by their names in the request."""
        try:
            choose_threshold(self.card.pair, operating_point, threshold)  # refuse before the work
        except OperatingPointError as error:
            raise _bad_threshold(error, threshold) from error
        rows = [row[None] for row in (await self.embed(images)).values()]
        return self._recognizer.judge_pairs(*rows, operating_point=operating_point, threshold=threshold)[0]

    async def verify_trio(
        self, images: Mapping[str, bytes], operating_point: str | None = None, threshold: float | None = None
    ) -> TrioVerdict:
        """Judge three images, by their names in the request."""
        if self.card.trio is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"the model {self.card.name} was calibrated for pairs only")
        try:
            choose_threshold(self.card.trio, operating_point, threshold)
        except OperatingPointError as error:
            raise _bad_threshold(error, threshold) from error
        rows = [row[None] for row in (await self.embed(images)).values()]
        return self._recognizer.judge_trios(*rows, operating_point=operating_point, threshold=threshold)[0]

    async def search(self, image: bytes, k: int = 20, min_probability: float | None = None) -> list[Hit]:
        """The images of the gallery that are most like one."""
        gallery = self.gallery
        if gallery is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no gallery; start the service with --gallery FILE")
        row = (await self.embed({"image": image}))["image"]
        return await self.searches.run(lambda: gallery.search_embedding(row, k, min_probability=min_probability))

    def close(self) -> None:
        """End the threads, after what they have accepted."""
        self.searches.close()
        self.surveys.close()
        self._batcher.close()

    async def embed(self, images: Mapping[str, bytes]) -> dict[str, Row]:
        """Embed images by their names in the request."""
        try:
            return await self._batcher.embed(images)
        except BusyError:
            raise busy("too many images are waiting; try again in a moment") from None
        except TooManyPixelsError:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too many pixels in one request; send fewer or smaller images"
            ) from None
        except UnreadableError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors=error.reasons) from error


class Lane:
    """A thread for work with the gallery, and a bound on how much may wait for it.

    Args:
        name: Of the thread.
        most: How much may be waiting or at work.
    """

    def __init__(self, name: str, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting, self._most = 0, most
        self._closing = False

    async def run(self, work: Callable[[], _Answer]) -> _Answer:
        """Do it when its turn comes."""
        if self._waiting >= self._most:
            raise busy("the gallery is busy with the questions of others; try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except _EndingError:
            raise busy("the service is about to end") from None
        except GalleryError as error:  # it is empty, or somebody has put another file in its place
            _LOG.error("samekind: %s", error)
            raise Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the gallery cannot be read; the log of the service says why"
            ) from error
        finally:
            self._waiting -= 1

    def go_on(self, *_: int) -> None:
        """The ``on_progress`` of long work, which ends there when the service does: nothing of it would be lost."""
        if self._closing:
            raise _EndingError

    def close(self) -> None:
        """End the thread, after what it is at; by now nobody waits for the rest."""
        self._closing = True
        self._thread.shutdown(cancel_futures=True)


class _EndingError(Exception):
    """Long work is given up because the service ends."""


def _bad_threshold(error: OperatingPointError, threshold: float | None) -> Problem:
    field = "operating_point" if threshold is None else "threshold"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={field: str(error)})
