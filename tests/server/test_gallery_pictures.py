"""The gallery's pictures for the page: by number alone, decoded anew, never the file itself."""

from __future__ import annotations

import base64
import io
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from commands import command
from copies.conftest import photo as drawn
from PIL import Image
from services import start

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.server.page.gallery.markup import shown_row


@pytest.fixture
def numbers(album: Path) -> dict[str, int]:
    with Gallery.open(album, read_only=True) as gallery:
        return {row.name: row.id for row in gallery}


def test_a_picture_is_sent_as_jpeg_without_what_else_its_file_holds(album_service, numbers) -> None:
    with album_service.client() as client:
        answer = client.get(f"/gallery/{numbers['photos/03.jpg']}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.size, dict(image.getexif())) == ((480, 360), {})


def test_a_difference_is_drawn_of_two(album_service, numbers) -> None:
    with album_service.client() as client:
        answer = client.get(f"/gallery/{numbers['photos/03.jpg']}/{numbers['photos/small/03.jpg']}")
        assert answer.status_code == 200
        none = client.get(f"/gallery/{numbers['photos/03.jpg']}/{numbers['photos/04.jpg']}")
    assert none.status_code == 404  # the one cannot be laid on the other


@pytest.mark.parametrize(
    "path", ["/gallery/999999", "/gallery/0", "/gallery/-1", "/gallery/1/999999", "/gallery/../../etc/passwd"]
)
def test_what_is_not_there_is_a_problem_and_names_no_path(album_service, path) -> None:
    with album_service.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "album" not in answer.text


@pytest.mark.parametrize("number", ["x", "1.5", "%2e%2e%2fetc", "9" * 30])
def test_a_number_is_a_number(album_service, number) -> None:
    with album_service.client() as client:
        answer = client.get(f"/gallery/{number}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_without_a_page_or_a_gallery_there_are_no_pictures(limited, tiny_model) -> None:
    with limited().client() as client:
        assert client.get("/gallery/1").status_code == 404


def test_pictures_within_a_tar_are_sent_until_it_is_gone(tiny_model, tmp_path: Path) -> None:
    drawn(0, 480, 360).save(tmp_path / "0.jpg")
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(tmp_path / "0.jpg", "0.jpg")
    samekind.embed(tmp_path / "all.tar", tmp_path / "shards", model=tiny_model)
    with Gallery.open(tmp_path / "all.samekind", model=tiny_model) as gallery:
        gallery.add_shards(tmp_path / "shards")
        (row,) = gallery
        shown = shown_row(gallery, row, "70 %")
    assert picture_in(shown.source).size == (192, 144)
    running = start(command("serve", "--port", "0", "--gallery", tmp_path / "all.samekind"), tmp_path / "log.txt")
    with running.client() as client:
        answer = client.get(f"/{shown.address}")
        assert answer.status_code == 200
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (480, 360)
        (tmp_path / "all.tar").unlink()
        assert client.get(f"/{shown.address}").status_code == 404
    assert running.stop() == 0
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def picture_in(source: str | None) -> Image.Image:
    """The picture of a data URI."""
    assert source is not None
    kind, _, content = source.partition(";base64,")
    assert kind == "data:image/webp"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_pictures_behind_an_address_are_shown_in_small_and_nobody_is_asked(tiny_model, tmp_path: Path) -> None:
    drawn(0, 480, 360).save(tmp_path / "0.jpg")
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/0.jpg"
        samekind.embed([address], tmp_path / "shards", model=tiny_model)
        with Gallery.open(tmp_path / "all.samekind", model=tiny_model) as gallery:
            gallery.add_shards(tmp_path / "shards")
            (row,) = gallery
            asked.clear()
            shown = shown_row(gallery, row, "70 %")
        running = start(command("serve", "--port", "0", "--gallery", tmp_path / "all.samekind"), tmp_path / "log.txt")
        with running.client() as client:
            assert client.get(f"/gallery/{row.id}").status_code == 404
        assert running.stop() == 0
        server.shutdown()
    assert (picture_in(shown.source).size, shown.address, asked) == ((192, 144), "", [])


def test_a_row_below_zero_or_beyond_any_is_none(album: Path) -> None:
    with Gallery.open(album, read_only=True) as gallery:
        for number in (-(2**63) - 1, 0, 2**63):
            with pytest.raises(GalleryError):
                gallery.row(number)
            with pytest.raises(GalleryError):
                gallery.picture_file(number)
