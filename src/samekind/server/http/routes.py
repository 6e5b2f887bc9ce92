"""The HTTP API, version 1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from samekind.model_file.card import Card
from samekind.server.http.problems import Problem, describe_problems
from samekind.server.http.replies import (
    CopiesReply,
    CopyReply,
    EmbeddingReply,
    Health,
    HitReply,
    SearchReply,
    TrioVerdictReply,
    VerdictReply,
    utf8_name,
)
from samekind.server.http.uploads import CopiesForm, EmbedForm, Form, PairForm, SearchForm, TrioForm, read_form
from samekind.server.limits import Limits
from samekind.server.prometheus import CONTENT_TYPE, Metrics
from samekind.server.service import Service

if TYPE_CHECKING:  # importing it imports FAISS
    from samekind.gallery import Match

_Answer = TypeVar("_Answer")

_UPLOAD_PROBLEMS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def api_router(service: Service, limits: Limits) -> APIRouter:
    """What the model can do."""
    router = APIRouter(prefix="/api/v1", tags=["judging"])

    @router.post("/verify", summary="Judge two images", response_model=VerdictReply, **_upload_route(PairForm))
    async def verify(request: Request) -> Any:
        """Do two images show the same kind of thing? Their order makes no difference."""
        form = await read_form(request, PairForm, limits)
        images = {"first": form.first, "second": form.second}
        verdict, _ = await _unless_gone(
            request, service.verify(images, form.operating_point, form.threshold, form.among)
        )
        return verdict

    @router.post(
        "/trio",
        summary="Judge three images",
        response_model=TrioVerdictReply,
        **_upload_route(TrioForm, HTTPStatus.NOT_FOUND),
    )
    async def trio(request: Request) -> Any:
        """Do at least two of three images show the same kind of thing? Their order makes no difference."""
        form = await read_form(request, TrioForm, limits)
        images = {"first": form.first, "second": form.second, "third": form.third}
        verdict, _ = await _unless_gone(
            request, service.verify_trio(images, form.operating_point, form.threshold, form.among)
        )
        return verdict

    @router.post("/embed", summary="Embed images", response_model=EmbeddingReply, **_upload_route(EmbedForm))
    async def embed(request: Request) -> Any:
        """Embed images: unit vectors whose dot products are the similarities."""
        form = await read_form(request, EmbedForm, limits)
        rows = await _unless_gone(
            request, service.embed({f"images[{i}]": image for i, image in enumerate(form.images)})
        )
        return EmbeddingReply(
            model=service.card.name,
            fingerprint=service.card.fingerprint,
            dimension=service.card.dimension,
            embeddings=[row.tolist() for row in rows.values()],
        )

    @router.post(
        "/search",
        summary="Search the gallery",
        response_model=SearchReply,
        **_upload_route(SearchForm, HTTPStatus.NOT_FOUND),
    )
    async def search(request: Request) -> Any:
        """The images of the gallery that are most like one, the most alike first."""
        form = await read_form(request, SearchForm, limits)
        hits = await _unless_gone(request, service.search(form.image, form.k, form.min_probability, form.where))
        # The name within the gallery: where the gallery lies on this machine is nobody's business.
        return SearchReply(
            model=service.card.name,
            hits=[
                HitReply(path=utf8_name(hit.row.name), similarity=hit.similarity, probability=hit.probability)
                for hit in hits
            ],
        )

    @router.post(
        "/copies",
        summary="Find copies of a picture in the gallery",
        response_model=CopiesReply,
        **_upload_route(CopiesForm, HTTPStatus.NOT_FOUND),
    )
    async def copies(request: Request) -> Any:
        """Whether this very picture is in the gallery: its copies there, of what kind, how sure, and why."""
        form = await read_form(request, CopiesForm, limits)
        return CopiesReply(copies=[_copy(match) for match in await _unless_gone(request, service.copies(form.image))])

    @router.get("/model", summary="The model's card", response_model=Card)
    async def model() -> Any:
        """The model's card: what it is, what it was trained on, its operating points and their error rates."""
        return service.card

    return router


def operations_router(metrics: Metrics, is_ready: Callable[[], bool], service: Service) -> APIRouter:
    """What those who run the service ask."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="Alive?", response_model=Health)
    async def healthz() -> Any:
        """Whether the process lives."""
        return Health(status="ok")

    @router.get(
        "/readyz",
        summary="Ready?",
        response_model=Health,
        responses=describe_problems([HTTPStatus.SERVICE_UNAVAILABLE]),
    )
    async def readyz() -> Any:
        """Whether requests are welcome: model and gallery are there, and the service is not about to end."""
        if not is_ready():
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is about to end", headers={"Retry-After": "5"})
        await service.refuse_unreachable()
        return Health(status="ready")

    @router.get(
        "/metrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def prometheus() -> Response:
        """Numbers in Prometheus' text format."""
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _copy(match: Match) -> CopyReply:
    evidence = match.evidence
    assert evidence is not None
    return CopyReply(
        path=utf8_name(match.row.name),
        relation=evidence.relation,
        kinds=list(evidence.kinds),
        certainty=evidence.certainty,
        evidence=match.words(),
        doubt=evidence.why,
        agreeing=evidence.agreeing,
        difference=evidence.difference,
    )


async def _unless_gone(request: Request, work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Do work on a body that has arrived, or give it up when the client leaves, who would not hear the answer."""

    async def leave() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    answer, gone = asyncio.ensure_future(work), asyncio.ensure_future(leave())
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        answer.cancel()
        gone.cancel()


def _upload_route(form: type[Form], *further: HTTPStatus) -> dict[str, Any]:
    """How OpenAPI describes a route that takes a multipart form: FastAPI does not parse it, ``read_form`` does."""
    return {
        "responses": describe_problems([*_UPLOAD_PROBLEMS, *further]),
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": form.model_json_schema()}},
            }
        },
    }
