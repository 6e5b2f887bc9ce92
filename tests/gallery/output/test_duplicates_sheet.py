"""The page of duplicates: what it shows, and the plan that a browser makes of its boxes, without any server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import PATIENCE, chromium, needs_chromium
from copies.conftest import photo as drawn
from gallery.conftest import LONG_AGO, age
from PIL import ImageDraw

from samekind.copies.evidence import Edit, Evidence
from samekind.gallery import Duplicate, DuplicateGroup, Gallery, Row, write_duplicates_sheet
from samekind.gallery.plan import write_plan
from samekind.plans import apply_plan, preview_plan, read_plan, undo


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_sheet(browser, tmp_path: Path) -> Iterator:
    """Opens a page as a file, and fails if its script complains or anything else is asked for."""
    opened, complaints, asked = [], [], set()

    def go(sheet: Path):
        page = browser.new_page(accept_downloads=True)
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.add(request.url.partition(":")[0]))
        page.goto(sheet.as_uri())
        opened.append(page)
        return page

    yield go
    for page in opened:
        page.close()
    assert complaints == []
    assert asked <= {"file", "data", "blob"}


def saved_plan(page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the plan").click()
    assert download.value.suggested_filename == "plan.txt"
    download.value.save_as(folder / "downloaded.txt")
    return folder / "downloaded.txt"


def box(page, name: str):
    return page.locator(f'input[data-name="{name}"]')


@pytest.fixture
def album(gallery: Gallery, tmp_path: Path) -> Gallery:
    """Three pictures: of one two smaller copies, of one a copy with a caption, of one a copy of the same bytes."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed, name in enumerate(("beach", "castle", 'a "quoted" & <b>name\nin two lines')):
        drawn(seed, 480, 360).save(photos / f"{name}.jpg", quality=93)
        age(photos / f"{name}.jpg")
    for width in (300, 240):
        drawn(0, 480, 360).resize((width, width * 3 // 4)).save(photos / f"beach-{width}.jpg", quality=90)
    captioned = drawn(1, 480, 360)
    ImageDraw.Draw(captioned).text((40, 300), "At the seaside", fill="white", font_size=32)
    captioned.save(photos / "castle-caption.jpg", quality=93)
    shutil.copy(photos / 'a "quoted" & <b>name\nin two lines.jpg', photos / os.fsdecode(b"caf\xe9.jpg"))
    for path in photos.iterdir():
        age(path, LONG_AGO + len(path.name))
    gallery.sync(photos)
    return gallery


def sheet_and_plan(gallery: Gallery, folder: Path) -> tuple[Path, Path]:
    groups = gallery.duplicates("near", related=True)
    write_duplicates_sheet(folder / "sheet.html", "Near duplicates", groups, gallery.folder)
    write_plan(folder / "plan.txt", groups, "Near duplicates", gallery.folder)
    return folder / "sheet.html", folder / "plan.txt"


def lines(plan: Path) -> list[str]:
    return [line for line in plan.read_text().splitlines() if line and not line.startswith("# ")]


@needs_chromium
def test_untouched_it_saves_the_plan_that_the_command_writes(open_sheet, album: Gallery, tmp_path: Path) -> None:
    sheet, plan = sheet_and_plan(album, tmp_path)
    page = open_sheet(sheet)
    saved = saved_plan(page, tmp_path)
    assert lines(saved) == lines(plan)
    assert read_plan(saved).lines == read_plan(plan).lines
    assert len(read_plan(plan).of("remove")) == 3
    assert "samekind duplicates --apply plan.txt" in page.locator("#said").inner_text()
    applied = apply_plan(read_plan(saved))
    assert len(applied.moved) == 3
    assert applied.run is not None
    assert undo(applied.run).back == 3


@needs_chromium
def test_sure_ones_are_ticked_and_others_not(open_sheet, album: Gallery, tmp_path: Path) -> None:
    page = open_sheet(sheet_and_plan(album, tmp_path)[0])
    assert box(page, "photos/beach-300.jpg").is_checked()
    assert not box(page, "photos/beach.jpg").is_checked()
    assert not box(page, "photos/castle-caption.jpg").is_checked()
    assert page.locator("#count").inner_text().startswith("3 pictures may go")
    page.get_by_role("button", name="Untick all").click()
    assert not page.locator("input:checked").count()
    assert not read_plan(saved_plan(page, tmp_path)).of("remove")
    page.get_by_role("button", name="Tick the sure ones").click()
    assert page.locator("input:checked").count() == 3


@needs_chromium
def test_what_is_ticked_by_hand_goes_and_what_is_unticked_stays(open_sheet, album: Gallery, tmp_path: Path) -> None:
    page = open_sheet(sheet_and_plan(album, tmp_path)[0])
    box(page, "photos/castle-caption.jpg").check()
    box(page, "photos/beach-300.jpg").uncheck()
    plan = read_plan(saved_plan(page, tmp_path))
    by_name = {line.name: line.action for line in plan.lines}
    assert (by_name["photos/castle-caption.jpg"], by_name["photos/beach-300.jpg"]) == ("remove", "keep")
    assert "photos/castle-caption.jpg" in {ready.line.name for ready in preview_plan(plan).moved}


@needs_chromium
def test_another_can_be_kept_and_the_page_says_what_apply_would_refuse(
    open_sheet, album: Gallery, tmp_path: Path
) -> None:
    page = open_sheet(sheet_and_plan(album, tmp_path)[0])
    said = page.locator("li:has(input[data-name='photos/beach-240.jpg']) .stays")
    assert said.inner_text() == ""
    # The two small ones are copies of the large one, and nobody has laid them on each other.
    box(page, "photos/beach.jpg").check()
    box(page, "photos/beach-300.jpg").uncheck()
    assert "no copy of it is kept" in said.inner_text()
    plan = read_plan(saved_plan(page, tmp_path))
    preview = preview_plan(plan)
    assert {"photos/beach.jpg"} == {r.line.name for r in preview.moved if "beach" in r.line.name}
    assert [refused.line.name for refused in preview.refused] == ["photos/beach-240.jpg"]
    box(page, "photos/beach-300.jpg").check()  # now nothing of the group would be left
    assert page.locator(".stays:not(:empty)").count() == 3
    plan = read_plan(saved_plan(page, tmp_path))
    assert not [ready for ready in preview_plan(plan).moved if "beach" in ready.line.name]


@needs_chromium
def test_a_plan_from_the_page_is_refused_for_what_has_changed_since(open_sheet, album: Gallery, tmp_path: Path) -> None:
    plan = read_plan(saved_plan(open_sheet(sheet_and_plan(album, tmp_path)[0]), tmp_path))
    drawn(9, 300, 225).save(tmp_path / "photos/beach-300.jpg")
    applied = apply_plan(plan)
    assert [(refused.line.name, refused.why) for refused in applied.refused] == [
        ("photos/beach-300.jpg", "has changed since the plan was written")
    ]
    assert (tmp_path / "photos/beach-300.jpg").exists()


@needs_chromium
def test_by_keyboard_alone(open_sheet, album: Gallery, tmp_path: Path) -> None:
    page = open_sheet(sheet_and_plan(album, tmp_path)[0])
    name = "document.activeElement.dataset.name || document.activeElement.innerText"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(name) == "photos/castle-caption.jpg":
            break
    page.keyboard.press("Space")
    assert box(page, "photos/castle-caption.jpg").is_checked()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(name) == "Save the plan":
            break
    with page.expect_download():
        page.keyboard.press("Enter")


def made_group(number: int, others: int = 1) -> DuplicateGroup:
    """A group of files that are not there, so that nothing is drawn."""
    rows = []
    for i in range(others + 1):
        path, content = Path(f"/nowhere/{number}-{i}.jpg"), f"{number:032x}{i:032x}"
        rows.append(Row(i, f"photos/{number:05}-{i}.jpg", path, 1000, 0, content, 64, 48, None, None, None))
    evidence = Evidence("copy", (Edit("resized", 1),), "sure", "", 57, 0.4, (1.0, 1.0), 0.5)
    copies = tuple(Duplicate(row, True, "", evidence, "smaller") for row in rows[1:])
    return DuplicateGroup(tuple(rows), rows[0], "the other is smaller", None, copies)


@needs_chromium
def test_a_thousand_groups(open_sheet, tmp_path: Path) -> None:
    groups = [made_group(number) for number in range(1000)]
    drawn_groups: list[int] = []
    sheet = tmp_path / "sheet.html"
    write_duplicates_sheet(
        sheet, "Many", groups, tmp_path, on_progress=lambda _, done, total: drawn_groups.append(done)
    )
    assert drawn_groups == list(range(1, 1001))
    page = open_sheet(sheet)
    assert page.locator("#count").inner_text() == "1,000 pictures may go, 1.0 MB"
    box(page, "photos/00700-1.jpg").uncheck()
    assert page.locator("#count").inner_text() == "999 pictures may go, 1.0 MB"
    plan = read_plan(saved_plan(page, tmp_path))
    assert (len(plan.of("keep")), len(plan.of("remove"))) == (1001, 999)


def test_of_a_large_group_all_have_boxes_and_some_are_drawn(tmp_path: Path) -> None:
    write_duplicates_sheet(tmp_path / "sheet.html", "Many", [made_group(1, others=200)], tmp_path)
    text = (tmp_path / "sheet.html").read_text()
    assert text.count('type="checkbox"') == 201
    assert text.count("no longer readable") == 48


def test_what_is_no_copy_has_no_box_and_without_a_folder_nothing_has(album: Gallery, tmp_path: Path) -> None:
    [group] = [group for group in album.duplicates("near") if group.keep.name == "photos/beach.jpg"]
    scene = DuplicateGroup(group.rows, group.keep, "both", None, group.others, "same scene")
    for groups, folder in (([scene], album.folder), ([group], None)):
        write_duplicates_sheet(tmp_path / "sheet.html", "Some", groups, folder)
        text = (tmp_path / "sheet.html").read_text()
        assert "data:image/jpeg" in text
        assert 'type="checkbox"' not in text


def test_names_are_text_and_the_page_asks_for_nothing(album: Gallery, tmp_path: Path) -> None:
    text = sheet_and_plan(album, tmp_path)[0].read_text()
    assert "<b>name" not in text
    assert "&lt;b&gt;name" in text
    assert 'src="http' not in text
    assert "caf\\udce9.jpg" in text  # the plan's line has the very bytes of the name
