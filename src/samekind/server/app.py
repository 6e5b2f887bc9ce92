"""The whole service as one ASGI app: the guard, behind it the API and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from samekind.recognizer import Recognizer
from samekind.server.batcher import Batcher
from samekind.server.http.access import Access
from samekind.server.http.documentation import document
from samekind.server.http.guard import Guard
from samekind.server.http.head import answer_head
from samekind.server.http.problems import install_handlers
from samekind.server.http.routes import api_router, operations_router
from samekind.server.limits import Limits
from samekind.server.prometheus import Metrics
from samekind.server.service import Service

if TYPE_CHECKING:  # importing these imports FAISS and Gradio
    from samekind.gallery import Gallery
    from samekind.server.page.mount import Page


def create_app(
    recognizer: Recognizer,
    *,
    limits: Limits | None = None,
    access: Access | None = None,
    gallery: Gallery | None = None,
    page: bool = True,
    workers: int | None = None,
    decoders: int | None = None,
    root_path: str = "",
) -> Guard:
    """Build the service around a loaded model.

    Args:
        recognizer: The model. On a CPU load it with ``threads=1``; the batcher has a worker for each core.
        limits: The bounds; default ``Limits()``.
        access: Who may ask; default everybody who can reach it.
        gallery: Where /search and /copies look, opened for reading and of the same model; None for none.
        page: Whether to serve the web page too.
        workers: Threads that run the network; default one for each core that this process may use.
        decoders: Threads that decode; the same default.
        root_path: The path below which a proxy shows the service, such as ``/samekind``; a proxy may say so itself
            in the header X-Forwarded-Prefix.

    Returns:
        An ASGI app.
    """
    limits, access, metrics = limits or Limits(), access or Access(), Metrics()
    batcher = Batcher(recognizer.encoder, limits, workers=workers, decoders=decoders, on_batch=metrics.count_batch)
    service = Service(recognizer, batcher, gallery, limits)
    web = None
    if page:
        from samekind.server.page.mount import build_page  # noqa: PLC0415 - it imports Gradio, for seconds

        web = build_page(service, limits)
    api = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would cost an upload its body; each path is spelt in one way.
        redirect_slashes=False,
        lifespan=lambda _: _lifespan(service, web),
    )
    install_handlers(api)
    api.include_router(api_router(service, limits))
    guard = Guard(_Dispatch(api, web), limits, access, metrics, root_path)
    operations = operations_router(metrics, lambda: not guard.draining, service)
    api.include_router(operations, prefix="/api/v1")
    api.include_router(operations, include_in_schema=False)  # where probes and scrapers look by habit
    document(api, with_key=access.key is not None)
    if web:
        api.mount("/examples", StaticFiles(packages=[("samekind.server.page", "examples")]))
        if gallery is not None:
            from samekind.server.page.gallery.pictures import gallery_router  # noqa: PLC0415 - it imports OpenCV

            api.include_router(gallery_router(service, gallery))
    metrics.watch("waiting_images", "Images accepted and not yet embedded.", lambda: batcher.waiting)
    metrics.watch("held_bytes", "Bytes of bodies being received or judged.", lambda: guard.held_bytes)
    return guard


class _Dispatch:
    """The page's own addresses to the page, everything else to the API, which answers HEAD as it would GET."""

    def __init__(self, api: ASGIApp, page: Page | None) -> None:
        self._api, self._page = api, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif self._page is not None and self._page.takes(scope):
            await self._page(scope, receive, send)
        elif scope["method"] == "HEAD":
            await answer_head(self._api, scope, receive, send)
        else:
            await self._api(scope, receive, send)


@asynccontextmanager
async def _lifespan(service: Service, page: Page | None) -> AsyncIterator[None]:
    try:
        async with page.lifespan() if page else nullcontext():
            yield
    finally:
        service.close()
