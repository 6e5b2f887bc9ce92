"""Whether a file may be moved now: it is what the plan says, and so is a copy of it that stays."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from samekind.plans.move import content, is_file
from samekind.plans.plan_file import Plan, PlanLine
from samekind.plans.removal_folder import REMOVAL_FOLDER

# By what a file is known not to have been written since: device, file, size, time.
_Signature = tuple[int, int, int, int]


@dataclass(frozen=True)
class Ready:
    """A file that may be moved.

    Attributes:
        line: The plan's.
        path: The file.
        copy: The name of a copy that stays.
        shared: Whether the file has other names (hard links), so that moving it frees nothing.
    """

    line: PlanLine
    path: Path
    copy: str
    shared: bool


@dataclass(frozen=True)
class Refused:
    """A file that may not be moved, and why; a file that is ``gone`` needs nothing."""

    line: PlanLine
    why: str
    gone: bool = False


class Checks:
    """What a plan would remove, looked at file by file, each at the moment when it is to be moved.

    Args:
        plan: Whose files to look at.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._proved: dict[str, _Signature] = {}
        stays = [line for line in plan.lines if line.action != "remove"]
        # A kept link needs its target as much as a kept file itself.
        self._needed = {os.path.realpath(plan.path(line)): line.name for line in reversed(stays)}
        self._kept = {line.name: line for line in plan.of("keep")}
        self._kept_by_content: dict[str, list[PlanLine]] = {}
        self._kept_copies_of: dict[str, list[PlanLine]] = {}
        for line in self._kept.values():
            self._kept_by_content.setdefault(line.sha256, []).append(line)
            if line.copy_of is not None:
                self._kept_copies_of.setdefault(line.copy_of, []).append(line)

    def look_at(self, line: PlanLine) -> Ready | Refused:
        """Whether the file of a line with ``remove`` may be moved now."""
        path = self._plan.path(line)
        if not os.path.lexists(path):
            return Refused(line, "is not there any more", gone=True)
        try:
            if why := self._not_as_planned(line, path):
                return Refused(line, why)
            copy, why = self._staying_copy(line, path)
            return Refused(line, why) if why else Ready(line, path, copy, path.stat().st_nlink > 1)
        except OSError as error:  # somebody is at work in the folder
            return Refused(line, f"cannot be looked at ({error.strerror})")

    def _not_as_planned(self, line: PlanLine, path: Path) -> str | None:
        if path.is_symlink():
            return "is a link; only files are moved"
        if not is_file(path):
            return "is no file"
        real = os.path.realpath(path)
        if REMOVAL_FOLDER in Path(real).parts:
            return f"lies in {REMOVAL_FOLDER} already"
        if needed_by := self._needed.get(real):
            return f"is what {needed_by} leads to, which stays"
        return _difference(line, path)

    def _staying_copy(self, line: PlanLine, path: Path) -> tuple[str, str | None]:
        """The name of a kept copy that is as the plan says, or why there is none."""
        candidates = list(self._kept_copies_of.get(line.name, []))
        if line.copy_of in self._kept:
            candidates.insert(0, self._kept[line.copy_of])
        candidates += self._kept_by_content.get(line.sha256, [])
        if not candidates:
            of = "no copy of it" if line.copy_of is None else f"neither {line.copy_of} nor another copy of it"
            return "", f"would be the last copy: the plan keeps {of}"
        reasons = []
        for kept in dict.fromkeys(candidates):
            kept_path = self._plan.path(kept)
            why = self._changed_since(kept, kept_path)
            if why is None and not kept_path.samefile(path):
                return kept.name, None
            reasons.append(f"{kept.name}, which should stay, {why or 'is the same file by another name'}")
        return "", f"would be the last copy: {reasons[0]}"

    def _changed_since(self, kept: PlanLine, path: Path) -> str | None:
        """What is wrong with a kept file. Its bytes are read once, and again if it was written since."""
        try:
            status = path.stat()
        except OSError:
            return "is gone"
        signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if self._proved.get(kept.name) == signature:
            return None
        real = Path(os.path.realpath(path))
        if REMOVAL_FOLDER in real.parts:
            return f"lies in {REMOVAL_FOLDER}"
        why = _difference(kept, real)
        if why is None:
            self._proved[kept.name] = signature
        return why


def _difference(line: PlanLine, path: Path) -> str | None:
    try:
        if is_file(path) and path.stat().st_size == line.size and content(path) == (line.size, line.sha256):
            return None
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "has changed since the plan was written"
