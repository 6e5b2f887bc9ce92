"""The page in a headless Chromium: what Python says, and nothing leaves it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import PATIENCE, chromium, needs_axe, needs_chromium, violations
from PIL import Image, ImageDraw

import samekind

pytestmark = needs_chromium

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Any, site: Callable[..., Path], hosted: Callable[[Path], Any]) -> Iterator[Callable[..., Any]]:
    """Opens the page with a model, as a new visitor, and waits until it is ready."""
    contexts = []

    def visited(model: Path | str | None = None, *, viewport: dict[str, int] | None = None) -> Any:
        host = hosted(site(model))
        context = browser.new_context(viewport=viewport or DESK)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.host, page.wrong = host, []
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.goto(host.address)
        page.get_by_text("Ready.").wait_for()
        return page

    yield visited
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty-four drawn pictures as PNG: small and large, wide and tall, grey, with a palette and transparent."""
    rng = np.random.default_rng(21)
    folder = tmp_path_factory.mktemp("drawn")
    modes = ("RGB", "RGB", "L", "P", "RGBA")
    return [_drawing(rng, folder / f"{number:02}.png", modes[number % len(modes)]) for number in range(24)]


def _drawing(rng: np.random.Generator, path: Path, mode: str) -> Path:
    """Some shapes of one sort on a ground that is not quite even."""
    width, height = (int(side) for side in rng.integers(90, 1300, 2))
    ground = rng.integers(0, 256, 3) + rng.normal(0, 6, (height, width, 3))
    image = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    shape = (draw.ellipse, draw.rectangle, draw.line)[rng.integers(3)]
    for _ in range(rng.integers(1, 9)):
        left, right = sorted(rng.integers(0, width, 2).tolist())
        top, lower = sorted(rng.integers(0, height, 2).tolist())
        shape((left, top, right + 1, lower + 1), fill=tuple(rng.integers(0, 256, 3).tolist()))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.convert(mode).save(path)
    return path


def give(page: Any, *pictures: Path) -> float:
    """Put pictures in the places from the first on; the probability that the page then shows."""
    for place, picture in enumerate(pictures):
        page.locator(".slot input").nth(place).set_input_files(picture)
        page.locator(".slot").nth(place).get_by_text(picture.name).wait_for()
    return shown(page, 3 if len(pictures) == 3 else 1)


def shown(page: Any, values: int = 1) -> float:
    """The probability of the verdict, once there is none that is still computed."""
    page.wait_for_function(
        "trio => document.querySelector('#verdict data') && !document.querySelector('#ask-why').hidden"
        " && Boolean(document.querySelector('#verdict ul')) === trio",
        arg=values == 3,
    )
    return float(page.locator("#verdict data").first.get_attribute("value"))


def test_drawn_pictures_are_judged_as_python_judges_them(visit: Callable[..., Any], drawn: list[Path]) -> None:
    page, model = visit(), samekind.load()
    for first, second in zip(drawn[:10], drawn[10:20], strict=True):
        page.get_by_text("Ready.").wait_for()
        assert give(page, first, second) == pytest.approx(model.verify(first, second).probability, abs=1e-3)
        for place in (1, 0):
            page.locator(".slot button").nth(place).click()
    trio = drawn[0], drawn[5], drawn[9]
    assert give(page, *trio) == pytest.approx(model.verify_trio(*trio).probability, abs=1e-3)
    assert page.locator("#verdict li").count() == 3
    assert not page.wrong


def test_adapted_to_twenty_pictures_it_judges_as_python_does(visit: Callable[..., Any], drawn: list[Path]) -> None:
    page, model = visit(), samekind.load()
    bare = give(page, *drawn[20:22])
    page.locator("#collection-files").set_input_files(drawn[:20])
    page.get_by_text("Judged among 20 of your pictures").wait_for()
    page.wait_for_function(f"() => document.querySelector('#verdict data')?.value != '{bare}'")
    expected = model.adapt(drawn[:20]).verify(*drawn[20:22]).probability
    assert shown(page) == pytest.approx(expected, abs=1e-3)
    page.get_by_role("button", name="Judge without them").click()
    page.wait_for_function(f"() => document.querySelector('#verdict data')?.value == '{bare}'")


def test_nothing_leaves_the_page(visit: Callable[..., Any], drawn: list[Path], hosted: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = hosted(tmp_path / "elsewhere")
    page = visit()
    page.wait_for_function("() => navigator.serviceWorker.controller")
    page.get_by_text("Works without a network").wait_for()
    sent: list[Any] = []
    page.context.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - playwright takes no method of a list
    asked = len(page.host.requests)
    give(page, *drawn[:3])
    page.locator("#collection-files").set_input_files(drawn[:12])
    page.get_by_text("Judged among 12").wait_for()
    shown(page, 3)
    page.get_by_role("button", name="Why?").click()
    page.locator("#why canvas").nth(2).wait_for()
    assert not [request.url for request in sent if not request.url.startswith("blob:")]
    assert len(page.host.requests) == asked
    # Not even a page that wanted to could; the page's worker has the same policy.
    fetching = (
        f"fetch('{elsewhere.address}', {{method: 'POST', body: 'a picture'}}).then(() => 'sent', () => 'refused')"
    )
    assert page.evaluate(fetching) == "refused"
    assert [worker.evaluate(fetching) for worker in page.workers] == ["refused"]
    assert not elsewhere.requests
    urllib.request.urlopen(elsewhere.address).close()  # noqa: S310 - our own host, which others can reach
    assert elsewhere.requests


def test_it_works_with_the_network_cut_and_then_has_threads(visit: Callable[..., Any], drawn: list[Path]) -> None:
    page = visit()
    before = give(page, *drawn[:2])
    page.get_by_text("Works without a network").wait_for()
    assert not page.evaluate("crossOriginIsolated")  # this host sends no such headers
    page.context.set_offline(True)
    page.reload()
    page.get_by_text("Ready.").wait_for()
    assert page.evaluate("crossOriginIsolated")
    assert give(page, *drawn[:2]) == pytest.approx(before, abs=1e-5)


def test_a_new_version_takes_the_place_of_the_old_one(
    visit: Callable[..., Any], site: Callable[..., Path], tiny_model: Path
) -> None:
    page = visit("imagenette")
    page.get_by_text("Works without a network").wait_for()
    site(tiny_model)
    page.reload()
    page.get_by_text("Model tiny").wait_for()
    page.wait_for_function("() => caches.keys().then(names => names.length == 1)")
    page.context.set_offline(True)
    page.reload()
    page.get_by_text("Model tiny").wait_for()


def test_why_names_the_places_for_those_who_do_not_see_them(visit: Callable[..., Any], drawn: list[Path]) -> None:
    page = visit()
    give(page, drawn[0], drawn[0])
    page.get_by_role("button", name="Why?").click()
    page.get_by_role("img", name="The places that match most: the").wait_for()


def test_a_network_that_does_not_pool_is_explained_by_occlusion(
    visit: Callable[..., Any], tiny_model: Path, drawn: list[Path]
) -> None:
    page = visit(tiny_model)
    expected = samekind.load(tiny_model).verify(*drawn[:2]).probability
    page.locator(".slot input").first.set_input_files(drawn[:2])  # the second takes the next empty place
    assert shown(page) == pytest.approx(expected, abs=1e-3)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("By occlusion").wait_for()


def test_what_is_no_picture_is_named_and_the_page_goes_on(
    visit: Callable[..., Any], tiny_model: Path, drawn: list[Path], tmp_path: Path
) -> None:
    page, broken = visit(tiny_model), tmp_path / "notes.png"
    broken.write_text("no picture", encoding="utf-8")
    page.locator(".slot input").nth(0).set_input_files(broken)
    page.get_by_text("notes.png: no picture that this browser can read").wait_for()
    give(page, *drawn[:2])
    assert not page.wrong


def test_a_model_that_was_changed_is_refused(
    browser: Any, site: Callable[..., Path], hosted: Callable[[Path], Any]
) -> None:
    folder = site("imagenette")
    [model] = folder.glob("*.onnx")
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    page = browser.new_page()
    page.goto(hosted(folder).address)
    page.get_by_text("corrupt; its network is not the one that its card describes").wait_for(timeout=PATIENCE)
    page.close()


@needs_axe
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Callable[..., Any], drawn: list[Path], viewport: dict[str, int], scheme: str) -> None:
    page = visit(viewport=viewport)
    page.emulate_media(color_scheme=scheme)
    assert violations(page) == []
    give(page, *drawn[:3])
    page.locator("#collection-files").set_input_files(drawn[:12])
    page.get_by_text("Judged among 12").wait_for()
    shown(page, 3)
    page.get_by_role("button", name="Why?").click()
    page.locator("#why canvas").nth(2).wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everything_can_be_reached_and_done_by_keyboard(
    visit: Callable[..., Any], tiny_model: Path, drawn: list[Path]
) -> None:
    page = visit(tiny_model)
    for picture in drawn[:2]:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "×":
            page.keyboard.press("Tab")
        with page.expect_file_chooser() as choosing:
            page.keyboard.press("Space")
        choosing.value.set_files(picture)
        page.get_by_text(picture.name).wait_for()
    shown(page)
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert {"point", "ask-why"} <= set(reached)
