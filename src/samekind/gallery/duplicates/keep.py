"""Which copy of a group is worth keeping, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from samekind.gallery.file.rows import Row

# What is compared, in this order; higher is better. The last settles every tie.
_RULES: tuple[tuple[Callable[[Row], float], str], ...] = (
    (lambda row: (row.width or 0) * (row.height or 0), "most pixels: {row.width}×{row.height}"),
    (lambda row: row.size, "largest file: {row.size:,} bytes"),
    (lambda row: -row.mtime_ns if row.mtime_ns >= 0 else float("-inf"), "oldest file"),
)


def worth_keeping(rows: Sequence[Row]) -> tuple[Row, str]:
    """The copy with the most pixels; of several the largest file, then the oldest, then the first by name.

    Args:
        rows: The copies, at least one.

    Returns:
        The copy, and in words what it has over the others.
    """
    left = list(rows)
    for measure, reason in _RULES:
        best = max(measure(row) for row in left)
        better = [row for row in left if measure(row) == best]
        if len(better) == 1 and len(left) > 1:
            return better[0], reason.format(row=better[0])
        left = better
    return min(left, key=lambda row: row.name), "first by name; the copies are equal in size and age"
