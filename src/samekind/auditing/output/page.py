"""An audit as one HTML file with the pictures in it, and boxes to tick from which it makes the list to act on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from samekind.auditing.output.csv_list import COLUMNS, MORE_COLUMNS, row_of
from samekind.auditing.report import KINDS, AuditFinding, AuditReport, title_of
from samekind.pages import page_template, thumbnail_uri, write_page

# Findings of a kind that are shown, and images of each part of a class; and the side of a picture, in pixels.
_MOST, _OF_PART, _SIDE = 200, 8, 140
# Ticked beforehand from this score on.
_TICKED = 0.9


@dataclass(frozen=True)
class _Shown:
    """A finding with its pictures."""

    number: int
    finding: AuditFinding
    ticked: bool


def write_audit_page(path: Path, report: AuditReport) -> None:
    """Write the page, whole or not at all. Pictures are read while it is written.

    Raises:
        MissingExtraError: jinja2 is not installed.
        OSError: The file cannot be written.
    """
    small = partial(thumbnail_uri, side=_SIDE, quality=75)
    template = page_template("samekind.auditing.output", "audit.html", small)
    sections = []
    rows: list[list[str]] = []
    data = str(Path(report.source).absolute()) if Path(report.source).exists() else ""
    for kind in KINDS:
        found = report.of(kind)
        shown = []
        for finding in found[:_MOST]:
            shown.append(_Shown(len(rows), finding, finding.score >= _TICKED))
            rows.append(list(row_of(finding, str(finding.path.absolute()), data).values()))
        sections.append((kind, title_of(kind), len(found), shown))
    context: dict[str, Any] = {
        "report": report,
        "sections": sections,
        "divided": [
            (one, [[report.paths[i] for i in part[:_OF_PART]] for part in one.parts]) for one in report.divided
        ],
        "columns": [*COLUMNS, *MORE_COLUMNS],
        "rows": rows,
        # Ticks are kept by the browser for this very audit.
        "key": "samekind-audit-" + hashlib.sha256(repr(rows).encode("utf-8", "replace")).hexdigest()[:16],
    }
    write_page(path, template.generate(**context))
