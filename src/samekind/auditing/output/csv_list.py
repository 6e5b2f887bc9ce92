"""The list to act on: one line a finding, the surest first within each kind.

Columns ``path, label, finding, proposed, score``; then ``sha256``, by which a file that has changed since is known, and
``data``, the folder or manifest that was looked at. Relative paths are relative to the list's own folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from samekind.auditing.report import KINDS, AuditFinding, AuditReport
from samekind.datasets.tables import Row, new_list, read_rows, write_rows
from samekind.errors import DatasetError
from samekind.system.paths import relative_path

COLUMNS = ("path", "label", "finding", "proposed", "score")
MORE_COLUMNS = ("sha256", "data")


@dataclass(frozen=True)
class ListedFinding:
    """A line of a list to act on.

    Attributes:
        where: The list and the number of the line, for messages.
        path: The image.
        label: The class that it had.
        finding: One of ``report.KINDS``.
        proposed: The class that it is to have, or ``remove``.
        sha256: Of the file as it was; empty if the list does not say.
        data: The folder or manifest that it belongs to; None if the list does not say.
    """

    where: str
    path: Path
    label: str
    finding: str
    proposed: str
    sha256: str
    data: Path | None


def write_findings(path: Path, report: AuditReport) -> None:
    """Write the findings of a report, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    data = Path(report.source)
    source = relative_path(data, path.parent) if data.exists() else ""
    rows = [row_of(finding, relative_path(finding.path, path.parent), source) for finding in report.findings]
    with new_list(path) as file:
        write_rows(file, (*COLUMNS, *MORE_COLUMNS), rows)


def row_of(finding: AuditFinding, path: str, data: str) -> Row:
    """A finding as a line."""
    values = (path, finding.label, finding.finding, finding.proposed, f"{finding.score:.4f}", finding.sha256, data)
    return dict(zip((*COLUMNS, *MORE_COLUMNS), values, strict=True))


def read_findings(path: Path) -> list[ListedFinding]:
    """Read a list to act on. The columns after ``proposed`` may be missing.

    Raises:
        DatasetError: It cannot be read, or a line of it is wrong; the message has the number of the line.
    """
    columns, rows = read_rows(path, COLUMNS[:4])
    return list(_lines(path, columns, rows))


def _lines(path: Path, columns: tuple[str, ...], rows: list[tuple[int, Row]]) -> Iterable[ListedFinding]:
    for line, row in rows:
        where = f"{path}: line {line}"
        if not row["path"].strip():
            raise DatasetError(f"{where} has no path; write one or remove the line")
        if row["finding"] not in KINDS:
            raise DatasetError(f"{where} has the finding {row['finding']!r}; findings are {', '.join(KINDS)}")
        if not row["proposed"].strip():
            raise DatasetError(f"{where} proposes nothing; write a class or 'remove', or remove the line")
        data = row["data"] if "data" in columns else ""
        yield ListedFinding(
            where,
            path.parent / row["path"],
            row["label"],
            row["finding"],
            row["proposed"],
            row["sha256"].strip().lower() if "sha256" in columns else "",
            path.parent / data if data else None,
        )
