"""Plans of what to keep and what to remove: written, read, applied without losing a file, and undone.

Example:
    >>> import hashlib, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     for file in ("a.jpg", "b.jpg"):
    ...         _ = (folder / file).write_bytes(b"picture")
    ...     digest = hashlib.sha256(b"picture").hexdigest()
    ...     lines = (PlanLine("keep", "a.jpg", 7, digest), PlanLine("remove", "b.jpg", 7, digest, copy_of="a.jpg"))
    ...     write_plan(folder / "plan.txt", [PlanGroup(lines)], "exact duplicates", folder)
    ...     applied = apply_plan(read_plan(folder / "plan.txt"))
    ...     print(len(applied.moved), (folder / "b.jpg").exists())
    ...     print(undo(applied.run).back, (folder / "b.jpg").read_bytes())
    1 False
    1 b'picture'
"""

from samekind.plans.apply import Applied, apply_plan, preview_plan
from samekind.plans.plan_file import Plan, PlanGroup, PlanLine, read_plan, write_plan
from samekind.plans.undo import Undone, undo

__all__ = [
    "Applied",
    "Plan",
    "PlanGroup",
    "PlanLine",
    "Undone",
    "apply_plan",
    "preview_plan",
    "read_plan",
    "undo",
    "write_plan",
]
