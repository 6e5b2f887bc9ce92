"""The gallery's pictures as the page shows them large, and what two of them differ in. By number, never by path."""

from __future__ import annotations

import io
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Response
from PIL import Image

from samekind.errors import GalleryError, ImageError
from samekind.gallery import Gallery
from samekind.gallery.duplicates.pictures.difference import draw_difference
from samekind.gallery.store.image_source import source_of
from samekind.images import Pixels, read_image
from samekind.server.http.problems import Problem
from samekind.server.service import Service

# The longer side of a picture that is shown large, in pixels.
_LARGE, _QUALITY = 1600, 85
# Long enough to leaf to and fro.
_KEPT = {"Cache-Control": "private, max-age=60"}


def gallery_router(service: Service, gallery: Gallery) -> APIRouter:
    """Addresses for the page alone; programs have the files."""
    router = APIRouter(include_in_schema=False)

    @router.get("/gallery/{number:int}")
    async def large(number: int) -> Response:
        def draw() -> Pixels:
            row = gallery.row(number)
            if not row.is_here:
                raise ImageError("it is behind an address, and the service asks no other server for it")
            return read_image(source_of(row), _LARGE, damaged="read", squashed=False).pixels

        return await _shown(service, draw)

    @router.get("/gallery/{first:int}/{second:int}")
    async def difference(first: int, second: int) -> Response:
        def draw() -> Pixels:
            files = [gallery.picture_file(number) for number in (first, second)]
            if not all(file.row.is_here for file in files):
                raise ImageError("one is behind an address")
            drawn = draw_difference(*files)
            if drawn is None:
                raise ImageError("the one cannot be laid on the other")
            return drawn

        return await _shown(service, draw)

    return router


async def _shown(service: Service, draw: Callable[[], Pixels]) -> Response:
    def encoded() -> bytes | None:
        try:
            pixels = draw()
        except (GalleryError, ImageError):  # what is wrong may name where the gallery lies
            return None
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=_QUALITY)
        return data.getvalue()

    content = await service.comparisons.run(encoded)
    if content is None:
        raise Problem(HTTPStatus.NOT_FOUND, "the gallery has no such picture, or it cannot be read any more")
    return Response(content, media_type="image/jpeg", headers=_KEPT)
