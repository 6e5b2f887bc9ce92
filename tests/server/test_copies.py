"""``POST /api/v1/copies``: is this very picture in the gallery?"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from copies.conftest import photo as drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samekind.gallery import Gallery
from samekind.server.limits import FORMATS


@pytest.fixture(scope="module")
def client(album_service):
    with album_service.client() as client:
        yield client


def ask(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/api/v1/copies", files={"image": ("a.jpg", content)})


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def test_it_answers_as_the_gallery_does(client, album: Path) -> None:
    content = encoded(drawn(3, 480, 360).crop((50, 40, 430, 330)), quality=88)
    answer = ask(client, content)
    assert answer.status_code == 200, answer.text
    with Gallery.open(album, read_only=True) as gallery:
        matches = gallery.copies_of(content)
    assert [(c["path"], c["evidence"]) for c in answer.json()["copies"]] == [(m.row.name, m.words()) for m in matches]
    first = answer.json()["copies"][0]
    assert (first["path"], first["relation"], first["certainty"]) == ("photos/03.jpg", "copy", "sure")
    assert "cropped" in first["kinds"]
    assert first["doubt"] == ""
    assert first["agreeing"] >= 8


def test_the_same_file_is_exact_and_other_pictures_are_none(client, album: Path) -> None:
    same = ask(client, (album.parent / "photos/05.jpg").read_bytes()).json()["copies"]
    assert (same[0]["path"], same[0]["kinds"], same[0]["evidence"]) == (
        "photos/05.jpg",
        ["exact"],
        "exact, sure: the same bytes",
    )
    assert ask(client, encoded(drawn(999, 480, 360))).json() == {"copies": []}


def test_what_is_to_be_looked_at_and_what_is_no_copy_are_told_apart(client, album: Path) -> None:
    captioned = ask(client, encoded(drawn(22, 480, 360), quality=95)).json()["copies"]
    by_path = {copy["path"]: copy for copy in captioned}
    assert by_path["photos/22.jpg"]["certainty"] == "sure"
    caption = by_path["photos/edited/22-caption.jpg"]
    assert caption["certainty"] == "look"
    assert caption["doubt"]
    recoloured = ask(client, encoded(drawn(23, 480, 360), quality=95)).json()["copies"]
    other = next(copy for copy in recoloured if copy["path"] == "photos/edited/23-red.jpg")
    assert (other["relation"] != "copy", other["kinds"], other["certainty"]) == (True, [], "look")
    assert [copy["relation"] for copy in recoloured][-1] != "copy"  # what is no copy stands last


def test_without_a_gallery_there_is_nothing_to_look_in(limited) -> None:
    with limited().client() as client:
        answer = ask(client, encoded(drawn(0)))
    assert (answer.status_code, "--gallery" in answer.json()["detail"]) == (404, True)


def png(width: int, height: int, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def endless_scans() -> bytes:
    whole = encoded(Image.new("RGB", (64, 64), "red"))
    scan = whole.index(b"\xff\xda")
    return whole[:scan] + whole[scan:-2] * 200 + whole[-2:]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"text", "not a JPEG, PNG"),
        (b"\xff\xd8\xff no more of it", "not a JPEG, PNG"),
        (encoded(drawn(0))[:400], "broken or truncated"),
        (png(30_000, 30_000), "at most 50,000,000 pixels"),
        (png(200, 200, b"\0" * 10), "broken or truncated"),
        (endless_scans(), "scans"),
        (encoded(Image.new("RGB", (60, 40)), "TIFF"), "not a JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a JPEG, PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG, PNG"),
    ],
)
def test_a_hostile_upload_gets_a_sentence(client, content: bytes, says: str) -> None:
    answer = ask(client, content)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    [problem] = answer.json()["errors"]
    assert problem["field"] == "image"
    assert says in problem["detail"]


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (1, 1), "red"),
        Image.new("RGB", (1, 4000), "red"),
        Image.new("L", (3000, 2), 5),
        Image.new("RGBA", (50, 50), (0, 0, 0, 0)),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (3000, 2000), np.uint8)),
    ],
    ids=["a pixel", "a line", "a strip", "nothing", "noise"],
)
def test_odd_pictures_have_no_copies_and_break_nothing(client, image: Image.Image) -> None:
    answer = ask(client, encoded(image, "PNG"))
    assert (answer.status_code, answer.json()) == (200, {"copies": []})


@settings(max_examples=25)
@given(st.data())
def test_bent_bytes_of_a_picture_never_break_it(client, data) -> None:
    content = bytearray(encoded(drawn(1, 160, 120), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP"]))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] ^= data.draw(st.integers(1, 255))
    answer = ask(client, bytes(content[: data.draw(st.integers(1, len(content)))]))
    assert answer.status_code in {200, 422}
    assert "Traceback" not in answer.text


def test_heic_is_taken_where_its_extra_is_installed(client, album: Path) -> None:
    pytest.importorskip("pillow_heif")
    assert "HEIF" in FORMATS
    [first, *_] = ask(client, encoded(drawn(4, 480, 360), "HEIF", quality=90)).json()["copies"]
    assert first["path"] == "photos/04.jpg"
    judged = client.post(
        "/api/v1/verify",
        files={name: ("a.heic", encoded(drawn(4, 480, 360), "HEIF")) for name in ("first", "second")},
    )
    assert judged.json()["same"]
