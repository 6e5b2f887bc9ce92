"""Every error as a problem document (RFC 9457) that names the field at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"

_TYPES = {
    HTTPStatus.BAD_REQUEST: "malformed-request",
    HTTPStatus.UNAUTHORIZED: "key-missing",
    HTTPStatus.FORBIDDEN: "cross-site",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.REQUEST_TIMEOUT: "too-slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.MISDIRECTED_REQUEST: "unknown-host",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid-field",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
}


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str = Field(description="The name of the field, as sent.", examples=["second"])
    detail: str = Field(description="What is wrong with it.", examples=["broken or truncated image"])


class ProblemDocument(BaseModel):
    """A problem document, RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:samekind:problem:invalid-field",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "second: broken or truncated image",
                    "errors": [{"field": "second", "detail": "broken or truncated image"}],
                }
            ]
        }
    )

    type: str = Field(description="Names the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, and what to do.")
    errors: list[FieldProblem] = Field(default=[], description="The fields at fault, where there are any.")


class Problem(Exception):  # noqa: N818 - the RFC's word; it becomes a document, not a traceback
    """Raised anywhere in the service, sent as a problem document.

    Args:
        status: The HTTP status.
        detail: What is wrong and what to do, in a sentence. For fields it is made of their problems.
        errors: Fields at fault and what is wrong with each.
        headers: Further headers of the response.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str = "",
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.errors = dict(errors or {})
        self.detail = detail or "; ".join(f"{field}: {reason}" for field, reason in self.errors.items())
        super().__init__(self.detail)
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The problem as a response of its own media type."""
        document = ProblemDocument(
            type=f"urn:samekind:problem:{_TYPES[self.status]}" if self.status in _TYPES else "about:blank",
            title=self.status.phrase,
            status=self.status,
            detail=self.detail,
            errors=[FieldProblem(field=field, detail=detail) for field, detail in self.errors.items()],
        )
        return JSONResponse(document.model_dump(), self.status, self.headers, MEDIA_TYPE)


def busy(detail: str) -> Problem:
    """503 with the advice to come back in a second."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "1"})


def describe_problems(statuses: Sequence[HTTPStatus]) -> dict[int | str, dict[str, object]]:
    """The ``responses`` of a route for OpenAPI."""
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {int(s): {"description": s.phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


def install_handlers(app: FastAPI) -> None:
    """Make the app answer every error with a problem document."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(HTTPException)
    async def _http_exception(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        if status is HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path}; /docs lists what there is"
        elif status is HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.url.path} does not take {request.method}; see the header Allow"
        else:
            detail = error.detail
        return Problem(status, detail, headers=error.headers).response()

    @app.exception_handler(ClientDisconnect)
    async def _client_gone(_: Request, __: ClientDisconnect) -> Response:
        # Nobody is there to read it; without an answer the server would log a traceback.
        return Problem(HTTPStatus.BAD_REQUEST, "the client left before its request was complete").response()

    @app.exception_handler(Exception)
    async def _internal(_: Request, __: Exception) -> Response:
        detail = "the service failed at this request; its log says how"
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail).response()
