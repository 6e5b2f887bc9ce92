"""Writing a report: one HTML file, the same as JSON with its schema, and the figures as PNG."""

from __future__ import annotations

import json
from pathlib import Path

from samekind.atomic import replacing
from samekind.evaluation.describe import describe
from samekind.evaluation.protocol import Evaluation
from samekind.evaluation.protocol import Report as Progress
from samekind.evaluation.report import Report
from samekind.report import figures
from samekind.report.clusters import agreement
from samekind.report.layout import embedding_map
from samekind.report.page import render
from samekind.report.thumbnails import contact_sheet

PAGE, CONTENTS, SCHEMA, FIGURES = "report.html", "report.json", "report.schema.json", "figures"


def write_report(result: Evaluation, folder: Path, progress: Progress | None = None) -> Report:
    """Write the report of an evaluation into a folder, each file whole or not at all, the page last.

    Args:
        result: From ``evaluate``.
        folder: Made if it is missing. Files of an earlier report are replaced, others left alone.
        progress: Called with (stage, done, total).

    Returns:
        What the report says.

    Raises:
        OSError: A file cannot be written.
    """
    known = "listed" not in result.judged.groups
    steps = 5

    def at(done: int) -> None:
        if progress:
            progress("report", done, steps)

    ami = agreement(result) if known else None
    at(1)
    laid_out = embedding_map(result) if known else None
    at(2)
    report = describe(result, ami=ami, embedding_map=laid_out)
    at(3)
    drawings = draw_all(report)
    sheets = {name: found for name, found in report.mistakes if found}
    for drawing in drawings:
        _write(folder / FIGURES / f"{drawing.name}.png", drawing.png)
    for name, found in sheets.items():
        _write(folder / FIGURES / f"{name.replace('_', '-')}.png", contact_sheet(found))
    at(4)
    _write(folder / SCHEMA, json.dumps(Report.model_json_schema(), indent=2).encode() + b"\n")
    _write(folder / CONTENTS, report.model_dump_json(indent=2).encode() + b"\n")
    _write(folder / PAGE, render(report, drawings).encode())
    at(steps)
    return report


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


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
