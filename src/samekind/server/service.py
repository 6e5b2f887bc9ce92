"""What the API and the page ask for alike: verdicts on uploaded images, by way of the batcher."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import numpy as np

from samekind.adaptation.adaptation import Adaptation, adapt
from samekind.errors import AdaptationError, FilterError, NotCalibratedError, OperatingPointError
from samekind.explain.explanation import Explanation
from samekind.images import DecodedImage, read_image
from samekind.inference.judging import pair_verdicts, trio_verdicts
from samekind.inference.similarity import Embeddings
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.model_file.calibration import choose_threshold
from samekind.model_file.card import Card, pair_calibration_of, trio_calibration_of
from samekind.recognizer import Recognizer
from samekind.server.batcher import Batcher, BusyError, Row, TooManyPixelsError, UnreadableError
from samekind.server.gallery_queue import GalleryQueue
from samekind.server.http.problems import Problem, busy
from samekind.server.limits import FORMATS, Limits

if TYPE_CHECKING:  # importing it imports FAISS
    from samekind.gallery import Gallery, Hit, Match
    from samekind.gallery.duplicates.pictures.picture_files import PictureFile

# Seconds for which a probe waits for the gallery's database.
_PATIENCE = 3.0


class Service:
    """A model at work on uploads. Every method raises ``Problem`` with the field at fault.

    Args:
        recognizer: The model.
        batcher: What embeds for it.
        gallery: Where to search, of the same model; None for none.
        limits: The bounds on an image.

    Attributes:
        searches: Where quick work with the gallery waits its turn.
        comparisons: Where work does that takes a second or so: laying pictures on each other, explaining verdicts.
        surveys: Where work with the whole gallery does, which may take minutes.
    """

    def __init__(
        self, recognizer: Recognizer, batcher: Batcher, gallery: Gallery | None = None, limits: Limits | None = None
    ) -> None:
        self.gallery = gallery
        self._limits = limits or Limits()
        self._recognizer, self._batcher = recognizer, batcher
        # FAISS uses all cores for one search; a second one beside it would only wait.
        self.searches = GalleryQueue("samekind-search", 64)
        self._facts = GalleryQueue("samekind-facts", 1024)
        self.comparisons = GalleryQueue("samekind-compare", 16)
        self.surveys = GalleryQueue("samekind-survey", 1)

    @property
    def card(self) -> Card:
        """What the model says of itself."""
        return self._recognizer.card

    @property
    def takes_others(self) -> bool:
        """Whether verdicts can be among other pictures of a request: the model can be adapted, and is not yet."""
        return self.card.domains is not None and self.card.adapted is None

    async def verify(
        self,
        images: Mapping[str, bytes],
        operating_point: str | None = None,
        threshold: float | None = None,
        among: Sequence[bytes] = (),
    ) -> tuple[Verdict, Card]:
        """Judge two images, by their names in the request, among others: those given, or else the gallery's.

        Returns:
            The verdict, and the card that it was judged by.
        """
        with _named_problems(threshold):
            if self.card.pair or not await self._adapts(among):  # refuse before the work
                choose_threshold(pair_calibration_of(self.card), operating_point, threshold)
            context, (first, second) = await self._in_context(images, among)
            return pair_verdicts(context, first, second, operating_point, threshold)[0], context

    async def verify_trio(
        self,
        images: Mapping[str, bytes],
        operating_point: str | None = None,
        threshold: float | None = None,
        among: Sequence[bytes] = (),
    ) -> tuple[TrioVerdict, Card]:
        """Judge three images, by their names in the request, as ``verify`` does."""
        if self.card.pair and self.card.trio is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"the model {self.card.name} was calibrated for pairs only")
        with _named_problems(threshold):
            if self.card.trio or not await self._adapts(among):
                choose_threshold(trio_calibration_of(self.card), operating_point, threshold)
            context, (one, two, three) = await self._in_context(images, among)
            return trio_verdicts(context, (one, two, three), operating_point, threshold)[0], context

    async def _adapts(self, among: Sequence[bytes]) -> bool:
        """Whether a verdict is by what the model is adapted to, not by its own calibration."""
        return self.takes_others and bool(among or await self._adaptation(()))

    @property
    def explains(self) -> bool:
        """Whether verdicts can be explained at once: the network has contributions that add up to the similarity."""
        return self._recognizer.explainer.adds_up

    async def explain(self, images: Mapping[str, bytes], among: Sequence[bytes] = ()) -> Explanation:
        """Why two or three images are alike or not, among others as ``verify`` judges them."""

        def read(data: bytes) -> DecodedImage:
            size = self._recognizer.encoder.square
            return read_image(data, size, max_pixels=self._limits.pixels, formats=FORMATS)

        def judge(rows: Embeddings) -> Verdict | TrioVerdict:
            members = tuple(row[None] for row in rows)
            if len(members) == 3:
                return trio_verdicts(context, members, None, None)[0]
            first, second = members
            return pair_verdicts(context, first, second, None, None)[0]

        with _named_problems(None):
            if not await self._adapts(among):
                pair_calibration_of(self.card)
            others = await self.embed(self._others(among))
            adaptation = await self._adaptation(list(others.values()))
        context = self.card if adaptation is None else adaptation.card_of(self.card)
        with _named_refusals():
            decoded = await self._batcher.read(images, read)
        explain = self._recognizer.explainer.explain_decoded
        return await self.comparisons.run(
            lambda: explain(list(decoded.values()), list(decoded), judge, method="contributions", adaptation=adaptation)
        )

    async def _in_context(
        self, images: Mapping[str, bytes], among: Sequence[bytes]
    ) -> tuple[Card, tuple[Embeddings, ...]]:
        """The card of the model among the other pictures, and the embeddings of the images there."""
        others = self._others(among)
        found = await self.embed({**images, **others})
        rows = tuple(found[name][None] for name in images)
        adaptation = await self._adaptation([found[name] for name in others])
        if adaptation is None:
            return self.card, rows
        return adaptation.card_of(self.card), tuple(adaptation.apply(row) for row in rows)

    def _others(self, among: Sequence[bytes]) -> dict[str, bytes]:
        """The other pictures of a request, by their names in it."""
        if among and self.card.adapted is not None:
            raise AdaptationError("this service judges among pictures of its own already; leave the field out")
        return {f"among[{i}]": image for i, image in enumerate(among)}

    async def _adaptation(self, others: Sequence[Row]) -> Adaptation | None:
        """To the other pictures of a request; where there are none, to the gallery."""
        if others:
            return adapt(np.stack(others), self.card, f"{len(others)} pictures of the request")
        gallery = self.gallery
        return None if gallery is None else await self._facts.run(lambda: gallery.adaptation)

    async def refuse_unreachable(self) -> None:
        """Make sure that the gallery, if there is one, can be read now."""
        if self.gallery is not None:
            try:
                await asyncio.wait_for(self._facts.run(self.gallery.state), _PATIENCE)
            except TimeoutError:
                raise busy("the gallery does not answer; try again in a moment") from None

    async def search(
        self, image: bytes, k: int = 20, min_probability: float | None = None, where: str | None = None
    ) -> list[Hit]:
        """The images of the gallery that are most like one, among those that meet a filter."""
        gallery = self._gallery()
        if where is not None:
            _refuse_no_filter(where)
        row = (await self.embed({"image": image}))["image"]
        with _named_problems(None):
            return await self.searches.run(
                lambda: gallery.search_embedding(row, k, min_probability=min_probability, where=where)
            )

    async def copies(self, image: bytes) -> list[Match]:
        """The images of the gallery that are copies of this very picture, and what is alike but no copy, last."""
        gallery = self._gallery()
        query = await self.query(image)
        return await self.comparisons.run(lambda: gallery.copies_of(query))

    async def query(self, image: bytes) -> PictureFile:
        """A picture to look for in the gallery, decoded within the same bounds as what is embedded."""
        from samekind.gallery.duplicates.query import query_picture  # noqa: PLC0415 - it imports OpenCV

        def read(data: bytes) -> PictureFile:
            return query_picture(data, max_pixels=self._limits.pixels, formats=FORMATS)

        with _named_refusals():
            return (await self._batcher.read({"image": image}, read))["image"]

    def _gallery(self) -> Gallery:
        if self.gallery is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no gallery; start the service with --gallery FILE")
        return self.gallery

    def close(self) -> None:
        """End the threads, after what they have accepted."""
        self.searches.close()
        self._facts.close()
        self.comparisons.close()
        self.surveys.close()
        self._batcher.close()

    async def embed(self, images: Mapping[str, bytes]) -> dict[str, Row]:
        """Embed images by their names in the request."""
        with _named_refusals():
            return await self._batcher.embed(images)


@contextmanager
def _named_refusals() -> Iterator[None]:
    """What the batcher does not take, as problems."""
    try:
        yield
    except BusyError:
        raise busy("too many images are waiting; try again in a moment") from None
    except TooManyPixelsError:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too many pixels in one request; send fewer or smaller images"
        ) from None
    except UnreadableError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors=error.reasons) from error


@contextmanager
def _named_problems(threshold: float | None) -> Iterator[None]:
    """What cannot be judged so, with the field at fault."""
    try:
        yield
    except NotCalibratedError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error
    except OperatingPointError as error:
        field = "operating_point" if threshold is None else "threshold"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={field: str(error)}) from error
    except AdaptationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={"among": str(error)}) from error


def _refuse_no_filter(where: str) -> None:
    """Make sure that a filter is one, before its picture is embedded."""
    from samekind.gallery.filters.grammar import parse_filter  # noqa: PLC0415 - galleries come with an extra

    try:
        parse_filter(where)
    except FilterError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={"where": str(error).removeprefix("where, ")}) from error
