"""The gallery's pictures for the page: by number alone, decoded anew, never the file itself."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from samekind.gallery import Gallery


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
