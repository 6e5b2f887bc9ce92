"""The service within this process, without a network."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest
from PIL import Image
from postgres import Server, needs_postgres, postgres  # noqa: F401 - the fixture

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery
from samekind.recognizer import Recognizer
from samekind.server.app import create_app
from samekind.server.http.problems import Problem
from samekind.server.service import GalleryQueue


@pytest.fixture
def ask(tiny_model):
    """Asks a service within this process."""

    async def ask(method: str, path: str, *, gallery=None, recognizer=None, **send) -> httpx.Response:
        recognizer = recognizer or samekind.load(tiny_model, threads=1)
        app = create_app(recognizer, gallery=gallery, page=False)
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


@pytest.fixture
def model(adaptable_model) -> Recognizer:
    return samekind.load(adaptable_model, threads=1)


@pytest.fixture
def colours(many_colours) -> list[bytes]:
    return [path.read_bytes() for path in sorted(many_colours.glob("*/*.png"))]


def judged(ask, colours, others, path="verify", **options) -> httpx.Response:
    names = ("first", "second") if path == "verify" else ("first", "second", "third")
    files = [(name, ("a.png", content)) for name, content in zip(names, colours, strict=False)]
    files += [("among", ("b.png", content)) for content in others]
    return asyncio.run(ask("POST", f"/api/v1/{path}", files=files, **options))


def test_among_other_pictures_of_the_request_it_judges_as_python_does(ask, model, colours) -> None:
    mine = model.adapt(colours[4:24])
    pair = judged(ask, colours, colours[4:24], recognizer=model).json()
    verdict = mine.verify(*colours[:2])
    assert pair["similarity"] == pytest.approx(verdict.similarity, abs=1e-5)
    assert pair["probability"] == pytest.approx(verdict.probability, abs=1e-5)
    assert (pair["same"], pair["threshold"]) == (verdict.same, pytest.approx(verdict.threshold))
    assert pair["rates_from"] == "collections of other kinds"
    trio = judged(ask, colours, colours[4:24], "trio", recognizer=model).json()
    assert trio["probability"] == pytest.approx(mine.verify_trio(*colours[:3]).probability, abs=1e-5)


def test_the_other_pictures_are_forgotten(model, colours) -> None:
    app = create_app(model, page=False)

    async def three() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            files = [("first", ("a.png", colours[0])), ("second", ("a.png", colours[1]))]
            among = files + [("among", ("b.png", content)) for content in colours[4:24]]
            return [await client.post("/api/v1/verify", files=given) for given in (files, among, files)]

    before, within, after = asyncio.run(three())
    assert before.json() == after.json() != within.json()


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (slice(0, 9), "among: 9 readable pictures; at least 10 are needed"),
        ([0] * 12, "among: 12 pictures, but only 1 different ones"),
        (None, "among[3]: "),
    ],
    ids=["too few", "one many times", "unreadable"],
)
def test_what_is_wrong_with_the_other_pictures_is_said_with_their_field(ask, model, colours, others, words) -> None:
    if others is None:
        given = [b"no picture" if number == 3 else content for number, content in enumerate(colours[:12])]
    else:
        given = colours[others] if isinstance(others, slice) else [colours[number] for number in others]
    answer = judged(ask, colours, given, recognizer=model)
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True), answer.text


def test_more_other_pictures_than_a_request_may_hold_are_refused(ask, model, colours) -> None:
    answer = judged(ask, colours, (colours * 2)[:31], recognizer=model)
    assert (answer.status_code, "at most 32 images" in answer.text) == (413, True)
    assert judged(ask, colours, (colours * 2)[:30], recognizer=model).status_code == 200


def test_a_model_that_cannot_be_adapted_or_is_already_says_so(ask, model, colours) -> None:
    never = judged(ask, colours, colours[4:24])
    assert (never.status_code, "among: tiny: cannot be adapted without labels" in never.text) == (422, True)
    twice = judged(ask, colours, colours[4:24], recognizer=model.adapt(colours))
    assert (twice.status_code, "judges among pictures of its own already" in twice.text) == (422, True)


def test_with_a_gallery_it_judges_among_the_gallery(
    ask, model, adaptable_model, colours, many_colours, tmp_path
) -> None:
    with Gallery.open(tmp_path / "g.samekind", model=adaptable_model) as gallery:
        gallery.sync(many_colours)
        answer = judged(ask, colours, [], recognizer=model, gallery=gallery).json()
        other = judged(ask, colours, colours[:12], recognizer=model, gallery=gallery).json()
    assert answer["similarity"] == pytest.approx(model.adapt(many_colours).verify(*colours[:2]).similarity, abs=3e-3)
    assert other["similarity"] == pytest.approx(model.adapt(colours[:12]).verify(*colours[:2]).similarity, abs=1e-5)


@needs_postgres
def test_while_its_database_is_away_a_replica_passes_requests_on(
    model,
    adaptable_model,
    colours,
    many_colours,
    postgres: Server,  # noqa: F811 - the fixture
) -> None:
    address = postgres.new_schema()
    with Gallery.open(address, model=adaptable_model) as gallery:
        gallery.sync(many_colours)

    async def statuses(client: httpx.AsyncClient) -> list[int]:
        pair = [("first", ("a.png", colours[0])), ("second", ("b.png", colours[1]))]
        answers = [
            await client.post("/api/v1/search", files={"image": colours[0]}),
            await client.post("/api/v1/verify", files=pair),
            await client.get("/readyz"),
            await client.get("/healthz"),
        ]
        return [answer.status_code for answer in answers]

    async def ask() -> list[list[int]]:
        app = create_app(model, gallery=gallery, page=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            seen = [await statuses(client)]
            postgres.control("stop", "-m", "fast")
            try:
                seen.append(await statuses(client))
            finally:
                postgres.control("start")
            return [*seen, await statuses(client)]

    with Gallery.open(address, read_only=True) as gallery:
        assert asyncio.run(ask()) == [[200] * 4, [503, 503, 503, 200], [200] * 4]
