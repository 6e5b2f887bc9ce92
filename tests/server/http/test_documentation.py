from __future__ import annotations

from dataclasses import fields

import pytest

from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.server.http.replies import TrioVerdictReply, VerdictReply
from samekind.server.http.uploads import PairForm, TrioForm


@pytest.fixture
def schema(service):
    with service.client() as client:
        return client.get("/openapi.json").json()


@pytest.mark.parametrize(("reply", "verdict"), [(VerdictReply, Verdict), (TrioVerdictReply, TrioVerdict)])
def test_replies_have_the_fields_of_python(reply, verdict) -> None:
    assert list(reply.model_fields) == [field.name for field in fields(verdict)]


@pytest.mark.parametrize(("form", "method"), [(PairForm, "verify"), (TrioForm, "verify_trio")])
def test_forms_have_the_parameters_of_python(form, method) -> None:
    import inspect

    from samekind import Recognizer

    # Other pictures to judge among come with the request; in Python a recognizer is adapted to them.
    python = set(inspect.signature(getattr(Recognizer, method)).parameters) - {"self"} | {"among"}
    assert set(form.model_fields) == python


def test_every_upload_is_described_with_its_fields_and_problems(schema) -> None:
    for name in ("verify", "trio", "embed", "search", "copies"):
        operation = schema["paths"][f"/api/v1/{name}"]["post"]
        form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert form["required"]
        assert {"400", "408", "413", "415", "422", "503"} <= set(operation["responses"])
        assert "application/problem+json" in operation["responses"]["422"]["content"]


def test_every_reference_leads_somewhere(schema) -> None:
    import json
    import re

    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)):
        assert name in schema["components"]["schemas"]


def test_there_are_examples_of_every_answer(schema) -> None:
    for name in ("VerdictReply", "TrioVerdictReply", "EmbeddingReply", "SearchReply", "CopiesReply", "ProblemDocument"):
        described = schema["components"]["schemas"][name]
        assert "examples" in described, name


def test_docs_come_from_here(service) -> None:
    with service.client() as client:
        page = client.get("/docs").text
        assert "https://" not in page
        assert client.get("/docs/files/swagger-ui-bundle.js").status_code == 200


def test_a_swagger_that_has_moved_is_named(tmp_path, monkeypatch) -> None:
    from fastapi import FastAPI

    from samekind.errors import ServeError
    from samekind.server.http import documentation

    monkeypatch.setattr(documentation, "_SWAGGER", tmp_path)
    with pytest.raises(ServeError, match=r"fastapi-offline .* has no static/swagger-ui-bundle\.js"):
        documentation.document(FastAPI(), with_key=False)
