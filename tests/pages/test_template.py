"""Pages extend one beginning, hold their pictures, and are written whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from samekind.errors import MissingExtraError
from samekind.pages import page_template, template, thumbnail_uri, write_page

PAGES = [
    ("samekind.gallery.output", "contact_sheet.html"),
    ("samekind.gallery.output", "duplicates_sheet.html"),
    ("samekind.auditing.output", "audit.html"),
    ("samekind.auditing.answers", "label.html"),
]


@pytest.mark.parametrize(("package", "name"), PAGES)
def test_a_page_begins_as_all_do(package: str, name: str) -> None:
    environment = page_template(package, name).environment
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    assert source.startswith("{% extends ")
    assert not re.search("--back:|<head>", source)


def test_a_picture_is_small_and_one_that_cannot_be_read_is_none(photo, tmp_path: Path) -> None:
    small, fine = (thumbnail_uri(photo(), side=side) for side in (8, 80))
    assert small is not None
    assert fine is not None
    assert re.match("data:image/jpeg;base64,", small)
    assert len(small) < len(fine)
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert thumbnail_uri(tmp_path / "broken.png") is None


def test_a_page_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, ["before"])

    def pieces():
        yield "half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(path, pieces())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_without_jinja_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="gallery"):
        page_template("samekind.gallery.output", "contact_sheet.html")
