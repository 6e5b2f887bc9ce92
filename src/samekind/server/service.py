"""What the API and the page ask for alike: verdicts on uploaded images, by way of the batcher."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from samekind.calibration import choose_threshold
from samekind.card import Card
from samekind.errors import OperatingPointError
from samekind.recognizer import Recognizer
from samekind.server.batcher import Batcher, BusyError, Row, TooManyPixelsError, UnreadableError
from samekind.server.gallery_queue import GalleryQueue
from samekind.server.problems import Problem, busy
from samekind.verdict import TrioVerdict, Verdict

if TYPE_CHECKING:  # importing it imports FAISS
    from samekind.gallery import Gallery, Hit


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
        self.searches = GalleryQueue("samekind-search", 64)
        self.surveys = GalleryQueue("samekind-survey", 1)

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


def _bad_threshold(error: OperatingPointError, threshold: float | None) -> Problem:
    field = "operating_point" if threshold is None else "threshold"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={field: str(error)})
