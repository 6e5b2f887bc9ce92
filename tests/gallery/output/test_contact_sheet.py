"""Contact sheets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from samekind.gallery import Gallery
from samekind.gallery.output.contact_sheet import Section, picture_of, write_contact_sheet


def test_a_contact_sheet_is_one_file_and_takes_no_html_from_names(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    shutil.copy2(photos / "red/00.png", photos / "<script>alert(1)<x>&.png")
    shutil.copy2(photos / "red/03.png", photos / "gone.png")
    gallery.sync(photos)
    rows = list(gallery)
    (photos / "gone.png").unlink()
    sheet = tmp_path / "sheet.html"
    write_contact_sheet(sheet, "All & more", "a summary", [Section("One", [picture_of(row) for row in rows], more=3)])
    text = sheet.read_text()
    assert text.count("data:image/jpeg;base64,") == 13
    assert "no longer readable" in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "and 3 more" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
