"""Multipart forms, parsed in memory into pydantic models: nothing of an upload touches the disk."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, TypeVar, get_origin

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from python_multipart.multipart import parse_options_header

from samekind.server.http.multipart import MalformedError, Part, read_parts
from samekind.server.http.problems import Problem
from samekind.server.limits import FORMATS, Limits

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
    among: list[Upload] = Field(
        default=[],
        description="Ten to 29 other pictures of yours, the field repeated for each: judge among these, without "
        "labels. They are looked at in memory and forgotten.",
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
    where: str | None = Field(
        None,
        max_length=1000,
        description="Only among the images that meet a filter: path, folder, width, height, size, taken, mtime, with "
        "and, or, not, like, in, is known, and comparisons.",
        examples=["taken >= '2024-01-01' and path like 'shoes/%'"],
    )


class CopiesForm(Form):
    """A picture whose copies are looked for in the gallery."""

    image: Upload


# Names of operating points and numbers: no text that a form takes is longer.
_TEXT_BYTES = 1000
_TEXT_FIELDS = 16
# What a file may say to be where its sender does not know; the second is what Amazon S3 says of most.
_ANY_BYTES = frozenset({"", "application/octet-stream", "binary/octet-stream"})

AnyForm = TypeVar("AnyForm", bound=Form)


class _Bounds:
    """What one form may hold, counted while it arrives."""

    def __init__(self, form: type[Form], limits: Limits) -> None:
        self._form, self._limits = form, limits
        self._files = self._texts = 0

    def on_part(self, part: Part) -> None:
        """Refuse a part too many."""
        if self._is_file(part):
            self._files += 1
        else:
            self._texts += 1
        if self._files > self._limits.images:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {self._limits.images} images in one request")
        if self._texts > _TEXT_FIELDS:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {_TEXT_FIELDS} fields of text in one request")

    def on_data(self, part: Part, size: int) -> None:
        """Refuse a part that has grown too large."""
        most = self._limits.image_bytes if self._is_file(part) else _TEXT_BYTES
        if size > most:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, errors={part.name: f"larger than {most:,} bytes"})

    def _is_file(self, part: Part) -> bool:
        return part.is_named_file or _is_upload(self._form, part.name)


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
    options = parse_options_header(content_type)[1]
    if options.get(b"charset", b"utf-8").lower() not in {b"utf-8", b"utf8"}:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the text of forms as UTF-8, without another charset")
    if not (boundary := options.get(b"boundary")):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed multipart body: the content type names no boundary")
    bounds = _Bounds(form, limits)
    try:
        parts = await read_parts(request.stream(), boundary, bounds.on_part, bounds.on_data)
    except MalformedError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"malformed multipart body: {error}") from error
    fields: dict[str, Any] = {}
    for part in parts:
        name = part.name
        content = _file(part) if _is_upload(form, name) else _text(part, form)
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


def _file(part: Part) -> bytes:
    """The bytes of an image. Some clients send no file name with them, and storage says ``binary/octet-stream``."""
    kind = part.content_type
    if kind is not None and not kind.startswith("image/") and kind not in _ANY_BYTES:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, errors={part.name: f"an image file is needed, not {kind}"})
    if not part.content:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={part.name: "the file is empty"})
    return bytes(part.content)


def _text(part: Part, form: type[Form]) -> str:
    if part.is_named_file and part.name in form.model_fields:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={part.name: "takes text, not a file"})
    return part.content.decode("utf-8", "replace")


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
