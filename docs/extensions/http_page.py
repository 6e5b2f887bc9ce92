"""The HTTP API from the OpenAPI document that the service answers with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extensions.generated import in_cell, schema_type, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", lambda _: _write())
    return {"parallel_read_safe": True}


def _write() -> None:
    document = _openapi()
    write_page("openapi.json", json.dumps(document, indent=2, ensure_ascii=False))
    write_page("http.md", http_page(document))


def _openapi() -> dict[str, Any]:
    """What `/openapi.json` of a service without a gallery answers."""
    from fastapi.testclient import TestClient

    import samekind
    from samekind.server.app import create_app

    with TestClient(create_app(samekind.load(threads=1), page=False, workers=1, decoders=1)) as client:
        answer: dict[str, Any] = client.get("/openapi.json").json()
    return answer


def http_page(document: dict[str, Any]) -> str:
    """The page, in Markdown."""
    about = (
        "`samekind serve` answers these addresses. This page is made from its OpenAPI document. A running service "
        "has it at `/openapi.json`, and here it is to {download}`download <openapi.json>`. "
        "[Serving](../serving.md) tells how to run it."
    )
    parts = ["# HTTP API", about]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation, document)
    parts += ["## What is answered"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if "properties" in schema and not name.startswith("Body_"):
            parts += [f"### {name}", in_cell(_first(schema.get("description", ""))), _fields(schema)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _operation(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield f"## `{method.upper()} {path}`"
    yield in_cell(operation.get("summary", "")) + ("." if operation.get("summary") else "")
    yield operation.get("description", "").strip()
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content["schema"], document)
        yield f"Fields of the form, `{kind}`:"
        yield _fields(schema)
    answers = []
    for status, response in operation["responses"].items():
        kinds = ", ".join(f"`{kind}`" for kind in response.get("content", {}))
        answers.append(f"| {status} | {in_cell(response.get('description', ''))} | {kinds} |")
    yield "\n".join(["| status | when | type |", "|---|---|---|", *answers])


def _fields(schema: dict[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    rows = []
    for name, entry in schema.get("properties", {}).items():
        kind = in_cell(schema_type(entry)) + (", needed" if name in needed else "")
        rows.append(f"| `{name}` | {kind} | {in_cell(entry.get('description', ''))} |")
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _first(text: str) -> str:
    return text.partition("\n\n")[0]
