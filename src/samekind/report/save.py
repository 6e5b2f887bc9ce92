"""Writing a report: one HTML file, the same as JSON with its schema, and the figures as PNG."""

from __future__ import annotations

import errno
import json
import os
from importlib.util import find_spec
from pathlib import Path

from samekind.errors import MissingExtraError
from samekind.evaluation.metrics.metric import AMI
from samekind.evaluation.results import Evaluation
from samekind.progress import Progress, stage_counter
from samekind.report.numbers import metric_report
from samekind.report.schema.contents import Explain, Report
from samekind.system.atomic import replacing

PAGE, CONTENTS, SCHEMA, FIGURES = "report.html", "report.json", "report.schema.json", "figures"
_LIBRARIES = ("sklearn", "matplotlib", "jinja2")


def save_report(
    report: Report,
    folder: Path,
    evaluation: Evaluation | None = None,
    on_progress: Progress | None = None,
    *,
    explain: Explain | None = None,
) -> Report:
    """Write a report into a folder, each file whole or not at all, the page last.

    Args:
        report: The report.
        folder: Made if it is missing. Files of an earlier report are replaced, others left alone.
        evaluation: What the report was built from, for the map and AMI; None writes the report as it is.
        on_progress: Called with ("report", done, total).
        explain: As ``Recognizer.explain``, to show why mistakes were made; None does not show it.

    Returns:
        The report as written.

    Raises:
        MissingExtraError: The extra ``report`` is not installed.
        NotADirectoryError: The folder is a file.
        OSError: A file cannot be written.
    """
    check_can_save(folder)
    from samekind.report.page.figures import draw_all  # noqa: PLC0415 - refused above where they are missing
    from samekind.report.page.reasons import reasons  # noqa: PLC0415
    from samekind.report.page.render import render  # noqa: PLC0415
    from samekind.report.page.thumbnails import contact_sheet  # noqa: PLC0415

    steps = 5
    at = stage_counter(on_progress, "report", steps)
    if evaluation is not None and not evaluation.of_listed_items:
        report = _with_map_and_agreement(report, evaluation)
    at(1)
    drawings = draw_all(report)
    at(2)
    for drawing in drawings:
        _write(folder / FIGURES / f"{drawing.name}.png", drawing.png)
    for name, found in report.mistakes:
        if found:
            _write(folder / FIGURES / f"{name.replace('_', '-')}.png", contact_sheet(found))
    at(3)
    _write(folder / SCHEMA, json.dumps(Report.model_json_schema(), indent=2).encode() + b"\n")
    _write(folder / CONTENTS, report.model_dump_json(indent=2).encode() + b"\n")
    whys = reasons(report.mistakes, explain)
    at(4)
    _write(folder / PAGE, render(report, drawings, whys).encode())
    at(steps)
    return report


def check_can_save(folder: Path) -> None:
    """Make sure, before the work, that a report can be written.

    Raises:
        MissingExtraError: The extra ``report`` is not installed.
        NotADirectoryError: The folder is a file.
    """
    for module in _LIBRARIES:
        if find_spec(module) is None:
            raise MissingExtraError("report", module)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _with_map_and_agreement(report: Report, evaluation: Evaluation) -> Report:
    """The report with what only scikit-learn can tell; what it has already is kept."""
    from samekind.report.agreement import agreement  # noqa: PLC0415 - takes scikit-learn
    from samekind.report.embedding_map import embedding_map  # noqa: PLC0415

    groups = dict(report.groups)
    if all(group.ami is None for group in groups.values()):
        for name, drawn in agreement(evaluation).items():
            groups[name] = groups[name].model_copy(update={"ami": metric_report(AMI, drawn)})
    return report.model_copy(update={"groups": groups, "map": report.map or embedding_map(evaluation)})


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
