"""The service within this process, without a network."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest
from PIL import Image

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.server.app import create_app
from samekind.server.problems import Problem
from samekind.server.service import GalleryQueue


@pytest.fixture
def ask(tiny_model):
    """Asks a service within this process."""

    async def ask(method: str, path: str, *, gallery=None, **send) -> httpx.Response:
        app = create_app(samekind.load(tiny_model, threads=1), gallery=gallery, page=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **send)

    return ask


def test_a_name_that_is_not_utf_8_can_be_found(ask, tiny_model, tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "caf\udce9.png"
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    path.write_bytes((tmp_path / "a.png").read_bytes())
    with Gallery.open(tmp_path / "g.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path / "photos")
        answer = asyncio.run(ask("POST", "/api/v1/search", gallery=gallery, files={"image": path.read_bytes()}))
    assert answer.status_code == 200, answer.text
    assert [hit["path"] for hit in answer.json()["hits"]] == ["photos/caf\\xe9.png"]


def test_an_error_of_the_gallery_goes_to_the_log_and_not_to_strangers(caplog) -> None:
    def fail() -> None:
        raise GalleryError("/srv/private/photos.samekind: belongs to another model")

    queue = GalleryQueue("test", 1)
    with pytest.raises(Problem) as caught:
        asyncio.run(queue.run(fail))
    assert (caught.value.status, "private" in caught.value.detail) == (500, False)
    assert "/srv/private/photos.samekind: belongs" in caplog.text
    queue.close()


def test_long_work_with_the_gallery_ends_with_the_service() -> None:
    queue = GalleryQueue("test", 2)
    begun = threading.Event()

    def survey() -> None:
        begun.set()
        for done in range(100_000):
            queue.stop_at_end(done, 100_000)
            time.sleep(0.01)

    async def ask() -> list[object]:
        asked = [asyncio.ensure_future(queue.run(survey)) for _ in range(2)]
        await asyncio.to_thread(begun.wait, 60)
        await asyncio.to_thread(queue.close)
        return await asyncio.gather(*asked, return_exceptions=True)

    ended, never_begun = asyncio.run(asyncio.wait_for(ask(), 60))
    assert isinstance(ended, Problem)
    assert isinstance(never_begun, asyncio.CancelledError)
