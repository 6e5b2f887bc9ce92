"""Plans of what to keep and what to remove."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from gallery.conftest import LONG_AGO, age

from samekind.gallery import Gallery
from samekind.gallery.plan import write_plan


def test_a_plan_can_be_applied_as_its_first_lines_say(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    shutil.copy2(photos / "red/00.png", photos / "red/a copy's name.png")
    shutil.copy2(photos / "red/00.png", photos / "red/line\nbreak.png")
    gallery.sync(photos)
    groups = gallery.duplicates("exact")
    plan = tmp_path / "plan of mine.txt"
    write_plan(plan, groups, "exact duplicates", tmp_path)
    lines = plan.read_text().splitlines()
    assert [line for line in lines if line.startswith(("keep", "remove"))] == [
        "keep   photos/red/00.png",
        "remove photos/red/a copy's name.png",
    ]
    assert any(line.startswith("# by hand") and "line\\nbreak" in line for line in lines)
    commands = "\n".join(line[4:] for line in lines if line.startswith("#   "))
    subprocess.run(["bash", "-ec", commands], check=True)
    assert (tmp_path / "removed/a copy's name.png").exists()
    assert (photos / "red/00.png").exists()
    assert gallery.sync(photos).removed == 1


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
