from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.server.http.multipart import MalformedError, Part, read_parts

BOUNDARY = b"----x"


def body(*parts: tuple[bytes, bytes]) -> bytes:
    return (
        b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY, head, data) for head, data in parts)
        + b"--%s--\r\n" % BOUNDARY
    )


def parse(data: bytes, piece: int = 1 << 20, on_data=lambda *_: None) -> list[Part]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    return asyncio.run(read_parts(pieces(), BOUNDARY, lambda _: None, on_data))


@given(content=st.binary(max_size=300), piece=st.integers(1, 40))
def test_content_arrives_as_it_was_sent_in_pieces_of_any_size(content: bytes, piece: int) -> None:
    head = b'Content-Disposition: form-data; name="first"; filename="a.jpg"\r\nContent-Type: image/JPEG; q=1'
    if b"--" + BOUNDARY in content:
        return
    assert parse(body((head, content), (b'content-disposition: form-data; name="k"', b"5")), piece) == [
        Part("first", True, "image/jpeg", bytearray(content)),
        Part("k", False, None, bytearray(b"5")),
    ]


@pytest.mark.parametrize(
    "data",
    [
        body((b"Content-Disposition: form-data", b"x")),
        body((b"Content-Type: image/png", b"x")),
        b"no multipart at all, and long enough to see it",
        b"--other\r\n\r\n\r\n--other--\r\n",
    ],
)
def test_what_is_no_form(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(data)


@given(data=st.binary(max_size=400))
def test_nothing_else_is_raised(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        parse(b"--" + BOUNDARY + data, 7)


def test_a_part_is_refused_while_it_arrives() -> None:
    seen = []

    def refuse(part: Part, size: int) -> None:
        seen.append(size)
        if size > 100:
            raise PermissionError

    with pytest.raises(PermissionError):
        parse(body((b'Content-Disposition: form-data; name="a"', bytes(10_000))), 50, refuse)
    assert max(seen) < 200
