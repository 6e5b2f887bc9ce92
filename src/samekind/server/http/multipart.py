"""Multipart forms (RFC 7578), taken apart in memory while they arrive: nothing of them touches the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


class MalformedError(ValueError):
    """A body that is no multipart form."""


@dataclass
class Part:
    """One field of a form.

    Attributes:
        name: The name of the field.
        is_named_file: Whether it came with a file name, as browsers send files. Some clients leave it out.
        content_type: What it says to be, without parameters, in lower case; None if it does not say.
        content: Its bytes.
    """

    name: str = ""
    is_named_file: bool = False
    content_type: str | None = None
    content: bytearray = field(default_factory=bytearray)


async def read_parts(
    body: AsyncIterator[bytes],
    boundary: bytes,
    on_part: Callable[[Part], None],
    on_data: Callable[[Part, int], None],
) -> list[Part]:
    """The parts of a multipart body.

    Args:
        body: The body, as it arrives.
        boundary: From the header Content-Type.
        on_part: Called with each part when its headers have arrived; may raise to refuse it.
        on_data: Called with a part and its size before bytes are added to it; may raise to refuse them.

    Raises:
        MalformedError: It is no multipart body, or a part of it has no name.
    """
    assembly = _Assembly(on_part, on_data)
    try:
        parser = MultipartParser(boundary, assembly.callbacks())  # type: ignore[arg-type]
        async for piece in body:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise MalformedError("it is not made as RFC 7578 says") from error
    return assembly.complete


class _Assembly:
    """Puts parts together from what the parser reports."""

    def __init__(self, on_part: Callable[[Part], None], on_data: Callable[[Part, int], None]) -> None:
        self.complete: list[Part] = []
        self._on_part, self._on_data = on_part, on_data
        self._part = Part()
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = bytearray(), bytearray()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": partial(self._add, self._name),
            "on_header_value": partial(self._add, self._value),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._part, self._headers = Part(), {}

    @staticmethod
    def _add(to: bytearray, data: bytes, start: int, end: int) -> None:
        to += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise MalformedError("a part has no name")
        self._part.name = _text(options[b"name"])
        self._part.is_named_file = b"filename" in options
        if (kind := self._headers.get(b"content-type")) is not None:
            self._part.content_type = _text(kind).partition(";")[0].strip().lower()
        self._on_part(self._part)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._on_data(self._part, len(self._part.content) + end - start)
        self._part.content += data[start:end]

    def _end(self, *_: Any) -> None:
        self.complete.append(self._part)


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded.decode("latin-1")
