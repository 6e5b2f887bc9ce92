"""Folders with copies in them, plans for them, and their bytes before and after."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from samekind.plans import PlanGroup, PlanLine, write_plan
from samekind.plans.removal_folder import REMOVAL_FOLDER

# A file system in memory: a second one, and one on which fsync takes no time.
MEMORY = next((path for path in ["/dev/shm"] if os.access(path, os.W_OK)), None)  # noqa: S108 - each test makes its own

Snapshot = dict[str, tuple[bytes, int, int]]


def line(folder: Path, name: str, action: str = "keep", copy_of: str | None = None) -> PlanLine:
    """A plan's line for a file as it is now."""
    data = (folder / name).read_bytes()
    return PlanLine(action, name, len(data), hashlib.sha256(data).hexdigest(), copy_of)  # type: ignore[arg-type]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return path


def make_folder(folder: Path, pictures: int = 4, copies: int = 2) -> Path:
    """Pictures with copies, some with names that are not easy, and a plan ``plan.txt`` beside the folder."""
    groups = []
    for number in range(pictures):
        keep = f"keep/{number}.jpg"
        write(folder / keep, f"picture {number}".encode() * 50)
        names = [("sub folder" if copy else "é\n") + f"/{number} '{copy}'.jpg" for copy in range(copies)]
        if os.name == "posix":
            names[0] = os.fsdecode(os.fsencode(names[0]).replace(b".jpg", b"\xff.jpg"))
        for copy, name in enumerate(names):
            write(folder / name, f"picture {number}, edit {copy}".encode() * 50)
        lines = (line(folder, keep), *(line(folder, name, "remove", keep) for name in names))
        groups.append(PlanGroup(lines, "a remark"))
    plan = folder.parent / "plan.txt"
    write_plan(plan, groups, "copies", folder)
    return plan


def snapshot(folder: Path, *, ours: bool = False) -> Snapshot:
    """Every file under a folder: bytes, mode, time. ``ours`` takes in the folder of what was removed."""
    found = {}
    for place, folders, files in os.walk(folder):
        if not ours and REMOVAL_FOLDER in folders:
            folders.remove(REMOVAL_FOLDER)
        for name in files:
            path = Path(place, name)
            status = path.lstat()
            found[str(path.relative_to(folder))] = (path.read_bytes(), stat.S_IMODE(status.st_mode), status.st_mtime_ns)
    return found


def contents(folder: Path) -> set[bytes]:
    """The bytes of all pictures, wherever they are, for none to be lost."""
    return {data for name, (data, _, _) in snapshot(folder, ours=True).items() if name.endswith(".jpg")}
