"""OpenAPI at /openapi.json, and a page to read and try it at /docs that asks no other host for anything."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema

import samekind
from samekind.errors import ServeError
from samekind.server.http.problems import ProblemDocument
from samekind.server.http.sub_path import prefix_of

# The files of Swagger UI, which FastAPI's own page would fetch from another host.
_SWAGGER = Path(fastapi_offline.__file__).parent / "static"
_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")

# They hold the path below which they were asked for.
_NOT_KEPT = {"Cache-Control": "no-store"}

_DESCRIPTION = """Are these pictures the same kind of thing? Send two images, or three, as multipart files; the answer
is a verdict with a calibrated probability and a threshold whose error rates were measured.

    curl -F first=@a.jpg -F second=@b.jpg http://127.0.0.1:8000/api/v1/verify

Errors are problem documents (RFC 9457) that name the field at fault. When the service has too much to do it answers 503
with Retry-After. Uploads are judged in memory and forgotten."""


def document(api: FastAPI, *, with_key: bool) -> None:
    """Add /openapi.json and /docs to the app, whose routes are complete.

    Raises:
        ServeError: The files of Swagger UI are not where they were.
    """
    if missing := [name for name in _SWAGGER_FILES if not (_SWAGGER / name).is_file()]:
        raise ServeError(
            f"fastapi-offline {version('fastapi-offline')} has no static/{missing[0]}, which /docs is made of; "
            'install the version that samekind was tested with: pip install "fastapi-offline>=1.7,<2"'
        )
    schema = _openapi(api, with_key=with_key)

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request, response: Response) -> dict[str, Any]:
        response.headers.update(_NOT_KEPT)
        prefix = prefix_of(request.scope)
        return {**schema, "servers": [{"url": prefix}]} if prefix else schema

    @api.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        prefix = prefix_of(request.scope)
        page = get_swagger_ui_html(
            openapi_url=f"{prefix}/openapi.json",
            title="samekind: the HTTP API",
            swagger_js_url=f"{prefix}/docs/files/swagger-ui-bundle.js",
            swagger_css_url=f"{prefix}/docs/files/swagger-ui.css",
            swagger_favicon_url=f"{prefix}/docs/files/favicon.png",
            # Swagger UI would otherwise ask its makers' server whether the document is valid.
            swagger_ui_parameters={"validatorUrl": None, "supportedSubmitMethods": ["get", "post"]},
        )
        page.headers.update(_NOT_KEPT)
        return page

    api.mount("/docs/files", StaticFiles(directory=_SWAGGER))


def _openapi(api: FastAPI, *, with_key: bool) -> dict[str, Any]:
    schema = get_openapi(title="samekind", version=samekind.__version__, description=_DESCRIPTION, routes=api.routes)
    components = schema.setdefault("components", {})
    _, problems = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(problems["$defs"])
    if with_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
    return schema
