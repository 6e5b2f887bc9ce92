"""What the page shows of a gallery, in a headless Chromium: copies of a picture, all groups, pairs, large pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import PATIENCE, chromium, give, needs_axe, needs_chromium, violations, wait_until_alive
from copies.conftest import photo as drawn
from PIL import Image

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, album_service) -> Iterator:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(album_service.url)
    wait_until_alive(page, "pair")
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def found(page):
    """The page with the groups of the album."""
    page.get_by_role("tab", name="Duplicates").click()
    page.get_by_role("button", name="Find duplicates").click()
    page.get_by_role("heading", name="Group 1:").wait_for()
    return page


def test_search_tells_whether_this_very_picture_is_there(page, tmp_path: Path) -> None:
    drawn(7, 480, 360).crop((40, 30, 440, 340)).save(tmp_path / "crop.jpg", quality=90)
    page.get_by_role("tab", name="Search").click()
    give(page, "search", tmp_path / "crop.jpg")
    page.get_by_role("heading", name="This very picture is here").wait_for()
    first = page.locator(".sk-pair").first
    assert first.locator("figcaption span").first.inner_text() == "07.jpg"
    assert first.locator("figcaption small").first.inner_text() == "photos"
    assert first.locator(".sk-is-sure").count() == 1
    assert "cropped" in first.locator("p").inner_text()
    assert first.locator("img").count() == 3  # the gallery's, the query, and what they differ in
    page.get_by_role("heading", name="The most alike first").wait_for()
    drawn(500, 480, 360).save(tmp_path / "other.jpg")
    give(page, "search", tmp_path / "other.jpg")
    page.get_by_text("This very picture is not in the gallery.").wait_for()


def test_all_groups_can_be_reached_page_by_page(found) -> None:
    seen = set()
    while True:
        seen |= set(found.locator(".sk-group h2").all_inner_texts())
        following = found.get_by_role("button", name="Next ›").first
        if following.is_disabled():
            break
        place = found.locator(".sk-pages span").inner_text()
        following.click()
        found.wait_for_function("was => document.querySelector('.sk-pages span').innerText != was", arg=place)
    numbers = sorted(int(title.split()[1].rstrip(":")) for title in seen)
    assert numbers == list(range(1, 25))
    assert found.get_by_role("button", name="Last »").is_disabled()


def test_sure_copies_those_to_look_at_and_what_is_none_are_told_apart(found) -> None:
    for button, badge, names in (
        ("To look at", ".sk-is-look", {"22.jpg", "22-caption.jpg"}),
        ("No copies", ".sk-is-apart", {"23.jpg", "23-red.jpg"}),
    ):
        found.get_by_role("button", name=button).click()
        found.locator(f".sk-parts [aria-pressed=true]:has-text('{button}')").wait_for()
        assert found.locator(".sk-group").count() == 1
        assert found.locator(badge).count() == 1
        assert set(found.locator(".sk-group figcaption span").all_inner_texts()) == names
    assert found.get_by_text("worth keeping").count() == 0  # of what is no copy both are


def test_the_difference_is_drawn_where_it_is(found, album_service) -> None:
    found.get_by_role("button", name="No copies").click()
    found.locator(".sk-is-apart").wait_for()
    image = found.locator(".sk-row figure").nth(2).locator("img")
    image.scroll_into_view_if_needed()
    found.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    with album_service.client() as client:
        content = client.get(f"/{image.get_attribute('src')}").content
    pixels = Image.open(io.BytesIO(content)).convert("RGB")
    red, green, _ = pixels.getpixel((pixels.width // 2, pixels.height // 2))  # 23-red.jpg is another colour there
    assert red > green + 80
    red, green, _ = pixels.getpixel((10, 10))
    assert abs(red - green) < 40


def test_pictures_open_large_with_name_and_folder_and_by_keyboard(found) -> None:
    found.locator(".sk-large").first.focus()
    found.keyboard.press("Enter")
    view = found.locator("#sk-view[open]")
    view.wait_for()
    image = view.locator("img")
    found.wait_for_function("image => image.complete && image.naturalWidth == 480", arg=image.element_handle())
    name = view.locator("b").inner_text()
    assert name.endswith(".jpg")
    assert view.locator("figcaption span").inner_text().startswith("photos")
    found.keyboard.press("ArrowRight")
    assert view.locator("b").inner_text() != name or "small" in view.locator("figcaption span").inner_text()
    found.keyboard.press("Escape")
    view.wait_for(state="hidden")
    assert found.evaluate("document.activeElement.className") == "sk-large"


def test_a_picture_that_is_gone_meanwhile_leaves_words(found, album: Path) -> None:
    picture = album.parent / "photos/00.jpg"
    content = picture.read_bytes()
    picture.write_bytes(b"no picture any more")
    try:
        found.locator(".sk-large[data-file='00.jpg'][data-folder='photos']").first.click()
        found.locator("#sk-view .sk-gone:not([hidden])").wait_for()
        assert found.locator("#sk-view img").is_hidden()
    finally:
        picture.write_bytes(content)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_groups_are_not_wider_than_the_screen(browser, album_service, scheme) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)
    phone.set_default_timeout(PATIENCE)
    phone.goto(album_service.url)
    wait_until_alive(phone, "pair")
    phone.get_by_role("tab", name="Duplicates").click()
    phone.get_by_role("button", name="Find duplicates").click()
    phone.locator(".sk-pages").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for tab in ("Two images", "Three images", "Search", "Duplicates"):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("tab", name=tab, selected=True).wait_for()
        assert violations(page) == [], tab
    page.get_by_role("button", name="Find duplicates").click()
    page.get_by_role("heading", name="Group 1:").wait_for()
    assert violations(page) == []
