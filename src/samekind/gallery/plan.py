"""Groups of duplicates as a plan, which ``samekind.plans`` writes, reads, applies and undoes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from samekind.gallery.duplicates.duplicate_groups import DuplicateGroup
from samekind.plans import PlanGroup, PlanLine
from samekind.plans import write_plan as write_plan_file
from samekind.plans.plan_file import Action


def write_plan(
    path: str | os.PathLike[str], groups: Sequence[DuplicateGroup], title: str, folder: Path, *, sure: bool = True
) -> None:
    """Write a plan, whole or not at all.

    Args:
        path: The file to write.
        groups: From ``Gallery.duplicates``.
        title: What the groups are.
        folder: The gallery's.
        sure: Whether the others of a group are copies of the one that is kept, and may be removed; or else to be
            looked at.
    """
    write_plan_file(path, (_as_planned(group, sure) for group in groups), title, folder)


def _as_planned(group: DuplicateGroup, sure: bool) -> PlanGroup:
    keep = group.keep
    lines = [PlanLine("keep", keep.name, keep.size, keep.sha256 or "", note=group.why)]
    action: Action = "remove" if sure else "look"
    lines += [PlanLine(action, row.name, row.size, row.sha256 or "", copy_of=keep.name) for row in group.spare]
    return PlanGroup(tuple(lines), f"the least alike two {group.similarity:.2f}")
