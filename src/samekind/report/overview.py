"""The overview of a report for a notebook: the findings, and the main numbers of each group."""

from __future__ import annotations

from html import escape

from samekind.evaluation.metrics.metric import AUC, ECE, EER, accuracy_at, far_at, recall_at, tar_at
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT
from samekind.report.numbers import shown
from samekind.report.schema.contents import Report
from samekind.report.schema.parts import GroupReport

_OF_TASKS = (*(at(DEFAULT_OPERATING_POINT) for at in (accuracy_at, far_at, tar_at)), EER, AUC, ECE)
_ROWS = [
    *(("pairs", metric.key, f"pairs: {metric.label}") for metric in _OF_TASKS),
    *(("trios", metric.key, f"trios: {metric.label}") for metric in _OF_TASKS),
    ("retrieval", recall_at(1).key, f"retrieval: {recall_at(1).label}"),
]


def overview(report: Report) -> str:
    """An HTML fragment; all words that come from files are escaped."""
    groups = list(report.groups.values())
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in report.summary)
    heads = "".join(f"<th>{escape(group.title)}</th>" for group in groups)
    rows = []
    for task, key, label in _ROWS:
        cells = [_cell(group, task, key) for group in groups]
        if any(cells):
            rows.append(f"<tr><th>{escape(label)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return (
        f"<div><h3>{escape(report.model.name)} on {escape(report.data)}: {report.images:,} images</h3>{sentences}"
        f"<table><tr><td></td>{heads}</tr>{''.join(rows)}</table>"
        f"<details><summary>Before you trust it</summary><ul>{notes}</ul></details></div>"
    )


def _cell(group: GroupReport, task: str, key: str) -> str:
    """The number of a group, or nothing where it was not measured."""
    if task == "retrieval":
        found = group.retrieval.get(key)
    else:
        measured = group.pairs if task == "pairs" else group.trios
        found = measured.metrics.get(key) if measured else None
    return shown(found) if found else ""
