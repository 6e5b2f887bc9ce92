"""Multipart forms, parsed in memory into pydantic models: nothing of an upload touches the disk."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Annotated, Any, TypeVar, get_origin

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from samekind.server.limits import FORMATS, Limits
from samekind.server.problems import Problem

Upload = Annotated[
    bytes,
    WithJsonSchema({"type": "string", "format": "binary", "description": f"An image file: {', '.join(FORMATS)}."}),
]


class Form(BaseModel):
    """A multipart form. Its fields are the documentation, the parser's rules and the names in messages."""

    model_config = ConfigDict(extra="forbid")


class Judging(Form):
    """How to turn similarities into a yes or no; the same names as in Python and on the command line."""

    operating_point: str | None = Field(
        None, description="A threshold by name; GET /api/v1/model lists them. Default: balanced.", examples=["balanced"]
    )
    threshold: float | None = Field(
        None, description="A number instead: a similarity in [-1, 1] for pairs, a probability in [0, 1] for trios."
    )


class PairForm(Judging):
    """Two images."""

    first: Upload
    second: Upload


class TrioForm(Judging):
    """Three images."""

    first: Upload
    second: Upload
    third: Upload


class EmbedForm(Form):
    """Any number of images, the field repeated for each."""

    images: list[Upload] = Field(min_length=1)


class SearchForm(Form):
    """A query to the gallery."""

    image: Upload
    k: int = Field(20, ge=1, le=200, description="How many of the most alike to return at most.")
    min_probability: float | None = Field(
        None, ge=0, le=1, description="Leave out those less probably of the same class."
    )


# Names of operating points and numbers: no text that a form takes is longer.
_TEXT_BYTES = 1000
_TEXT_FIELDS = 16

AnyForm = TypeVar("AnyForm", bound=Form)


class _InMemoryParser(MultiPartParser):
    """Starlette's parser, with bounds of ours that are kept while the body arrives."""

    # Starlette would spool files to disk from here on. The guard has bounded the body, so memory holds it.
    spool_max_size = 1 << 62

    def __init__(self, request: Request, limits: Limits) -> None:
        # Starlette's own bounds on numbers are off: it calls what is beyond them malformed.
        super().__init__(request.headers, request.stream(), max_files=math.inf, max_fields=math.inf)
        self._limits = limits
        self._part_bytes = 0

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        self._part_bytes = 0
        if self._current_files > self._limits.images:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {self._limits.images} images in one request")
        if self._current_fields > _TEXT_FIELDS:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {_TEXT_FIELDS} fields of text in one request")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._part_bytes += end - start
        most = _TEXT_BYTES if self._current_part.file is None else self._limits.image_bytes
        if self._part_bytes > most:
            reason = f"larger than {most:,} bytes"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, errors={self._current_part.field_name: reason})
        super().on_part_data(data, start, end)


async def read_form(request: Request, form: type[AnyForm], limits: Limits) -> AnyForm:
    """Parse and check a multipart form.

    Raises:
        Problem: 415 for another content type or charset, 400 for a malformed body, 413 for a file or text too large or
            too many of them, 422 for fields that are missing, unknown, given twice or out of range.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"send multipart/form-data with files, not {content_type or 'a body without a content type'}",
            headers={"Accept-Post": "multipart/form-data"},
        )
    # Python would decode with any of its codecs that a client names, and some take time that grows with the square.
    charset = parse_options_header(content_type)[1].get(b"charset", b"utf-8")
    if charset.lower() not in {b"utf-8", b"utf8"}:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the text of forms as UTF-8, without another charset")
    try:
        items = (await _InMemoryParser(request, limits).parse()).multi_items()
    except MultiPartException as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"malformed multipart body: {error.message}") from error
    fields: dict[str, Any] = {}
    for name, value in items:
        content = await _read(name, value, form) if isinstance(value, UploadFile) else _text(name, value, form)
        if _is_list(form, name):
            fields.setdefault(name, []).append(content)
        elif name in fields:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={name: "given more than once"})
        else:
            fields[name] = content
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors=_reasons(error, form)) from error


async def _read(name: str, upload: UploadFile, form: type[Form]) -> bytes:
    if name in form.model_fields and not _is_upload(form, name):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={name: "takes text, not a file"})
    kind = (upload.content_type or "application/octet-stream").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, errors={name: f"an image file is needed, not {kind}"})
    content = await upload.read()
    await upload.close()
    if not content:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={name: "the file is empty"})
    return content


def _text(name: str, value: str, form: type[Form]) -> str:
    if _is_upload(form, name):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={name: "send an image file, with a file name"})
    return value


def _is_list(form: type[Form], name: str) -> bool:
    return name in form.model_fields and get_origin(form.model_fields[name].annotation) is list


def _is_upload(form: type[Form], name: str) -> bool:
    return name in form.model_fields and (_is_list(form, name) or form.model_fields[name].annotation is bytes)


def _reasons(error: ValidationError, form: type[Form]) -> dict[str, str]:
    reasons = {}
    for problem in error.errors():
        name = str(problem["loc"][0])
        match problem["type"]:
            case "missing":
                reasons[name] = "missing; send an image file"
            case "extra_forbidden":
                reasons[name] = f"not a field of this request; it takes {', '.join(form.model_fields)}"
            case _:
                reasons[name] = problem["msg"]
    return reasons
