"""What the API and the page ask for alike: verdicts on uploaded images, by way of the batcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from samekind.calibration import choose_threshold
from samekind.card import Card
from samekind.errors import GalleryError, OperatingPointError
from samekind.recognizer import Recognizer
from samekind.server.batcher import Batcher, BusyError, Row, UnreadableError
from samekind.server.problems import Problem, busy
from samekind.verdict import TrioVerdict, Verdict

if TYPE_CHECKING:  # importing it imports FAISS
    from samekind.gallery import Gallery, Hit

_Answer = TypeVar("_Answer")


class Service:
    """A model at work on uploads. Every method raises ``Problem`` with the field at fault.

    Args:
        recognizer: The model.
        batcher: What embeds for it.
        gallery: Where to search, of the same model; None for none.
        most_searches: How many may wait for the gallery; beyond them the service is busy.
    """

    def __init__(
        self, recognizer: Recognizer, batcher: Batcher, gallery: Gallery | None = None, *, most_searches: int = 64
    ) -> None:
        self.gallery = gallery
        self._recognizer, self._batcher = recognizer, batcher
        # FAISS uses all cores for one search; a second one beside it would only wait.
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="samekind-search")
        self._searches, self._most_searches = 0, most_searches

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
        return await self.with_gallery(lambda: gallery.search_embedding(row, k, min_probability=min_probability))

    async def with_gallery(self, work: Callable[[], _Answer]) -> _Answer:
        """Do something with the gallery in the thread that is kept for it."""
        if self._searches >= self._most_searches:
            raise busy("too many searches are waiting; try again in a moment")
        self._searches += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._searcher, work)
        except GalleryError as error:
            raise busy(str(error)) from error
        finally:
            self._searches -= 1

    def close(self) -> None:
        """End the threads, after what they have accepted."""
        self._searcher.shutdown()
        self._batcher.close()

    async def embed(self, images: Mapping[str, bytes]) -> dict[str, Row]:
        """Embed images by their names in the request."""
        try:
            return await self._batcher.embed(images)
        except BusyError:
            raise busy("too many images are waiting; try again in a moment") from None
        except UnreadableError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors=error.reasons) from error


def _bad_threshold(error: OperatingPointError, threshold: float | None) -> Problem:
    field = "operating_point" if threshold is None else "threshold"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={field: str(error)})
