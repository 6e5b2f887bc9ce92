"""Groups of duplicates as a plan, which ``samekind.plans`` writes, reads, applies and undoes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from samekind.gallery.duplicates.duplicate_group import DuplicateGroup
from samekind.plans import PlanGroup, PlanLine
from samekind.plans import write_plan as write_plan_file
from samekind.plans.plan_file import Action


def write_plan(path: str | os.PathLike[str], groups: Sequence[DuplicateGroup], title: str, folder: Path) -> None:
    """Write a plan, whole or not at all. Only sure copies of a kept image are to be removed; the rest are looked at.

    Args:
        path: The file to write.
        groups: From ``Gallery.duplicates``. What is no copy (variants, other moments of a scene) is left out.
        title: What the groups are.
        folder: The gallery's.
    """
    write_plan_file(path, (planned_group(group) for group in groups if group.relation == "copy"), title, folder)


def planned_group(group: DuplicateGroup) -> PlanGroup:
    """A group as a plan has it: the kept image first, then the others in their order."""
    keep = group.keep
    lines = [PlanLine("keep", keep.name, keep.size, keep.sha256 or "", note=group.why)]
    for other in group.others:
        action: Action = "remove" if other.sure else "look"
        row = other.row
        lines.append(PlanLine(action, row.name, row.size, row.sha256 or "", copy_of=keep.name, note=other.words()))
    return PlanGroup(
        tuple(lines), "" if group.similarity in {None, 1.0} else f"the least alike two {group.similarity:.2f}"
    )
