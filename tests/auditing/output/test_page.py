import json
import re
import shutil
from pathlib import Path

from samekind import audit


def test_the_page_has_the_pictures_and_names_cannot_break_out_of_it(photos: Path, tiny_model: Path) -> None:
    shutil.move(photos / "red", photos / "<b>&red")
    shutil.move(photos / "<b>&red" / "03.png", photos / "blue" / "<script><i>odd.png")
    found = audit(photos, tiny_model)
    found.save_html(photos.parent / "audit.html")
    text = (photos.parent / "audit.html").read_text("utf-8")
    assert "<b>&red" not in text
    assert text.count("<script>") == text.count("</script>") == 1
    assert "<i>odd" not in text
    rows = json.loads(re.search(r"const rows = (.*);", text)[1])  # type: ignore[index]
    assert [row[3] for row in rows if row[2] == "label"] == ["<b>&red"]
    assert text.count("data:image/jpeg;base64,") >= 7
    assert "http://" not in text
    assert "https://" not in text


def test_an_audit_without_findings_has_a_page(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    rows = [(path, path.parent.name) for path in sorted(photos.rglob("*.png"))[:1]]
    audit(rows, tiny_model).save_html(tmp_path / "empty.html")
    assert "labels that look wrong: 0" in (tmp_path / "empty.html").read_text("utf-8")
