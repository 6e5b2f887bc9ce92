"""All figures of a report."""

from __future__ import annotations

from samekind.report.page import figures
from samekind.report.schema import Report


def draw_all(report: Report) -> list[figures.Drawing]:
    """All figures that a report has something for."""
    drawings = figures.curves(report)
    for name, group in report.groups.items():
        for what, task in (("pairs", group.pairs), ("trios", group.trios)):
            if task:
                drawings += figures.of_task(name, what, group.title, task)
    if report.class_similarity:
        drawings.append(figures.heatmap(report))
    if report.map:
        drawings.append(figures.embedding_map(report.map))
    return drawings
