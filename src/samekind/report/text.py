"""A report as lines of text."""

from __future__ import annotations

from collections.abc import Mapping

from samekind.report.schema import Difference, GroupReport, MetricReport, Number, Report

_WIDTH = 34
_DRAWS = "mean [smallest, largest draw]"


def lines(found: Report) -> list[str]:
    """What a terminal shows of a report."""
    classes = len(found.classes_seen) + len(found.classes_unseen)
    of_classes = f" of {classes} classes" if classes else ""
    told = [f"{found.model.name} on {found.data}: {found.images:,} images{of_classes}", "", *found.summary]
    for name, group in found.groups.items():
        told += _group_lines(group)
        if found.comparison:
            other = found.comparison
            parts = {"pairs": other.pairs, "trios": other.trios, "retrieval": other.retrieval}
            for part, of_groups in parts.items():
                told += _difference_lines(f"{part}: {found.model.name} - {other.model.name}", of_groups.get(name, {}))
    if found.protocol:
        drawn = found.protocol
        told += [
            "",
            "the protocol's test pairs, 32 a class, 10 draws, accuracy at balanced",
            f"  {_DRAWS:<{_WIDTH}}{drawn.mean:.4f}  [{drawn.smallest:.4f}, {drawn.largest:.4f}]",
        ]
    return [*told, "", *found.notes]


def _group_lines(group: GroupReport) -> list[str]:
    lines = ["", f"== {group.title}: {group.images:,} images"] if group.classes else []
    for what, task in (("pairs", group.pairs), ("trios", group.trios)):
        if task:
            counts = ", ".join(f"{count:,} {name}" for name, count in task.counts.items())
            lines += ["", f"{sum(task.counts.values()):,} {what}: {counts}", *_metric_lines(task.metrics)]
            lines += [f"  {m.label:<{_WIDTH}}not measured: {m.reason}" for m in task.not_measured.values()]
    if group.retrieval:
        lines += ["", "retrieval: each image looked up among all others", *_metric_lines(group.retrieval)]
    return lines


def _metric_lines(metrics: Mapping[str, MetricReport]) -> list[str]:
    return [f"  {metric.label:<{_WIDTH}}{_shown(metric)}" for metric in metrics.values()]


def _difference_lines(title: str, differences: Mapping[str, Difference]) -> list[str]:
    if not differences:
        return []
    rows = [
        f"  {found.label:<{_WIDTH}}{_shown(found.difference, sign='+')}{'  clear' if found.clear else ''}"
        for found in differences.values()
    ]
    return ["", title, *rows]


def _shown(metric: Number, sign: str = "") -> str:
    value, low, high = (
        "undefined" if end is None else f"{end:{sign}.4f}" for end in (metric.value, metric.low, metric.high)
    )
    return f"{value}  [{low}, {high}]"
