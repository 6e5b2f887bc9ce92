"""Plans of what to keep and what to remove."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gallery.conftest import LONG_AGO, age

from samekind.gallery import Gallery
from samekind.gallery.plan import write_plan
from samekind.plans import apply_plan, read_plan, undo


def test_a_plan_is_applied_passed_over_and_undone(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    shutil.copy2(photos / "red/00.png", photos / "red/a copy's name.png")
    shutil.copy2(photos / "red/00.png", photos / "red/line\nbreak.png")
    gallery.sync(tmp_path)
    plan = tmp_path / "plan of mine.txt"
    write_plan(plan, gallery.duplicates("exact"), "exact duplicates", gallery.folder)
    applied = apply_plan(read_plan(plan))
    moved = {ready.line.name for ready in applied.moved}
    assert moved == {"photos/red/a copy's name.png", "photos/red/line\nbreak.png"}
    assert (photos / "red/00.png").exists()
    report = gallery.sync(tmp_path)
    assert (report.removed, report.moved) == (2, 0)  # what was moved is not found where it lies now
    assert applied.run is not None
    assert undo(applied.run).back == 2
    assert gallery.sync(tmp_path).added == 2


def test_what_is_of_one_class_is_looked_at_and_not_removed(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    gallery.sync(photos)
    write_plan(tmp_path / "plan.txt", gallery.duplicates("same-class"), "alike", gallery.folder)
    plan = read_plan(tmp_path / "plan.txt")
    assert {line.action for line in plan.lines} == {"keep", "look"}
    assert not apply_plan(plan).moved


@pytest.mark.parametrize("kind", ["exact", "near", "same-class"])
def test_a_plan_never_removes_the_last_copy_of_what_is_gone_or_changed(
    gallery: Gallery, photos: Path, kind: str
) -> None:
    shutil.copy2(photos / "red/00.png", photos / "copy.png")
    gallery.sync(photos)
    for change in (lambda path: age(path, LONG_AGO - 9), Path.unlink):
        change(photos / "copy.png")
        changed: list[int] = []
        groups = gallery.duplicates(kind, on_changed=changed.append)  # type: ignore[arg-type]
        assert changed == [1]
        assert "copy.png" not in {row.path.name for group in groups for row in group.rows}
        assert all(len(group.rows) > 1 for group in groups)
